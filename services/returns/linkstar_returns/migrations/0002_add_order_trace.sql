-- The trace of the order, as a W3C traceparent: returns are linked to it.
ALTER TABLE returnable_order ADD COLUMN traceparent text;
