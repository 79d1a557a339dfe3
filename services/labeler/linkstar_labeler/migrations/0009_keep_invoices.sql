-- Carriers' invoices as their importer sent them, each line judged once. `owner` is whose books it is settled in: the tenant of the
-- label, or the importer where no label is known.
CREATE TABLE invoice_line (
    tenant text, carrier text, invoice_number text, line int,
    invoice_date date NOT NULL,
    tracking_number text NOT NULL, charge_code text NOT NULL, carrier_code text NOT NULL, description text NOT NULL,
    currency text NOT NULL, billed_minor bigint NOT NULL, expected_minor bigint NOT NULL, billed_grams numeric,
    kind text NOT NULL CHECK (kind IN ('matched', 'price_differs', 'weight_differs', 'unknown_shipment', 'duplicate_line',
      'voided_but_billed', 'never_scanned')),
    state text NOT NULL CHECK (state IN ('settled', 'adjusted', 'review', 'accepted', 'disputed', 'won', 'lost', 'expired')),
    owner text NOT NULL, shipment_id text, shard int NOT NULL,
    imported_at timestamptz NOT NULL, changed_at timestamptz NOT NULL, key_id text NOT NULL,
    arrival bigint GENERATED ALWAYS AS IDENTITY,
    PRIMARY KEY (tenant, carrier, invoice_number, line)
);
CREATE INDEX invoice_line_number ON invoice_line (tenant, carrier, tracking_number) WHERE tracking_number <> '';

CREATE TABLE dispute (
    tenant text, carrier text, invoice_number text, line int,
    state text NOT NULL CHECK (state IN ('open', 'won', 'lost', 'expired')),
    contested_minor bigint NOT NULL, reason text NOT NULL,
    opened_at timestamptz NOT NULL, answer_due_on date NOT NULL, ended_at timestamptz, key_id text NOT NULL,
    shard int NOT NULL,
    PRIMARY KEY (tenant, carrier, invoice_number, line),
    FOREIGN KEY (tenant, carrier, invoice_number, line) REFERENCES invoice_line,
    CHECK ((state = 'open') = (ended_at IS NULL))
);
CREATE INDEX dispute_due ON dispute (shard, answer_due_on) WHERE state = 'open';

-- Up to which excess a seller's wallet pays without anybody looking.
CREATE TABLE invoice_policy (
    tenant text, currency text,
    auto_up_to_minor bigint NOT NULL CHECK (auto_up_to_minor >= 0),
    key_id text NOT NULL, changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, currency)
);
