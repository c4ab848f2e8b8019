"""Pages, charts and summaries for readers."""
