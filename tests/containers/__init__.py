"""Kafka and PostgreSQL in containers for the tests: engine, images, servers, and the command that runs the suite on them."""
