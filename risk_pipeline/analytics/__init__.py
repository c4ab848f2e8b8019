"""Pure numerics on arrays: no SQL, no Dagster, no clock."""
