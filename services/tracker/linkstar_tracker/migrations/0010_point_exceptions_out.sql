-- By when somebody must have acted on an exception, and what it points to, parted by blanks.
ALTER TABLE shipment_exception ADD COLUMN deadline_at timestamptz, ADD COLUMN evidence text NOT NULL DEFAULT '';
