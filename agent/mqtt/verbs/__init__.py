"""The bodies of commands, by domain."""
