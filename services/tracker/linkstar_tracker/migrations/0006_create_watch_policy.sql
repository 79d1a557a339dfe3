-- What a seller wants watched otherwise. `review_from`: open shipments from this id on have yet to be looked at under it.
CREATE TABLE watch_policy (
    tenant text PRIMARY KEY, document text NOT NULL, version int NOT NULL, review_from text, changed_at timestamptz NOT NULL
);
