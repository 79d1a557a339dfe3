-- What a waiting posting is about, so that its entry tells it.
ALTER TABLE waiting_posting ADD COLUMN shipment_id text;
