-- `briefs` becomes lines of JSON. `briefed_at` is the number of entries as of which it was written so, and `briefs_at` is null then:
-- a replica of an earlier release passes it over and reads the scans whole, as this one does with what the earlier one writes.
ALTER TABLE tracker ADD COLUMN briefed_at int;
