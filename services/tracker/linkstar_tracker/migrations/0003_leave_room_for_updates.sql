-- Each scan writes its row anew. On a page with room for that, what stays the same, the label above all, is not logged again.
ALTER TABLE tracker SET (fillfactor = 45);
