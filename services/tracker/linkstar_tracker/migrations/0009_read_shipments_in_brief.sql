-- A scan reads and writes this one row: `briefs` is what its fold asks of the scans before it, `alarmed` tells whether there are
-- exceptions to be read. `look_at` is when the watch was due as of an earlier scan, never later than `watch_due_at`: it alone is
-- indexed, so that a scan does not touch an index.
ALTER TABLE tracker ADD COLUMN briefs text, ADD COLUMN alarmed boolean NOT NULL DEFAULT false, ADD COLUMN look_at timestamptz;
UPDATE tracker t SET look_at = watch_due_at,
    alarmed = EXISTS (SELECT FROM shipment_exception e WHERE e.tenant = t.tenant AND e.shipment_id = t.shipment_id);
DROP INDEX tracker_watch;
CREATE INDEX tracker_look ON tracker (shard, look_at) WHERE look_at IS NOT NULL;
