-- What was asked for about shipments: ActionRequested's body, a new address in it sealed, and that of its newest ActionAnswered.
CREATE TABLE shipment_action (
    tenant text, shipment_id text, action_id text, request text NOT NULL, answer text, state text NOT NULL, version int NOT NULL,
    asked_by text NOT NULL, asked_at timestamptz NOT NULL, changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, shipment_id, action_id)
) WITH (fillfactor = 80);
COMMENT ON COLUMN shipment_action.asked_by IS 'id of the API key; empty where a rule asked';
