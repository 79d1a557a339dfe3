-- Ownership, offsets, outbox and dead letters of the batch stage.
CREATE TABLE stage_shard (
    grp text, shard int, epoch bigint NOT NULL, owner text NOT NULL, cluster_id text NOT NULL,
    claimed_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, shard)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

CREATE TABLE stage_offset (
    grp text, shard int, topic text, next_offset bigint NOT NULL,
    updated_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, shard, topic)
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

CREATE TABLE outbox (
    grp text, shard int, seq bigint GENERATED ALWAYS AS IDENTITY, target_topic text NOT NULL, target_part int NOT NULL,
    n int NOT NULL, chunk bytea NOT NULL, created_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (grp, shard, seq)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);

CREATE TABLE dead_letter (
    grp text, topic text, part int, off bigint, code text NOT NULL, class text NOT NULL, detail text,
    raw bytea, key bytea, headers bytea, record_ts timestamptz, tenant text, trace_id text, service_version text,
    attempts int NOT NULL DEFAULT 1, first_failed_at timestamptz NOT NULL DEFAULT now(), redriven_at timestamptz,
    PRIMARY KEY (grp, topic, part, off)
);
