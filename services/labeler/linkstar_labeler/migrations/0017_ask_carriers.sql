-- Actions that a carrier is asked about: the request, whose account it is made with, and the lease of the call.
ALTER TABLE carrier_action DROP CONSTRAINT carrier_action_state_check;
ALTER TABLE carrier_action ADD CONSTRAINT carrier_action_state_check
    CHECK (state IN ('waiting', 'accepted', 'refused', 'unsupported', 'unconfirmed'));
ALTER TABLE carrier_action ADD COLUMN request text, ADD COLUMN route_version int, ADD COLUMN account_tenant text,
    ADD COLUMN account text, ADD COLUMN token text NOT NULL DEFAULT '', ADD COLUMN tries int NOT NULL DEFAULT 0,
    ADD COLUMN due_at timestamptz, ADD COLUMN waiting_since timestamptz;
ALTER TABLE carrier_action ADD CHECK ((due_at IS NULL) = (state <> 'waiting'));
CREATE INDEX carrier_action_due ON carrier_action (due_at) WHERE due_at IS NOT NULL;
