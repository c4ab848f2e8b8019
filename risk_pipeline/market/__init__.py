"""Where prices come from: one protocol, three sources."""
