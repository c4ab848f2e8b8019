"""What is kept, and the only SQL."""
