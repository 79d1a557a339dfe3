-- An order's content is only ever read as a whole: kept as its JSON text, neither compressed nor moved out of the row.
ALTER TABLE returnable_order ALTER COLUMN content TYPE text USING content::text;
ALTER TABLE returnable_order SET (toast_tuple_target = 8160);
