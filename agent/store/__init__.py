"""The database: people, templates, events and the outbox, answered commands. Nothing else knows SQLite."""
