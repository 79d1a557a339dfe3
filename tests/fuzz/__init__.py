"""Fuzzes every door of the running product: HTTP, Kafka topics and order files. Run it with `make fuzz`."""
