"""Services for the tests of extensions: found by URL, each test with a database of its own.

A service that is not there skips the test and says so; on CI it fails.
"""

from __future__ import annotations

import os
import socket
import uuid
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

POSTGRES_URL = os.environ.get("POSTGRES_URL", "postgresql://postgres@127.0.0.1:5432/postgres")
MARIADB_URL = os.environ.get("MARIADB_URL", "mysql://root@127.0.0.1:3306/test")
REDIS_URL = os.environ.get("REDIS_URL", "redis://127.0.0.1:6379/0")


def require_service(name, url):
    """Return the URL of a service that answers; without one the test is skipped, but not on CI."""
    parts = urlsplit(url)
    try:
        socket.create_connection((parts.hostname, parts.port), timeout=5).close()
    except OSError as error:
        told = f"there is no {name} at {parts.hostname}:{parts.port} ({error}); set {name.upper()}_URL"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)

    return url


@pytest.fixture
def redis_url():
    """Return the URL of a Redis that answers; tests give their keys a prefix of their own."""
    return require_service("Redis", REDIS_URL)


@pytest.fixture
def postgres_url(_emptied_postgres_url):
    """Return an empty PostgreSQL database for one test: ``postgresql://…`` without a driver."""
    yield _emptied_postgres_url
    _empty_postgres(_emptied_postgres_url)


@pytest.fixture(scope="session")
def _emptied_postgres_url():
    # To create and drop a database takes the server longer than most tests.
    with _postgres_database() as url:
        yield url


def _empty_postgres(url):
    """Drop all that a test made, and close what it left open."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        schemas = admin.execute(
            "SELECT nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'"
        ).fetchall()
        for (schema,) in schemas:
            admin.execute(f'DROP SCHEMA "{schema}" CASCADE')
        admin.execute("CREATE SCHEMA public")


@pytest.fixture(scope="session")
def shared_postgres_url():
    """Make a PostgreSQL database for all tests of this process whose tables have names of their own."""
    with _postgres_database() as url:
        yield url


@contextmanager
def _postgres_database():
    import psycopg

    url = require_service("Postgres", POSTGRES_URL)
    name = f"costrel_{uuid.uuid4().hex[:12]}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name}")
    yield url.rpartition("/")[0] + f"/{name}"
    with psycopg.connect(url, autocommit=True) as admin:
        admin.execute(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture
def mariadb_url():
    """Make a MariaDB database for one test: ``mysql://…`` without a driver."""
    with _mariadb_database() as url:
        yield url


@pytest.fixture(scope="session")
def shared_mariadb_url():
    """Make a MariaDB database for all tests of this process whose tables have names of their own."""
    with _mariadb_database() as url:
        yield url


@contextmanager
def _mariadb_database():
    import pymysql

    url = require_service("MariaDB", MARIADB_URL)
    parts = urlsplit(url)
    name = f"costrel_{uuid.uuid4().hex[:12]}"

    def run(statement):
        admin = pymysql.connect(
            host=parts.hostname,
            port=parts.port,
            user=parts.username,
            password=parts.password or "",
            ssl_disabled=True,  # to read the certificates it never needs takes it 20 ms
        )
        try:
            admin.cursor().execute(statement)
        finally:
            admin.close()

    run(f"CREATE DATABASE {name}")
    yield url.rpartition("/")[0] + f"/{name}"
    run(f"DROP DATABASE {name}")
