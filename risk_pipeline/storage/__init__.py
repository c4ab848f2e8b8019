"""Stored data, and the only SQL."""
