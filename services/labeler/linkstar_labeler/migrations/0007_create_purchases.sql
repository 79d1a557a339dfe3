-- Accounts at carriers reached over the network. Tenant `platform` holds the platform's own lines. Credentials are sealed.
CREATE TABLE carrier_account (
    tenant text, carrier text, account text,
    connector text NOT NULL,
    base_url text NOT NULL,
    credentials bytea NOT NULL,
    settings jsonb NOT NULL DEFAULT '{}',
    test boolean NOT NULL DEFAULT false,
    suspended boolean NOT NULL DEFAULT false,
    version int NOT NULL DEFAULT 1,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, carrier, account)
);

-- A label that is being bought is paid for by a hold. At most one label of a shipment is held, being bought, or active.
ALTER TABLE label DROP CONSTRAINT label_state_check;
ALTER TABLE label ADD CONSTRAINT label_state_check CHECK (state IN ('held', 'buying', 'active', 'voided', 'withdrawn'));
DROP INDEX label_current;
CREATE UNIQUE INDEX label_current ON label (tenant, shipment_id) WHERE state IN ('held', 'buying', 'active');

-- One purchase per label bought over the network. `due_at` is real time: the end of a lease, or when to look again.
CREATE TABLE purchase (
    tenant text, shipment_id text, route_version int,
    account_tenant text NOT NULL, carrier text NOT NULL, account text NOT NULL,
    state text NOT NULL CHECK (state IN ('intent', 'calling', 'unknown', 'purchased', 'refused', 'withdrawn', 'voiding',
        'voided', 'kept')),
    wanted boolean NOT NULL DEFAULT true,
    captured boolean NOT NULL DEFAULT false,
    given_back boolean NOT NULL DEFAULT false,
    attempt int NOT NULL DEFAULT 0,
    unknowns int NOT NULL DEFAULT 0,
    tries int NOT NULL DEFAULT 0,
    token text NOT NULL DEFAULT '',
    due_at timestamptz, called_at timestamptz, waiting_since timestamptz,
    carrier_id text NOT NULL DEFAULT '',
    tracking_numbers text[] NOT NULL DEFAULT '{}',
    PRIMARY KEY (tenant, shipment_id, route_version),
    CHECK ((due_at IS NULL) = (state IN ('purchased', 'refused', 'withdrawn', 'voided', 'kept'))),
    FOREIGN KEY (tenant, shipment_id, route_version) REFERENCES label
);
CREATE INDEX purchase_due ON purchase (due_at) WHERE due_at IS NOT NULL;

-- Every attempt ever sent, by the reference the carrier knows. A suspected one may have bought something nobody knows of.
CREATE TABLE purchase_attempt (
    reference text PRIMARY KEY,
    tenant text NOT NULL, shipment_id text NOT NULL, route_version int NOT NULL, attempt int NOT NULL,
    account_tenant text NOT NULL, carrier text NOT NULL, account text NOT NULL,
    sent_at timestamptz NOT NULL,
    suspected boolean NOT NULL DEFAULT false
);
CREATE INDEX purchase_attempt_suspected ON purchase_attempt (account_tenant, carrier, account, sent_at) WHERE suspected;

-- Labels the carrier sold for which nobody pays: voided until the carrier agrees or declines.
CREATE TABLE orphan_label (
    account_tenant text, carrier text, account text, carrier_id text,
    reference text NOT NULL REFERENCES purchase_attempt,
    tracking_numbers text[] NOT NULL,
    state text NOT NULL CHECK (state IN ('voiding', 'voided', 'kept')),
    detail text NOT NULL DEFAULT '',
    token text NOT NULL DEFAULT '',
    due_at timestamptz,
    found_at timestamptz NOT NULL,
    PRIMARY KEY (account_tenant, carrier, account, carrier_id),
    CHECK ((state = 'voiding') = (due_at IS NOT NULL))
);
CREATE INDEX orphan_label_due ON orphan_label (due_at) WHERE due_at IS NOT NULL;

-- What the carrier printed, kept as long as its label may be printed again.
CREATE TABLE label_document (
    tenant text, shipment_id text, route_version int, parcel int,
    media_type text NOT NULL CHECK (media_type IN ('application/pdf', 'application/zpl', 'image/png')),
    content bytea NOT NULL,
    PRIMARY KEY (tenant, shipment_id, route_version, parcel),
    FOREIGN KEY (tenant, shipment_id, route_version) REFERENCES label
);
ALTER TABLE label_document ALTER COLUMN content SET STORAGE EXTERNAL;
