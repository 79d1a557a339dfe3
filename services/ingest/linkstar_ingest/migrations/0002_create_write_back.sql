-- What the sales channel is to be told about a shipment: newest label and newest tracking state, each by its version.
CREATE TABLE write_back (
    tenant text, shipment_id text, order_id text NOT NULL, shard int NOT NULL,
    label_version int NOT NULL DEFAULT 0, label_state text CHECK (label_state IN ('created', 'voided')),
    carrier text, service text, tracking_numbers text[] NOT NULL DEFAULT '{}', labelled_at timestamptz,
    tracking_version int NOT NULL DEFAULT 0, status text, delivered_at timestamptz,
    state text NOT NULL DEFAULT 'pending' CHECK (state IN ('pending', 'told')),
    PRIMARY KEY (tenant, shipment_id)
) WITH (fillfactor = 80);

CREATE INDEX write_back_pending ON write_back (shard) WHERE state = 'pending';
