CREATE TABLE counter (key text PRIMARY KEY, version int NOT NULL);
CREATE TABLE fact (key text, id text, version int NOT NULL, PRIMARY KEY (key, id));
