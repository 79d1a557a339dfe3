-- What a seller wants done with corrections of addresses; without a row they are applied.
CREATE TABLE address_policy (
    tenant text PRIMARY KEY,
    corrections text NOT NULL CHECK (corrections IN ('apply', 'propose')),
    updated_at timestamptz NOT NULL
);
