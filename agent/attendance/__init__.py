"""Working time: from punches to a timesheet. Pure; time comes in with the punches."""
