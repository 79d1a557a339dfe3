-- How many parcels a day a carrier, a service or a warehouse takes. A parcel uses every pool that it falls into.
CREATE TABLE capacity_pool (
    tenant text NOT NULL,
    pool text NOT NULL,
    carrier text NOT NULL,
    service text NOT NULL,
    warehouse text NOT NULL,
    cap int NOT NULL CHECK (cap >= 0),
    minimum int NOT NULL CHECK (minimum BETWEEN 0 AND cap),
    valid_from date NOT NULL,
    valid_to date,
    PRIMARY KEY (tenant, pool),
    CHECK (valid_to >= valid_from)
);
COMMENT ON COLUMN capacity_pool.service IS 'empty: every service of the carrier';
COMMENT ON COLUMN capacity_pool.warehouse IS 'empty: every warehouse';
COMMENT ON COLUMN capacity_pool.minimum IS 'parcels a day the seller has committed to; recorded, not yet steered by';

-- What is used of a pool on one local day of the warehouse; the check makes overbooking impossible whoever writes.
CREATE TABLE capacity_day (
    tenant text NOT NULL,
    pool text NOT NULL,
    day date NOT NULL,
    cap int NOT NULL,
    used int NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, pool, day),
    CHECK (used BETWEEN 0 AND cap)
) WITH (fillfactor = 50);

-- Which route attempt uses it: taken together with the decision, given back once.
CREATE TABLE capacity_use (
    tenant text NOT NULL,
    shipment_id text NOT NULL,
    pool text NOT NULL,
    attempt int NOT NULL,
    day date NOT NULL,
    units int NOT NULL CHECK (units > 0),
    PRIMARY KEY (tenant, shipment_id, pool)
);

-- Held shipments are few: whoever publishes rules or changes a pool finds those of a tenant at once.
CREATE INDEX shipment_held ON shipment (tenant) WHERE state = 'held';
