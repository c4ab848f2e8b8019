"""From the price panel, the book and the registries to rows: no Dagster, database, environment or clock."""
