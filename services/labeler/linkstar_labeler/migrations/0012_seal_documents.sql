-- What carriers printed shows the consignee: it is kept sealed under the order's key. No release ever kept it in clear.
DELETE FROM label_document;
COMMENT ON COLUMN label_document.content IS 'sealed under the key of the order';
