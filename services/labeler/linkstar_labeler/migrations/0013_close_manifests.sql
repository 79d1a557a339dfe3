-- How a seller's parcels leave a warehouse with a carrier where that differs from the carrier's usual days, and whether the day
-- is closed by itself. `close_at` is the next cut-off to close at.
CREATE TABLE hand_over (
    tenant text, warehouse text, carrier text,
    timezone text NOT NULL, cut_off time NOT NULL, closed_on date[] NOT NULL,
    close_at timestamptz,
    key_id text NOT NULL, changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, warehouse, carrier)
);
CREATE INDEX hand_over_due ON hand_over (close_at) WHERE close_at IS NOT NULL;

-- The last number of each kind of paper a tenant was given. Its row is the lock under which labels are put on paper.
CREATE TABLE paper_series (
    tenant text, kind text CHECK (kind IN ('manifest', 'pickup')), issued bigint NOT NULL,
    PRIMARY KEY (tenant, kind)
);

-- A day's hand-over. Without an account it holds labels of number ranges. `due_at` and `waiting_since` are real times.
CREATE TABLE manifest (
    tenant text, manifest_id text,
    warehouse text NOT NULL, country text NOT NULL, carrier text NOT NULL, day date NOT NULL, timezone text NOT NULL,
    account_tenant text, account text,
    made_by text NOT NULL CHECK (made_by IN ('carrier', 'linkstar')),
    state text NOT NULL CHECK (state IN ('closing', 'unknown', 'closed', 'refused', 'reopened')),
    carrier_number text NOT NULL DEFAULT '', code text NOT NULL DEFAULT '', detail text NOT NULL DEFAULT '',
    due_at timestamptz, token text NOT NULL DEFAULT '', tries int NOT NULL DEFAULT 0, waiting_since timestamptz,
    created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, key_id text NOT NULL,
    PRIMARY KEY (tenant, manifest_id),
    CHECK ((account_tenant IS NULL) = (account IS NULL)),
    CHECK (made_by = 'linkstar' OR account IS NOT NULL),
    CHECK ((due_at IS NOT NULL) = (state IN ('closing', 'unknown')))
);
CREATE INDEX manifest_due ON manifest (due_at) WHERE due_at IS NOT NULL;

-- What is on a manifest. A label is held by one manifest at most: by the key, whatever goes wrong.
CREATE TABLE manifest_label (
    tenant text, manifest_id text, shipment_id text, route_version int,
    service text NOT NULL, tracking_numbers text[] NOT NULL, weight_g bigint NOT NULL,
    carrier_id text NOT NULL, attempt int NOT NULL,
    left_out text NOT NULL DEFAULT '', held boolean NOT NULL DEFAULT true,
    PRIMARY KEY (tenant, manifest_id, shipment_id, route_version),
    FOREIGN KEY (tenant, manifest_id) REFERENCES manifest
);
CREATE UNIQUE INDEX manifest_label_held ON manifest_label (tenant, shipment_id, route_version) WHERE held;

-- A carrier's own sheet, sealed under the tenant's key since it may show consignees, and dropped when nobody needs it any more.
CREATE TABLE manifest_document (
    tenant text, manifest_id text,
    media_type text NOT NULL, content bytea NOT NULL, kept_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, manifest_id),
    FOREIGN KEY (tenant, manifest_id) REFERENCES manifest
);
ALTER TABLE manifest_document ALTER COLUMN content SET STORAGE EXTERNAL;

-- Drivers asked to come: one for an account, warehouse and day at most.
CREATE TABLE pickup (
    tenant text, pickup_id text,
    warehouse text NOT NULL, country text NOT NULL, carrier text NOT NULL, day date NOT NULL, timezone text NOT NULL,
    account_tenant text NOT NULL, account text NOT NULL,
    ready_at timestamptz NOT NULL, closes_at timestamptz NOT NULL,
    parcels int NOT NULL, weight_g bigint NOT NULL,
    state text NOT NULL CHECK (state IN ('requested', 'unknown', 'booked', 'refused', 'cancelled')),
    confirmation text NOT NULL DEFAULT '', code text NOT NULL DEFAULT '', detail text NOT NULL DEFAULT '',
    due_at timestamptz, token text NOT NULL DEFAULT '', tries int NOT NULL DEFAULT 0, waiting_since timestamptz,
    created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, key_id text NOT NULL,
    PRIMARY KEY (tenant, pickup_id),
    CHECK ((due_at IS NOT NULL) = (state = 'requested'))
);
CREATE INDEX pickup_due ON pickup (due_at) WHERE due_at IS NOT NULL;
CREATE UNIQUE INDEX pickup_once ON pickup (tenant, warehouse, carrier, account_tenant, account, day)
    WHERE state IN ('requested', 'unknown', 'booked');
