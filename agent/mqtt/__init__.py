"""Everything MQTT: topics, messages, the connection, the outbox's way out and the commands' way in."""
