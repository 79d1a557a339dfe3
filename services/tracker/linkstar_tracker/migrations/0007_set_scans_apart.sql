-- Scans that lie too far ahead of the clock to be believed: shown to whoever told them, and in no timeline.
CREATE TABLE quarantined_scan (
    carrier text, tracking_number text, scan_id text, tenant text, code text NOT NULL, body text NOT NULL,
    scanned_at timestamptz NOT NULL, scanned_local text NOT NULL, timezone text NOT NULL, place jsonb NOT NULL,
    source text NOT NULL, retracts text, received_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, carrier, tracking_number, scan_id)
);
CREATE INDEX quarantined_scan_expiry ON quarantined_scan (expires_at);
