-- What was asked for about parcels under way, each once, and how it was answered.
CREATE TABLE carrier_action (
    tenant text, action_id text, shipment_id text NOT NULL, kind text NOT NULL, carrier text NOT NULL,
    state text NOT NULL CHECK (state IN ('accepted', 'refused', 'unsupported', 'unconfirmed')),
    code text NOT NULL, asked_at timestamptz NOT NULL, answered_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, action_id)
);
