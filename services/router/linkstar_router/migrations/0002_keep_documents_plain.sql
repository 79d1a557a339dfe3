-- Decisions and contents are JSON of one to four kilobytes that is read as a whole and seldom: left as they are, writing
-- one costs half of what compressing it did.
ALTER TABLE decision SET (toast_tuple_target = 8160);
ALTER TABLE shipment SET (toast_tuple_target = 8160);
