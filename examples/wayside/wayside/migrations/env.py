"""Alembic runs this for every command; what it takes from the application is in costrel.ext.migrate."""

from costrel.ext.migrate.environment import run_migrations

# Arguments for Alembic's context.configure() go here: run_migrations(include_object=...).
run_migrations()
