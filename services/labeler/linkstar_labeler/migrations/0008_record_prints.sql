-- Who printed which label when: one row per label, key and format, so that any number of prints stays small. `changed` tells
-- that the last print no longer had the hash that LabelCreated gave.
CREATE TABLE label_print (
    tenant text, shipment_id text, route_version int, key_id text, format text,
    prints int NOT NULL, changed boolean NOT NULL,
    first_at timestamptz NOT NULL, last_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, shipment_id, route_version, key_id, format)
);
