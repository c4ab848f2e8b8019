"""A daily portfolio-risk batch on Dagster."""
