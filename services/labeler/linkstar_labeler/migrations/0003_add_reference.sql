-- What the payer wrote to a top-up.
ALTER TABLE ledger_entry ADD COLUMN reference text NOT NULL DEFAULT '';
