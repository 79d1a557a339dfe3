-- One row per shipment; the aggregate that every other table of it is locked by. `label` is what is kept of LabelCreated.
CREATE TABLE tracker (
    tenant text, shipment_id text, order_id text NOT NULL, shard int NOT NULL,
    label jsonb, label_version int NOT NULL DEFAULT 0, voided boolean NOT NULL DEFAULT false,
    version int NOT NULL DEFAULT 0, status text NOT NULL DEFAULT 'pending', last_scan_at timestamptz,
    watch_due_at timestamptz, updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, shipment_id)
) WITH (fillfactor = 70);
CREATE INDEX tracker_watch ON tracker (shard, watch_due_at) WHERE watch_due_at IS NOT NULL;

-- A scan's natural key within its shipment is the hash of carrier, number, code, instant and place.
CREATE TABLE scan (
    tenant text, shipment_id text, scan_id text, carrier text NOT NULL, tracking_number text NOT NULL, code text NOT NULL,
    body text NOT NULL, scanned_at timestamptz NOT NULL, scanned_local text NOT NULL, timezone text NOT NULL,
    place jsonb NOT NULL, source text NOT NULL, retracts text, received_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, shipment_id, scan_id)
);

CREATE TABLE shipment_exception (
    tenant text, exception_id text, shipment_id text NOT NULL, code text NOT NULL, severity text NOT NULL,
    party text NOT NULL, detail text NOT NULL, action text NOT NULL, state text NOT NULL, version int NOT NULL,
    opened_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, exception_id)
) WITH (fillfactor = 80);
CREATE INDEX shipment_exception_shipment ON shipment_exception (tenant, shipment_id);

-- Number to shipment; the first owner keeps the number, whoever comes later is noted as a conflict.
CREATE TABLE tracking_number (
    carrier text, tracking_number text, tenant text NOT NULL, shipment_id text NOT NULL, order_id text NOT NULL,
    registered_at timestamptz NOT NULL,
    PRIMARY KEY (carrier, tracking_number)
);
CREATE TABLE number_conflict (
    carrier text, tracking_number text, tenant text, shipment_id text, seen_at timestamptz NOT NULL,
    PRIMARY KEY (carrier, tracking_number, tenant, shipment_id)
);

-- Scans of numbers nobody has registered yet. `tenant` is the reporter's; `*` is a carrier that serves all.
CREATE TABLE unmatched_scan (
    carrier text, tracking_number text, scan_id text, tenant text, code text NOT NULL, body text NOT NULL,
    scanned_at timestamptz NOT NULL, scanned_local text NOT NULL, timezone text NOT NULL, place jsonb NOT NULL,
    source text NOT NULL, retracts text, received_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
    PRIMARY KEY (carrier, tracking_number, tenant, scan_id)
);
CREATE INDEX unmatched_scan_expiry ON unmatched_scan (expires_at);

-- Codes no row of the status map explains, counted.
CREATE TABLE unmapped_code (
    carrier text, code text, seen bigint NOT NULL, sample text NOT NULL, first_seen_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (carrier, code)
) WITH (fillfactor = 70);
