-- Run once, when the server's volume is empty. Dagster's tables have a database of their own: both keep a table
-- named alembic_version.
CREATE DATABASE dagster;
