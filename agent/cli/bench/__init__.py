"""`latchkey bench`: how fast it is here, against what is asked of it."""
