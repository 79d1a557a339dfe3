-- What an account may spend in a month (UTC), and the month each purchase counts in. Spending is never stored: it is summed.
ALTER TABLE carrier_account ADD COLUMN monthly_limit_minor bigint CHECK (monthly_limit_minor >= 0),
    ADD COLUMN limit_currency text,
    ADD CHECK ((monthly_limit_minor IS NULL) = (limit_currency IS NULL));
ALTER TABLE purchase ADD COLUMN month date;
UPDATE purchase p SET month = date_trunc('month', l.created_at AT TIME ZONE 'UTC') FROM label l
    WHERE (l.tenant, l.shipment_id, l.route_version) = (p.tenant, p.shipment_id, p.route_version);
ALTER TABLE purchase ALTER COLUMN month SET NOT NULL;
CREATE INDEX purchase_spending ON purchase (account_tenant, carrier, account, month);
