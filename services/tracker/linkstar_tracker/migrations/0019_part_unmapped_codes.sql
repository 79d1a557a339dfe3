-- A code comes with the words of a carrier about somebody's parcel: whoever's it was sees it, nobody else. Counts before this name nobody.
DELETE FROM unmapped_code;
ALTER TABLE unmapped_code ADD COLUMN tenant text NOT NULL, DROP CONSTRAINT unmapped_code_pkey,
    ADD PRIMARY KEY (tenant, carrier, code);
