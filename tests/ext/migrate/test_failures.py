"""A migration that fails: nothing half applied where the database can roll back, and told where it cannot."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from costrel.ext.migrate import MigrationError, upgrade
from costrel.ext.migrate.failures import describe_failure

FIRST = "op.create_table('first', sa.Column('id', sa.Integer))"
HALF = """\
op.create_table('second', sa.Column('id', sa.Integer))
op.execute("INSERT INTO first (id) VALUES (1)")
op.execute("SELECT x FROM nowhere")"""


@pytest.fixture
def make_half_broken(make_shop, url_of):
    def make(kind, **options):
        shop = make_shop(url_of(kind), **options)
        shop.run("init")
        shop.write("aa", FIRST)
        shop.write("bb", HALF, after="aa")
        return shop

    return make


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_nothing_is_kept_of_a_run_that_fails_half_way(make_half_broken, kind):
    shop = make_half_broken(kind)

    output = shop.run("upgrade", code=1)

    assert "the migration 'bb' (" in output
    assert "versions/bb.py:14) failed" in output
    assert "nothing of this run was kept" in output
    assert shop.tables() == []


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_only_the_failed_migration_is_taken_back_with_a_transaction_for_each(make_half_broken, kind):
    shop = make_half_broken(kind, transaction_per_migration=True)

    output = shop.run("upgrade", code=1)

    assert "done and kept: aa" in output
    assert "nothing of the failed migration was kept" in output
    assert shop.tables() == ["alembic_version", "first"]
    assert shop.execute("SELECT version_num FROM alembic_version") == [("aa",)]


def test_mariadb_tells_what_stays_of_a_migration_that_fails(make_half_broken):
    shop = make_half_broken("mariadb")

    output = shop.run("upgrade", code=1)

    assert "done and kept: aa" in output
    assert "these statements stay (MariaDB cannot take changes of tables back)" in output
    assert "CREATE TABLE second ( id INTEGER )" in output
    assert "INSERT" not in output  # rolled back, and so not told
    assert "undo these by hand" in output
    assert shop.tables() == ["alembic_version", "first", "second"]
    assert shop.execute("SELECT version_num FROM alembic_version") == [("aa",)]


def test_failed_run_goes_on_where_it_was_once_it_is_mended(make_half_broken):
    shop = make_half_broken("mariadb")
    shop.run("upgrade", code=1)
    shop.write("bb", "pass", after="aa")

    shop.run("upgrade")

    assert "bb (head)" in shop.run("current")


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_failed_downgrade_is_taken_back_too(make_shop, url_of, kind):
    shop = make_shop(url_of(kind))
    shop.run("init")
    shop.write("aa", FIRST, downgrade="op.drop_table('first')\nraise ValueError('half way')")
    shop.run("upgrade")

    output = shop.run("downgrade", code=1)

    assert "ValueError: half way" in output
    assert "first" in shop.tables()


def test_database_that_fails_takes_the_others_back(make_shop, url_of):
    shop = make_shop(url_of("postgresql"), binds={"more": url_of("sqlite")})
    shop.run("init", "--multidb")
    shop.write(
        "aa",
        "op.create_table('t', sa.Column('id', sa.Integer))\nif engine_name: raise ValueError('the second')",
        binds=True,
    )

    output = shop.run("upgrade", code=1)

    assert "nothing of this run was kept" in output
    assert shop.tables() == shop.tables("more") == []


def test_statements_committed_by_an_autocommit_block_are_told(make_shop, url_of):
    shop = make_shop(url_of("postgresql"))
    shop.run("init")
    shop.write("aa", "op.execute(\"CREATE TYPE mood AS ENUM ('sad')\")")
    shop.write(
        "bb",
        "op.create_table('second', sa.Column('id', sa.Integer))\n"
        "with op.get_context().autocommit_block():\n"
        "    op.execute(\"ALTER TYPE mood ADD VALUE 'glad'\")\n"
        "raise ValueError('after it')",
        after="aa",
    )

    output = shop.run("upgrade", code=1)

    assert "done and kept: aa" in output
    assert "these statements stay (committed)" in output
    assert "ALTER TYPE mood ADD VALUE 'glad'" in output
    assert "second" in shop.tables()


def test_programs_get_an_error_with_its_cause(make_half_broken):
    shop = make_half_broken("sqlite")

    with shop.app.app_context(), pytest.raises(MigrationError) as caught:
        upgrade()

    assert isinstance(caught.value.__cause__, sa.exc.OperationalError)
    assert "nowhere" in caught.value.problem


def test_constraint_without_a_name_is_told_with_the_convention(sqlite_shop):
    sqlite_shop.write("aa", "op.create_table('a', sa.Column('id', sa.Integer, unique=True))")
    sqlite_shop.write(
        "bb",
        "with op.batch_alter_table('a') as batch:\n    batch.drop_constraint(None, type_='unique')",
        after="aa",
    )

    output = sqlite_shop.run("upgrade", code=1)

    assert "Constraint must have a name" in output
    assert "naming_convention" in output


def test_migration_that_will_drop_a_nameless_constraint_is_warned_about(make_shop, url_of):
    def with_constraint(db):
        db.Table("b", sa.Column("id", sa.Integer, primary_key=True))
        db.Table("a", sa.Column("id", sa.Integer), sa.Column("b_id", sa.Integer, sa.ForeignKey("b.id")))

    def without(db):
        db.Table("b", sa.Column("id", sa.Integer, primary_key=True))
        db.Table("a", sa.Column("id", sa.Integer), sa.Column("b_id", sa.Integer))

    url = url_of("sqlite")
    first = make_shop(url, models=with_constraint)
    first.run("init")
    first.run("migrate", "-m", "With")
    first.run("upgrade")

    output = make_shop(url, models=without).run("migrate", "-m", "Without")

    assert "removes constraints without a name from a" in output


def test_error_from_elsewhere_comes_from_no_migration():
    with pytest.raises(ValueError) as caught:
        raise ValueError("elsewhere")

    assert describe_failure(caught.value) == ""
