-- An order's content is only ever read as a whole: kept as its JSON text, neither compressed nor moved out of the row.
ALTER TABLE sales_order ALTER COLUMN content TYPE text USING content::text;
ALTER TABLE sales_order SET (toast_tuple_target = 8160);

-- Nobody looks for what is pending yet. Two updates follow each row at once: half a page lets them stay in it.
DROP INDEX write_back_pending;
ALTER TABLE write_back SET (fillfactor = 45);
