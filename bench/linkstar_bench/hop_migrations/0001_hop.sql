CREATE TABLE hop (tenant text, order_id text, shard int NOT NULL, body text NOT NULL, PRIMARY KEY (tenant, order_id));
