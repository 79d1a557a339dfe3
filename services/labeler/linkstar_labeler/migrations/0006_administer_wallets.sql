-- What a wallet may owe, when to warn of it, and who changed that.
ALTER TABLE wallet ADD COLUMN notice_below_minor bigint NOT NULL DEFAULT 0;
CREATE TABLE wallet_change (
    change_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text NOT NULL, currency text NOT NULL,
    credit_limit_before bigint NOT NULL, credit_limit_after bigint NOT NULL,
    notice_below_before bigint NOT NULL, notice_below_after bigint NOT NULL,
    key_id text NOT NULL, reason text NOT NULL, changed_at timestamptz NOT NULL
);
CREATE INDEX wallet_change_page ON wallet_change (tenant, change_id);

-- What a carrier gives back for the volume of a month. Tenants of one pool count together.
CREATE TABLE volume_agreement (
    tenant text, carrier text, currency text, valid_from date,
    valid_to date CHECK (valid_to >= valid_from),
    pool text, tiers jsonb NOT NULL,
    source text NOT NULL, as_of date NOT NULL, synthetic boolean NOT NULL,
    key_id text NOT NULL, agreed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, carrier, currency, valid_from)
);
CREATE INDEX volume_agreement_pool ON volume_agreement (pool, carrier, currency) WHERE pool IS NOT NULL;

DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'labeler') THEN
        REVOKE UPDATE, DELETE ON wallet_change, volume_agreement FROM labeler;
    END IF;
END $$;
