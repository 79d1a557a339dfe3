-- Silences between two scans, counted by lane and length. A row is written by the owner of its shard alone, and read by weeks.
CREATE TABLE silence (
    shard int, week date, lane text, step smallint,
    ended bigint NOT NULL, arrived bigint NOT NULL, lost bigint NOT NULL,
    PRIMARY KEY (shard, week, lane, step)
) WITH (fillfactor = 70);
