"""Jobs, the schedule and its catch-up: the only room that reads the clock."""
