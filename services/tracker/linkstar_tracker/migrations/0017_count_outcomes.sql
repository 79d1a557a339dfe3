-- What became of parcels, counted when it is known. A row is written by the owner of its shard alone, and read by weeks.
CREATE TABLE lane_outcome (
    shard int, week date, tenant text, lane text,
    ended bigint NOT NULL, judged bigint NOT NULL, on_time bigint NOT NULL, tried bigint NOT NULL, first bigint NOT NULL,
    returned bigint NOT NULL, damaged bigint NOT NULL, lost bigint NOT NULL, troubled bigint NOT NULL,
    deadlined bigint NOT NULL, assumed_late bigint NOT NULL,
    PRIMARY KEY (shard, week, tenant, lane)
) WITH (fillfactor = 70);
