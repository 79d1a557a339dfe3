-- A file of scans as it came, named by its content, and how far it has been taken in. Its bytes are dropped when that is done.
CREATE TABLE scan_file (
    tenant text, file_id text, name text NOT NULL, body bytea, rows int NOT NULL, taken int NOT NULL DEFAULT 0,
    accepted int NOT NULL DEFAULT 0, unmatched int NOT NULL DEFAULT 0, rejected int NOT NULL DEFAULT 0,
    received_at timestamptz NOT NULL, finished_at timestamptz, expires_at timestamptz NOT NULL, leased_until timestamptz,
    PRIMARY KEY (tenant, file_id)
) WITH (fillfactor = 70);
CREATE INDEX scan_file_waiting ON scan_file (received_at) WHERE finished_at IS NULL;
CREATE INDEX scan_file_expiry ON scan_file (expires_at);

CREATE TABLE scan_file_fault (
    tenant text, file_id text, line int, code text NOT NULL, field text NOT NULL, detail text NOT NULL, fix text NOT NULL,
    PRIMARY KEY (tenant, file_id, line),
    FOREIGN KEY (tenant, file_id) REFERENCES scan_file ON DELETE CASCADE
);
