"""Pictures of those whom nobody knows, where they are kept: sealed, few, and not for long."""
