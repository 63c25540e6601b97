"""Kafka: a real broker on this machine; `make kafka-test`."""
