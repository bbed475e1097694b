"""The small certificate authority of `latchkey admin pki`, and what the broker lets each of its certificates do."""
