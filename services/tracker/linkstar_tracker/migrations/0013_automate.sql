-- What sellers want done by itself: documents of rules, of which a tenant's newest is in force. Rows never change.
CREATE TABLE automation (
    tenant text, version int, digest text NOT NULL, document text NOT NULL, changed_at timestamptz NOT NULL,
    changed_by text NOT NULL,
    PRIMARY KEY (tenant, version)
);

-- Exceptions that rules have yet to be asked about, now or when they are old enough; a row goes when nothing more can come.
CREATE TABLE exception_review (
    tenant text, exception_id text, shipment_id text NOT NULL, shard int NOT NULL, due_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, exception_id)
) WITH (fillfactor = 80);
CREATE INDEX exception_review_due ON exception_review (shard, due_at);

-- Which rule fired about which exception, on what facts, and what came of it: at most once each.
CREATE TABLE rule_firing (
    tenant text, shipment_id text, exception_id text, rule text, rules_version int NOT NULL, fired_at timestamptz NOT NULL,
    outcome text NOT NULL, why text NOT NULL, facts text NOT NULL, actions text[] NOT NULL, assignee text, notify text[] NOT NULL,
    PRIMARY KEY (tenant, shipment_id, exception_id, rule)
);

-- Past exceptions by the time they opened, for dry runs.
CREATE INDEX shipment_exception_opened ON shipment_exception (tenant, opened_at, exception_id);
