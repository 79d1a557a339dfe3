-- Master data of a tenant.
CREATE TABLE warehouse (
    tenant text, code text, country text NOT NULL, postcode text NOT NULL, timezone text NOT NULL,
    updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, code)
);

CREATE TABLE product (
    tenant text, sku text, body jsonb NOT NULL, updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, sku)
);

-- The order aggregate. `awaited`: only requests about it have come. Personal data stands sealed in `content`.
CREATE TABLE sales_order (
    tenant text, order_id text, shard int NOT NULL CHECK (shard >= 0),
    state text NOT NULL CHECK (state IN ('awaited', 'held', 'open', 'cancelled')),
    version int NOT NULL CHECK (version BETWEEN 0 AND 1000000000),
    fingerprint bytea NOT NULL, content jsonb, problem text NOT NULL, handed_over_at timestamptz,
    created_at timestamptz NOT NULL, updated_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, order_id),
    CHECK (state = 'awaited' OR (content IS NOT NULL AND length(fingerprint) = 16))
) WITH (fillfactor = 85);

CREATE INDEX sales_order_by_time ON sales_order (tenant, created_at DESC, order_id);

-- Changes and cancels, each done once. `patch` is kept only while the order is awaited.
CREATE TABLE order_request (
    tenant text, order_id text, kind text CHECK (kind IN ('change', 'cancel')), request_id text,
    seq bigint GENERATED ALWAYS AS IDENTITY,
    outcome text NOT NULL CHECK (outcome IN ('awaited', 'applied', 'superseded', 'too_late', 'refused')),
    patch jsonb, reason text NOT NULL, requested_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, order_id, kind, request_id),
    FOREIGN KEY (tenant, order_id) REFERENCES sales_order
);

CREATE TABLE order_exception (
    tenant text, exception_id text, order_id text NOT NULL, state text NOT NULL, version int NOT NULL,
    body jsonb NOT NULL,
    PRIMARY KEY (tenant, exception_id),
    FOREIGN KEY (tenant, order_id) REFERENCES sales_order
);

CREATE INDEX order_exception_by_order ON order_exception (tenant, order_id);
