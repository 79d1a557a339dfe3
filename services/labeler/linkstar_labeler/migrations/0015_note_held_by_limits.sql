-- Which account a label waits for that its account's monthly limit holds.
CREATE TABLE account_hold (
    tenant text, shipment_id text, route_version int,
    account_tenant text NOT NULL, carrier text NOT NULL, account text NOT NULL,
    PRIMARY KEY (tenant, shipment_id, route_version),
    FOREIGN KEY (tenant, shipment_id, route_version) REFERENCES label
);
CREATE INDEX label_held_by_limit ON label (shard) WHERE hold_code = 'account_limit';
