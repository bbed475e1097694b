"""From the text that people write (TOML) to `agent.access.rules.Rules`, or all that is wrong with it, line by line."""
