-- API keys: only their SHA-256. Two active keys of one tenant allow rotation.
CREATE TABLE api_key (
    id8 text PRIMARY KEY CHECK (id8 ~ '^[0-9A-Za-z]{8}$'),
    sha256 bytea NOT NULL CHECK (length(sha256) = 32),
    tenant text NOT NULL, scopes text[] NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(), expires_at timestamptz, revoked_at timestamptz
);
