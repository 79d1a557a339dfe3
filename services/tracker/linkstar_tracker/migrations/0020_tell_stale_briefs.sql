-- While replicas of two releases run, an older one adds scans without writing `briefs`, and labels without `look_at`. `briefs_at`
-- is the number of entries as of which `briefs` was written: with another number they are passed over and the scans are read
-- whole. A parcel that is stored without `look_at` is looked at soon, and put off until its watch is due.
ALTER TABLE tracker ADD COLUMN briefs_at int, ALTER COLUMN look_at SET DEFAULT now();
