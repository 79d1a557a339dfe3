"""Embedded Kafka and PostgreSQL, the supervisor, the carrier simulator and the demo."""
