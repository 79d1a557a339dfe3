-- A suspected attempt is looked up again, ever more rarely, where the carrier has no list of labels. Real times.
ALTER TABLE purchase_attempt ADD COLUMN checks int NOT NULL DEFAULT 0, ADD COLUMN check_at timestamptz;
CREATE INDEX purchase_attempt_check ON purchase_attempt (check_at) WHERE suspected;
