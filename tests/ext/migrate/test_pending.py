"""Pending migrations: found, told at the start, by `costrel check`, and on the page of an error."""

from __future__ import annotations

import subprocess
import sys

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column
from werkzeug.test import Client

from costrel.cli.serverlog import development_notes
from costrel.debug.wiring import explain_errors
from costrel.ext.migrate import find_pending
from costrel.ext.migrate.explain import is_about_missing_thing

pytestmark = pytest.mark.usefixtures("keeps_log_format")

GUEST = (
    "op.create_table('guest', sa.Column('id', sa.Integer, primary_key=True), sa.Column('name', sa.String(9)))"
)
ASYNC_DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg", "mariadb": "mysql+asyncmy"}


def with_guest(db):
    class Guest(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String(9))


@pytest.fixture
def make_hotel(make_shop, url_of):
    """Make an application with a view that asks for guests."""

    def make(kind="sqlite", **options):
        shop = make_shop(url_of(kind), models=with_guest, **options)
        shop.app.debug = True

        @shop.app.get("/")
        def index():
            return str(shop.db.session.execute(sa.text("SELECT name FROM guest")).all())

        return shop

    return make


@pytest.fixture
def hotel(make_hotel):
    """An application with one pending migration."""
    hotel = make_hotel()
    hotel.run("init")
    hotel.write("aa", GUEST, message="Add guests")

    return hotel


def ask(shop, accept="text/html"):
    return Client(explain_errors(shop.app, host="127.0.0.1", page=False)).get("/", headers={"Accept": accept})


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_browser_gets_the_page_with_the_line_to_type(make_hotel, kind):
    hotel = make_hotel(kind)
    hotel.run("init")
    hotel.write("aa", GUEST, message="Add guests")

    response = ask(hotel)

    assert response.status_code == 500
    assert "<h1>1 migration is pending</h1>" in response.text
    assert "<pre class=type>costrel db upgrade</pre>" in response.text
    assert "<li>aa Add guests</li>" in response.text


@pytest.mark.parametrize("kind", ASYNC_DRIVERS)
def test_async_view_leads_to_the_same_page(make_shop, url_of, kind):
    hotel = make_shop(url_of(kind), models=with_guest)
    hotel.app.debug = True
    hotel.run("init")
    hotel.write("aa", GUEST, message="Add guests")

    @hotel.app.get("/")
    async def index():
        return str((await hotel.db.async_session.execute(sa.text("SELECT name FROM guest"))).all())

    assert "<h1>1 migration is pending</h1>" in ask(hotel).text


def test_program_and_terminal_get_the_line_to_type(hotel, capsys):
    response = ask(hotel, "*/*")

    line = "  hint: 1 migration is pending. The database has not had it yet. Type: costrel db upgrade"
    assert line in response.text.splitlines()
    assert line in capsys.readouterr().err.splitlines()


def test_page_is_gone_after_the_upgrade(hotel):
    hotel.run("upgrade")

    assert ask(hotel).text == "[]"


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "mariadb"])
def test_missing_column_is_explained_with_the_migration_to_write(make_hotel, kind):
    hotel = make_hotel(kind)
    hotel.run("init")
    hotel.write("aa", "op.create_table('guest', sa.Column('id', sa.Integer, primary_key=True))")
    hotel.run("upgrade")

    response = ask(hotel)

    assert "The database has no such table or column" in response.text
    assert "costrel db migrate -m" in response.text


def test_application_without_migrations_is_told_how_to_begin(make_hotel):
    response = ask(make_hotel())

    assert response.text.index("costrel db init") < response.text.index("costrel db migrate")
    assert response.text.index("costrel db migrate") < response.text.index("costrel db upgrade")


def test_nothing_is_explained_without_debug_mode_or_if_told_so(make_hotel):
    silent = make_hotel(config={"MIGRATE_TELL_PENDING": False})
    assert "hint" not in ask(silent, "*/*").text

    in_production = make_hotel()
    in_production.app.debug = False
    assert ask(in_production).text.count("migration") == 0


def test_other_errors_of_the_database_are_not_about_migrations(make_hotel):
    hotel = make_hotel()

    @hotel.app.get("/syntax")
    def syntax():
        return hotel.db.session.execute(sa.text("SELEC 1"))

    response = Client(explain_errors(hotel.app, host="127.0.0.1", page=False)).get("/syntax")

    assert "hint" not in response.text
    assert not is_about_missing_thing(ValueError("no such table"))


def test_error_that_was_raised_from_the_databases_is_explained(hotel):
    @hotel.app.get("/wrapped")
    def wrapped():
        try:
            hotel.db.session.execute(sa.text("SELECT name FROM guest"))
        except sa.exc.OperationalError as error:
            raise LookupError("guests") from error

    response = Client(explain_errors(hotel.app, host="127.0.0.1", page=False)).get("/wrapped")

    assert "Type: costrel db upgrade" in response.text


# At the start.


@pytest.mark.slow
def test_start_and_an_error_may_look_at_the_same_time(hotel):
    """In a new process, because Alembic must be imported by both: half of it is what they could get."""
    code = (
        "import sys, threading; from costrel import Costrel; from costrel.ext.sqlalchemy import SQLAlchemy;"
        "from costrel.ext.migrate import Migrate; from costrel.ext.migrate.explain import describe_pending;"
        "app = Costrel('hotel'); app.config['SQLALCHEMY_DATABASE_URI'] = sys.argv[1];"
        "Migrate(app, SQLAlchemy(app), directory=sys.argv[2]); sys.setswitchinterval(1e-6);"
        "look = lambda: print(*describe_pending(app, app.extensions['migrate']));"
        "threads = [threading.Thread(target=look) for _ in range(4)];"
        "[thread.start() for thread in threads]; [thread.join() for thread in threads]"
    )
    url = hotel.app.config["SQLALCHEMY_DATABASE_URI"]

    done = subprocess.run(
        [sys.executable, "-c", f"import sys; sys.path[:] = {sys.path!r}; {code}", url, str(hotel.folder)],
        capture_output=True,
        text=True,
    )

    assert done.stderr == ""
    assert done.stdout.count("1 migration is pending") == 4


def test_start_tells_of_pending_migrations(hotel):
    assert list(development_notes(hotel.app)) == [
        "1 migration is pending: aa Add guests. Type: costrel db upgrade"
    ]


def test_start_counts_many_migrations(hotel):
    for number in range(5):
        hotel.write(f"n{number}", "pass", after=f"n{number - 1}" if number else "aa")

    (note,) = development_notes(hotel.app)

    assert note.startswith("6 migrations are pending: aa Add guests, ")
    assert "and 3 more" in note


def test_start_says_nothing_once_all_are_run_or_if_told_so(hotel):
    hotel.run("upgrade")
    assert list(development_notes(hotel.app)) == []

    hotel.write("bb", "pass", after="aa")
    hotel.app.config["MIGRATE_TELL_PENDING"] = False
    assert list(development_notes(hotel.app)) == []


def test_start_tells_of_a_revision_without_a_file(hotel):
    hotel.run("upgrade")
    (hotel.folder / "versions" / "aa.py").unlink()

    (note,) = development_notes(hotel.app)

    assert "Can't locate revision identified by 'aa'" in note


def test_database_out_of_reach_is_no_matter_of_migrations(make_shop, tmp_path):
    shop = make_shop("postgresql://ada@127.0.0.1:1/shop")
    shop.run("init")
    shop.write("aa", "pass")

    assert list(development_notes(shop.app)) == []
    assert findings(shop) == []


def test_looking_makes_no_file(hotel, tmp_path):
    assert [one.revision for one in find_pending(hotel.app)] == ["aa"]
    assert list(tmp_path.glob("*.db")) == []


def test_pending_migrations_are_told_for_each_database(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), binds={"more": url_of("sqlite")})
    shop.run("init", "--multidb")
    shop.write("aa", "pass", binds=True)

    assert [(one.revision, one.database) for one in find_pending(shop.app)] == [("aa", ""), ("aa", "more")]


def test_pending_migrations_of_a_folder_of_another_tool_are_told_for_each_database(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), binds={"more": url_of("sqlite")})
    shop.run("init")
    shop.write("aa", "pass")
    (shop.folder / "env.py").write_text("context.configure(upgrade_token='…')\n", encoding="utf-8")

    assert len(find_pending(shop.app)) == 2


def test_nothing_is_pending_without_a_folder(make_hotel):
    assert find_pending(make_hotel().app) == []


# `costrel check`.


def findings(shop):
    return list(shop.migrate.check(shop.app))


def test_check_finds_pending_migrations(hotel):
    (finding,) = findings(hotel)

    assert finding.id == "migrate.W001"
    assert finding.text == "1 migration is pending: aa Add guests"
    assert finding.hint == "Type: costrel db upgrade"


def test_check_finds_several_heads(hotel):
    hotel.write("bb", "pass", after="aa")
    hotel.write("cc", "pass", after="aa")
    hotel.run("upgrade", "heads")

    (finding,) = findings(hotel)

    assert (finding.id, finding.hint) == ("migrate.E001", "Type: costrel db merge heads")
    assert "bb, cc" in finding.text


def test_check_finds_a_revision_without_a_file(hotel):
    hotel.run("upgrade")
    (hotel.folder / "versions" / "aa.py").unlink()

    assert [finding.id for finding in findings(hotel)] == ["migrate.E002"]


def test_check_finds_nothing_where_all_is_well_or_nothing_is_there(hotel, make_hotel):
    hotel.run("upgrade")

    assert findings(hotel) == []
