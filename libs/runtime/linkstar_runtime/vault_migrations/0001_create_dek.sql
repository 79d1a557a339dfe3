-- One data key per order, wrapped by the tenant's key. Deleting the row destroys the consignee everywhere.
CREATE TABLE dek (
    tenant text, order_id text, key_id text NOT NULL, wrapped bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, order_id)
);
