-- Each shipment has a chain of evidence: what was told, in that order. `head` is the hash of its last entry. A scan's entry stands
-- in its row, any other in `evidence` with its fact.
ALTER TABLE tracker ADD COLUMN entries int NOT NULL DEFAULT 0, ADD COLUMN head bytea;
ALTER TABLE scan ADD COLUMN entry int, ADD COLUMN entry_hash bytea;
CREATE TABLE evidence (
    tenant text, shipment_id text, entry int, kind text NOT NULL, entry_hash bytea NOT NULL, fact_sha256 bytea NOT NULL,
    fact text, recorded_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, shipment_id, entry)
);
