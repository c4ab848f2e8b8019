"""Everything that Dagster loads: assets, checks, automation and resources. Dagster only; the work is below."""
