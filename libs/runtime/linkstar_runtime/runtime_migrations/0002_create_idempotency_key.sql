-- Answers of commands sent with an Idempotency-Key; written in the command's own transaction.
CREATE TABLE idempotency_key (
    tenant text, key text, fingerprint bytea NOT NULL, status int NOT NULL, response bytea NOT NULL,
    created_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, key)
);
