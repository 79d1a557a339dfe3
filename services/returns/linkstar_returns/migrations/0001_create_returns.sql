-- What a return needs of its order: the content to ship back. The aggregate that returns are locked by.
CREATE TABLE returnable_order (
    tenant text, order_id text, shard int NOT NULL, content jsonb, updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, order_id)
);

-- How far the way out has come, per shipment of the order; only kept once it is delivered or comes back.
CREATE TABLE outbound (
    tenant text, order_id text, shipment_id text, version int NOT NULL, status text NOT NULL, delivered boolean NOT NULL,
    delivered_at timestamptz,
    PRIMARY KEY (tenant, order_id, shipment_id)
);

CREATE TABLE return_case (
    tenant text, return_id text, order_id text NOT NULL, shard int NOT NULL, number int NOT NULL, origin text NOT NULL,
    request_id text NOT NULL, requested_at timestamptz NOT NULL, items jsonb NOT NULL, reason text NOT NULL,
    state text, refusal text, version int NOT NULL, ordered boolean NOT NULL, label_version int NOT NULL,
    tracking_number text, tracking_version int NOT NULL, travelled text NOT NULL, close_requested boolean NOT NULL,
    expiry_version int NOT NULL, expires_at timestamptz, updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, return_id),
    UNIQUE (tenant, order_id, request_id)
) WITH (fillfactor = 80);
CREATE INDEX return_case_expiry ON return_case (shard, expires_at) WHERE expires_at IS NOT NULL;
CREATE INDEX return_case_order ON return_case (tenant, order_id);
