-- Published routing rules: a tenant's newest version is in force, older ones re-execute older decisions. Rows never change.
CREATE TABLE rule_set (
    tenant text NOT NULL,
    version int NOT NULL,
    digest text NOT NULL,
    document text NOT NULL,
    note text NOT NULL,
    published_at timestamptz NOT NULL,
    published_by text NOT NULL,
    PRIMARY KEY (tenant, version)
);
COMMENT ON COLUMN rule_set.document IS 'canonical JSON of the rules';
COMMENT ON COLUMN rule_set.published_by IS 'id of the API key';

-- Decisions come in the order of their time: a block range index finds the recent ones and costs next to nothing to keep.
CREATE INDEX decision_time ON decision USING brin (decided_at) WITH (pages_per_range = 32);
