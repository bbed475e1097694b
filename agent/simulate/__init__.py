"""Replaying a day at the doors from a text file: the rules, the doorkeeper, the lock and the timesheet as they are."""
