-- What is known of a shipment: the newest order content and route attempt, cancelled or under way. Rows exist before their
-- route when a cancel came first. `version` counts the shipment's label events.
CREATE TABLE shipment (
    tenant text, shipment_id text,
    order_id text NOT NULL, shard int NOT NULL,
    version int NOT NULL DEFAULT 0,
    order_version int NOT NULL DEFAULT 0,
    route_version int NOT NULL DEFAULT 0,
    cancelled boolean NOT NULL DEFAULT false,
    accepted boolean NOT NULL DEFAULT false,
    PRIMARY KEY (tenant, shipment_id)
);

-- One row per route attempt that was to be bought. `route` is the RouteChosen body, consignee sealed: what a label shows is
-- computed from it whenever it is printed, and never again once the consignee's key is destroyed.
CREATE TABLE label (
    tenant text, shipment_id text, route_version int,
    shard int NOT NULL,
    state text NOT NULL CHECK (state IN ('held', 'active', 'voided', 'withdrawn')),
    hold_code text CHECK ((state = 'held') = (hold_code IS NOT NULL)),
    carrier text NOT NULL, service text NOT NULL,
    currency text NOT NULL, charged_minor bigint NOT NULL CHECK (charged_minor >= 0),
    tracking_numbers text[] NOT NULL, label_sha256 text[] NOT NULL,
    route jsonb NOT NULL,
    created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, shipment_id, route_version)
);
-- At most one label of a shipment is paid or waits to be paid.
CREATE UNIQUE INDEX label_current ON label (tenant, shipment_id) WHERE state IN ('held', 'active');
CREATE INDEX label_held ON label (shard, arrival) WHERE state = 'held';

-- Every number ever printed: a second use is refused by the key, whatever went wrong before.
CREATE TABLE tracking_number (
    carrier text, number text,
    tenant text NOT NULL, shipment_id text NOT NULL, route_version int NOT NULL, parcel int NOT NULL,
    PRIMARY KEY (carrier, number)
);

-- Serials a carrier gave us, and the block of them each shard has leased. A block belongs to one shard only.
CREATE TABLE number_range (
    carrier text, first_serial bigint, last_serial bigint NOT NULL, next_serial bigint NOT NULL,
    PRIMARY KEY (carrier, first_serial),
    CHECK (first_serial <= next_serial AND next_serial <= last_serial + 1)
);
CREATE TABLE number_block (
    carrier text, shard int, next_serial bigint NOT NULL, last_serial bigint NOT NULL,
    PRIMARY KEY (carrier, shard),
    CHECK (next_serial <= last_serial + 1)
);
INSERT INTO number_range (carrier, first_serial, last_serial, next_serial)
SELECT carrier, 1, last_serial, 1 FROM (VALUES
    ('usps', 9999999999), ('ups', 9999999), ('fedex', 999999999), ('canpar', 999999999999), ('canada-post', 99999999),
    ('royal-mail', 99999999), ('parcelforce', 99999999), ('evri', 9999999999), ('dpd-uk', 9999999999), ('dhl-de', 9999999),
    ('hermes-de', 999999999), ('dpd-de', 9999999999), ('colissimo', 99999999), ('mondial-relay', 99999999),
    ('chronopost', 99999999)
) AS range (carrier, last_serial);

CREATE TABLE raised_exception (
    tenant text, exception_id text,
    shipment_id text NOT NULL, code text NOT NULL, state text NOT NULL, version int NOT NULL,
    PRIMARY KEY (tenant, exception_id)
);
CREATE INDEX raised_exception_shipment ON raised_exception (tenant, shipment_id);
