"""Answers that are computed when asked, from what is stored, and never written: what if, and a shock of one's own."""
