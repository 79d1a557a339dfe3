-- An account that may ask its carrier where parcels are, and nothing else; `*` serves all tenants. What it may still call
-- drips in by real time: `tokens` as of `filled_at`.
CREATE TABLE tracking_account (
    tenant text, carrier text, test boolean, base_url text NOT NULL, credentials bytea NOT NULL,
    calls int NOT NULL, per_s int NOT NULL, version int NOT NULL DEFAULT 1, changed_at timestamptz NOT NULL,
    tokens float8 NOT NULL, filled_at timestamptz NOT NULL, used int NOT NULL DEFAULT 0, used_since timestamptz NOT NULL,
    blocked_until timestamptz, blocked_by text NOT NULL DEFAULT '',
    enrolled_to text, enrolled_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, carrier, test)
) WITH (fillfactor = 50);

-- Parcels that are asked for, and when: due at `due_at` if nothing newer was known since `known_at`. No scan writes here; who
-- asks finds out by the parcel's scans whether it is due in truth. A lease ends by real time.
CREATE TABLE poll_due (
    carrier text, tracking_number text, tenant text NOT NULL, shipment_id text NOT NULL, test boolean NOT NULL,
    known_at timestamptz NOT NULL, due_at timestamptz NOT NULL, asked_at timestamptz, leased_until timestamptz,
    failures int NOT NULL DEFAULT 0, last_end text NOT NULL DEFAULT '',
    PRIMARY KEY (carrier, tracking_number)
) WITH (fillfactor = 70);
CREATE INDEX poll_due_next ON poll_due (carrier, test, due_at);
