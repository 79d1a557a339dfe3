-- After how many days a seller gives up labels that no carrier has scanned, and up to which label that was looked at.
CREATE TABLE unused_policy (
    tenant text PRIMARY KEY,
    after_days int NOT NULL CHECK (after_days > 0),
    key_id text NOT NULL, changed_at timestamptz NOT NULL
);
CREATE TABLE unused_sweep (
    tenant text, shard int, swept_until timestamptz NOT NULL,
    PRIMARY KEY (tenant, shard)
);
-- Labels lie in the order they were made: a few bytes per megabyte find those of a day.
CREATE INDEX label_created ON label USING brin (created_at) WITH (pages_per_range = 64, autosummarize = on);
