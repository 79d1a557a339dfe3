-- Order files on their way in. The file itself holds personal data in clear and is deleted when its import ends.
CREATE TABLE import_job (
    tenant text, import_id text, channel text NOT NULL, warehouse text NOT NULL, filename text NOT NULL,
    state text NOT NULL CHECK (state IN ('processing', 'done', 'failed')),
    rows int NOT NULL, orders int NOT NULL, progress int NOT NULL DEFAULT 0,
    accepted int NOT NULL DEFAULT 0, duplicates int NOT NULL DEFAULT 0, rejected int NOT NULL DEFAULT 0,
    cancels int NOT NULL DEFAULT 0, skipped int NOT NULL DEFAULT 0,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL, leased_until timestamptz,
    PRIMARY KEY (tenant, import_id)
);

CREATE INDEX import_job_waiting ON import_job (created_at) WHERE state = 'processing';

CREATE TABLE import_file (
    tenant text, import_id text, raw bytea NOT NULL,
    PRIMARY KEY (tenant, import_id),
    FOREIGN KEY (tenant, import_id) REFERENCES import_job
);

CREATE TABLE import_error (
    tenant text, import_id text, seq bigint GENERATED ALWAYS AS IDENTITY, row int NOT NULL, order_id text NOT NULL,
    code text NOT NULL, field text NOT NULL, detail text NOT NULL, fix text NOT NULL,
    PRIMARY KEY (tenant, import_id, seq),
    FOREIGN KEY (tenant, import_id) REFERENCES import_job
);
