-- A chunk comes compressed: trying to compress it again costs more than everything else that an outbox row costs.
ALTER TABLE outbox ALTER COLUMN chunk SET STORAGE EXTERNAL;
