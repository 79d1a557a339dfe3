-- A case is open while a shipment's papers may be needed. `key`, sealed, opens them; destroying it erases them everywhere.
CREATE TABLE evidence_case (
    tenant text, shipment_id text, number int, shard int NOT NULL, opened_by text NOT NULL, opened_at timestamptz NOT NULL,
    keep_until timestamptz NOT NULL, closed_at timestamptz, closed_by text, key bytea,
    PRIMARY KEY (tenant, shipment_id, number)
);
CREATE UNIQUE INDEX evidence_case_open ON evidence_case (tenant, shipment_id) WHERE closed_at IS NULL;
CREATE INDEX evidence_case_due ON evidence_case (shard, keep_until) WHERE closed_at IS NULL;

-- A paper's content, sealed under its case's key; what the chain says of it stands in `evidence` under the same entry.
CREATE TABLE evidence_paper (
    tenant text, shipment_id text, entry int, number int NOT NULL, kind text NOT NULL, content_type text NOT NULL,
    bytes int NOT NULL, commitment bytea NOT NULL, sealed bytea NOT NULL,
    PRIMARY KEY (tenant, shipment_id, entry)
);
CREATE UNIQUE INDEX evidence_paper_content ON evidence_paper (tenant, shipment_id, commitment);
ALTER TABLE evidence_paper ALTER COLUMN sealed SET STORAGE EXTERNAL;

-- Public keys that packs were signed with: those of past master keys too.
CREATE TABLE signing_key (public_key bytea PRIMARY KEY, first_used_at timestamptz NOT NULL);
