"""One URL for sync and async code."""

from __future__ import annotations

import sys

import pytest
from sqlalchemy.engine import make_url

from costrel.errors import ConfigError
from costrel.ext.sqlalchemy import SQLAlchemy, urls
from costrel.ext.sqlalchemy.urls import (
    async_url,
    is_async_driver,
    read_url,
    require_driver,
    sync_url,
    translate_connect_args,
)


@pytest.mark.parametrize(
    ("url", "sync", "asynchronous"),
    [
        ("sqlite://", "sqlite", "sqlite+aiosqlite"),
        ("sqlite+aiosqlite:///shop.db", "sqlite", "sqlite+aiosqlite"),
        ("postgresql://db/shop", "postgresql+psycopg", "postgresql+asyncpg"),
        ("postgres://db/shop", "postgresql+psycopg", "postgresql+asyncpg"),
        ("postgresql+asyncpg://db/shop", "postgresql+psycopg", "postgresql+asyncpg"),
        ("postgresql+psycopg2://db/shop", "postgresql+psycopg2", "postgresql+asyncpg"),
        ("mysql://db/shop", "mysql+pymysql", "mysql+asyncmy"),
        ("mariadb+aiomysql://db/shop", "mariadb+pymysql", "mariadb+aiomysql"),
    ],
)
def test_the_driver_is_chosen_for_sync_and_for_async_code(url, sync, asynchronous):
    assert sync_url(url).drivername == sync
    assert async_url(url).drivername == asynchronous
    assert async_url(url).get_dialect().is_async


def test_a_driver_that_serves_both_is_kept():
    assert async_url("postgresql+psycopg://db/shop").drivername == "postgresql+psycopg"


def test_what_is_not_about_the_driver_stays():
    url = async_url("mysql+pymysql://ada:s%40crt@db:3307/shop?charset=utf8mb4")

    assert url.render_as_string(hide_password=False) == (
        "mysql+asyncmy://ada:s%40crt@db:3307/shop?charset=utf8mb4"
    )


def test_arguments_in_the_url_are_named_as_the_driver_names_them():
    url = async_url("postgresql://db/shop?sslmode=require&connect_timeout=3")

    assert dict(url.query) == {"ssl": "require", "timeout": "3"}
    assert dict(sync_url(url).query) == {"sslmode": "require", "connect_timeout": "3"}


def test_arguments_for_connecting_are_renamed_where_the_driver_changes_only():
    psycopg, asyncpg = make_url("postgresql+psycopg://"), make_url("postgresql+asyncpg://")

    assert translate_connect_args({"sslmode": "require"}, psycopg, asyncpg) == {"ssl": "require"}
    assert translate_connect_args({"sslmode": "require"}, psycopg, psycopg) == {"sslmode": "require"}


def test_a_database_without_a_known_driver_stays_for_sync_code_and_is_refused_for_async():
    assert sync_url("access+pyodbc://db/shop").drivername == "access+pyodbc"
    with pytest.raises(ConfigError) as caught:
        async_url("access+pyodbc://db/shop")

    assert "access+pyodbc" in caught.value.problem
    assert "SQLALCHEMY_ASYNC_ENGINE_OPTIONS" in caught.value.hint


def test_async_drivers_are_told_from_others():
    assert is_async_driver(read_url("postgresql+asyncpg://db/shop"))
    assert not is_async_driver(read_url("postgresql+psycopg://db/shop"))
    assert not is_async_driver(read_url("postgresql://db/shop"))


@pytest.fixture
def no_mysql(monkeypatch):
    """A machine without drivers for MySQL and MariaDB."""
    modules = ("MySQLdb", "pymysql", "asyncmy", "aiomysql")
    find_spec = urls.find_spec
    monkeypatch.setattr(urls, "find_spec", lambda name: None if name in modules else find_spec(name))
    for module in modules:
        monkeypatch.setitem(sys.modules, module, None)


def test_missing_driver_is_named_with_its_extra_when_an_engine_is_made(no_mysql):
    url = sync_url("mysql://db/shop")

    assert url.drivername == "mysql+pymysql"
    with pytest.raises(ModuleNotFoundError, match=r"'pymysql'(.|\n)*costrel\[mariadb\]"):
        require_driver(url)
    with pytest.raises(ModuleNotFoundError, match=r"'asyncmy'(.|\n)*costrel\[mariadb\]"):
        async_url("mysql://db/shop")


def test_engine_without_its_driver_is_refused(app, no_mysql):
    app.config["SQLALCHEMY_DATABASE_URI"] = "mysql://db/shop"

    with pytest.raises(ModuleNotFoundError, match=r"costrel\[mariadb\]"), app.app_context():
        _ = SQLAlchemy(app).engine


def test_driver_that_costrel_does_not_know_is_left_to_sqlalchemy(no_mysql):
    require_driver(sync_url("mysql+mysqlconnector://db/shop"))
