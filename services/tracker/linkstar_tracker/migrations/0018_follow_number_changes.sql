-- A number that a parcel travels on under stands for that of its label. What is told of such changes is kept until their first number is
-- known, too.
ALTER TABLE tracking_number ADD COLUMN stands_for text;
CREATE TABLE number_change (
    carrier text, tracking_number text, next_carrier text, next_number text, tenant text, expires_at timestamptz NOT NULL,
    PRIMARY KEY (carrier, tracking_number, next_carrier, next_number, tenant)
);
CREATE INDEX number_change_expiry ON number_change (expires_at);
