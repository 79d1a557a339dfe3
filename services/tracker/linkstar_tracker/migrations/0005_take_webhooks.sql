-- An address a carrier calls. Its secrets are sealed; the one before holds until `old_until`.
CREATE TABLE webhook_endpoint (
    endpoint_id text PRIMARY KEY, tenant text NOT NULL, carrier text NOT NULL, secret bytea NOT NULL,
    old_secret bytea, old_until timestamptz, created_at timestamptz NOT NULL, changed_at timestamptz NOT NULL
);
CREATE INDEX webhook_endpoint_tenant ON webhook_endpoint (tenant, carrier);

-- A call as it came, sealed, with what became of it. A repeated call finds its row.
CREATE TABLE webhook_delivery (
    endpoint_id text, delivery_id text, tenant text NOT NULL, body bytea NOT NULL, received_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL, accepted int NOT NULL, unmatched int NOT NULL, hints int NOT NULL,
    rejected text NOT NULL,
    PRIMARY KEY (endpoint_id, delivery_id)
);
CREATE INDEX webhook_delivery_expiry ON webhook_delivery (expires_at);

-- Parcels a carrier hinted at: to be asked for before others.
CREATE TABLE poll_hint (
    tenant text, carrier text, tracking_number text, hinted_at timestamptz NOT NULL, expires_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, carrier, tracking_number)
) WITH (fillfactor = 80);
CREATE INDEX poll_hint_expiry ON poll_hint (expires_at);
