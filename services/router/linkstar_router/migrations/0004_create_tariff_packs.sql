-- Sellers' own tariff packs: a tenant's newest version of each is in force, older ones explain older prices. Rows never change.
CREATE TABLE tariff_pack (
    tenant text NOT NULL,
    pack text NOT NULL,
    version int NOT NULL,
    digest text NOT NULL,
    texts jsonb NOT NULL,
    valid_from date,
    valid_to date,
    services text[] NOT NULL,
    withdrawn boolean NOT NULL DEFAULT false,
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    PRIMARY KEY (tenant, pack, version)
);
COMMENT ON COLUMN tariff_pack.texts IS 'the files of the pack by name, workbooks as CSV';
COMMENT ON COLUMN tariff_pack.services IS 'carrier/service that the pack prices';
COMMENT ON COLUMN tariff_pack.withdrawn IS 'from this version on the pack prices nothing';
COMMENT ON COLUMN tariff_pack.imported_by IS 'id of the API key';
