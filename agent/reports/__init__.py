"""Reports: who worked when, who is in, and what somebody should look at."""
