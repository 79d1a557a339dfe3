-- When the carrier accepted the first parcel of an order. Beside the order, whose wide row need not be written anew for it.
CREATE TABLE order_handover (
    tenant text, order_id text, handed_over_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, order_id)
);

INSERT INTO order_handover SELECT tenant, order_id, handed_over_at FROM sales_order WHERE handed_over_at IS NOT NULL;

ALTER TABLE sales_order DROP COLUMN handed_over_at;
