-- One row per shipment: newest order content, newest attempt, what was refused, and the exception it may have open.
CREATE TABLE shipment (
    tenant text NOT NULL,
    shipment_id text NOT NULL,
    order_id text NOT NULL,
    shard int NOT NULL,
    order_version int NOT NULL,
    state text NOT NULL CHECK (state IN ('new', 'routed', 'held', 'cancelled')),
    attempt int NOT NULL,
    chosen text NOT NULL,
    decisions int NOT NULL,
    barred jsonb NOT NULL,
    exception_version int NOT NULL,
    exception_open boolean NOT NULL,
    next_try_at timestamptz,
    content bytea,
    PRIMARY KEY (tenant, shipment_id)
);
COMMENT ON COLUMN shipment.order_version IS 'newest order content or cancel seen; a cancel may come before its order';
COMMENT ON COLUMN shipment.attempt IS 'version of the newest RouteChosen; dense';
COMMENT ON COLUMN shipment.barred IS 'carrier/service that refused the shipment: when it may be tried again, or null';
COMMENT ON COLUMN shipment.content IS 'JSON of the routing content, consignee sealed';
CREATE INDEX shipment_due ON shipment (shard, next_try_at) WHERE next_try_at IS NOT NULL;

-- Every choice ever made, with all it rested on: re-executing the question on the snapshot gives the answer byte by byte.
CREATE TABLE decision (
    tenant text NOT NULL,
    shipment_id text NOT NULL,
    sequence int NOT NULL,
    decided_at timestamptz NOT NULL,
    attempt int,
    snapshot text NOT NULL,
    question bytea NOT NULL,
    answer bytea NOT NULL,
    PRIMARY KEY (tenant, shipment_id, sequence)
);
COMMENT ON COLUMN decision.attempt IS 'version of the RouteChosen it led to; null when no service could take the shipment';
