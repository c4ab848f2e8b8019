"""Asset checks: what must hold of the rows that a run has written."""
