-- What a tenant may spend, in minor units. The CHECK is the last word on overdrafts.
CREATE TABLE wallet (
    tenant text, currency text,
    balance_minor bigint NOT NULL DEFAULT 0,
    credit_limit_minor bigint NOT NULL DEFAULT 0 CHECK (credit_limit_minor >= 0),
    PRIMARY KEY (tenant, currency),
    CONSTRAINT wallet_covered CHECK (balance_minor + credit_limit_minor >= 0)
);

-- Double entry, append-only: one row moves an amount from one account to another of the same tenant and currency, so every
-- posting sums to zero by construction. A replay of a posting meets the unique key.
CREATE TABLE ledger_entry (
    entry_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL, posting_id text NOT NULL,
    shipment_id text,
    currency text NOT NULL,
    from_account text NOT NULL, to_account text NOT NULL CHECK (to_account <> from_account),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    posted_at timestamptz NOT NULL,
    UNIQUE (tenant, posting_id)
);
CREATE INDEX ledger_entry_page ON ledger_entry (tenant, entry_id);
CREATE INDEX ledger_entry_shipment ON ledger_entry (tenant, shipment_id) WHERE shipment_id IS NOT NULL;

CREATE VIEW ledger_leg AS
SELECT entry_id, tenant, posting_id, currency, from_account AS account, -amount_minor AS amount_minor FROM ledger_entry
UNION ALL
SELECT entry_id, tenant, posting_id, currency, to_account, amount_minor FROM ledger_entry;

-- Postings that returns asked for and the wallet does not cover: they wait here for a top-up.
CREATE TABLE waiting_posting (
    tenant text, posting_id text,
    shard int NOT NULL,
    currency text NOT NULL, amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    from_account text NOT NULL, to_account text NOT NULL,
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, posting_id)
);
CREATE INDEX waiting_posting_shard ON waiting_posting (shard, arrival);

-- The ledger is never changed: the service may add to it and read it.
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labeler') THEN REVOKE UPDATE, DELETE ON ledger_entry FROM labeler; END IF;
END $$;
