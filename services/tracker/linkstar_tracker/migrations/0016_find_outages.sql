-- What is looked at every hour to find places that stop scanning: each parcel's lane, where it was last seen, and when it was last
-- heard of. A lane's course, with its places, is written by the owner of its incidents' shard alone.
ALTER TABLE tracker ADD COLUMN lane text, ADD COLUMN spot text, ADD COLUMN heard_at timestamptz;
CREATE TABLE lane_course (
    tenant text, lane text, shard int NOT NULL, document text NOT NULL, looked_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, lane)
);
CREATE INDEX lane_course_shard ON lane_course (shard);
CREATE TABLE incident (
    tenant text, incident_id text, lane text NOT NULL, spot text NOT NULL, busy boolean NOT NULL, expected int NOT NULL,
    seen int NOT NULL, parcels int NOT NULL, state text NOT NULL, version int NOT NULL, opened_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL,
    PRIMARY KEY (tenant, incident_id)
);
CREATE INDEX incident_place ON incident (tenant, lane, spot);
-- What became of a seller's budget of alerts: parcels labelled and alerts about silent ones, by week.
CREATE TABLE watch_tally (
    shard int, week date, tenant text, parcels bigint NOT NULL, alerts bigint NOT NULL,
    PRIMARY KEY (shard, week, tenant)
) WITH (fillfactor = 70);
