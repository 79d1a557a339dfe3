-- What is kept of a label is only ever read as a whole: its JSON text.
ALTER TABLE tracker ALTER COLUMN label TYPE text USING label::text;
