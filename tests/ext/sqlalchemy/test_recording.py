"""What a context asked the database: from which line, how long, and how often the same."""

from __future__ import annotations

import asyncio
import inspect
import os

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import StaticPool

from costrel import Costrel, render_template_string
from costrel.ext.sqlalchemy.recording import MAX_RECORDED, find_place, get_recorded_queries, listen

HERE = os.path.abspath(__file__)


@pytest.fixture
def engine():
    # One connection, which dispose closes, for the test and the threads of its requests.
    engine = create_engine("sqlite://", poolclass=StaticPool, connect_args={"check_same_thread": False})
    yield engine
    engine.dispose()


def this_line():
    return inspect.currentframe().f_back.f_lineno


def ask(engine, times=1, statement="SELECT :x + 1"):
    with engine.connect() as connection:
        for x in range(times):
            connection.execute(text(statement), {"x": x})


def warnings_of(caplog):
    return [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]


def test_query_is_recorded_with_the_line_that_asked(app, engine):
    listen(engine, record=True, repeated=0)

    with app.app_context(), engine.connect() as connection:
        connection.execute(text("SELECT :x + 1"), {"x": 5})
        line = this_line() - 1
        (info,) = get_recorded_queries()

    assert info.statement == "SELECT ? + 1"
    assert info.parameters == [(5,)]
    assert 0 < info.duration == info.end_time - info.start_time
    assert info.location == f"{HERE}:{line} (test_query_is_recorded_with_the_line_that_asked)"


def test_bulk_insert_is_one_query_with_the_parameters_of_each_row(app, engine):
    listen(engine, record=True, repeated=0)

    with app.app_context(), engine.connect() as connection:
        connection.execute(text("CREATE TEMPORARY TABLE guest (id INTEGER)"))
        connection.execute(text("INSERT INTO guest VALUES (:id)"), [{"id": 1}, {"id": 2}])
        info = get_recorded_queries()[-1]

    assert info.parameters == [(1,), (2,)]


def test_each_context_has_its_own_queries(app, engine):
    listen(engine, record=True, repeated=0)

    with app.app_context():
        ask(engine)
    with app.app_context():
        ask(engine, times=2)

        assert len(get_recorded_queries()) == 2


def test_query_outside_of_a_context_is_not_recorded(app, engine):
    listen(engine, record=True, repeated=0)

    ask(engine)

    with app.app_context():
        assert get_recorded_queries() == []


def test_a_long_context_keeps_the_newest_queries(app, engine):
    listen(engine, record=True, repeated=0)

    with app.app_context():
        ask(engine, times=MAX_RECORDED + 2)
        queries = get_recorded_queries()

    assert len(queries) == MAX_RECORDED
    assert queries[-1].parameters == [(MAX_RECORDED + 1,)]


def test_a_view_is_recorded_in_the_request(app, engine, client):
    listen(engine, record=True, repeated=0)

    @app.get("/")
    def index():
        ask(engine)
        return get_recorded_queries()[0].location

    assert client(app).get("/").text == client(app).get("/").text
    assert client(app).get("/").text.endswith("(ask)")


def test_an_async_view_is_recorded_with_its_line(app, client):
    @app.get("/")
    async def index():
        engine = create_async_engine("sqlite+aiosqlite://")
        listen(engine.sync_engine, record=True, repeated=0)
        async with engine.connect() as connection:
            await connection.execute(text("SELECT 1"))
            first = this_line() - 1
            await asyncio.sleep(0)
            await connection.execute(text("SELECT 2"))
        await engine.dispose()
        return {"found": [info.location for info in get_recorded_queries()], "first": first}

    answer = client(app).get("/").json

    first = answer["first"]
    assert answer["found"] == [f"{HERE}:{line} (index)" for line in (first, first + 3)]


def test_a_lazy_load_in_a_template_is_found_there(app, engine):
    listen(engine, record=True, repeated=0)

    with app.app_context(), engine.connect() as connection:
        render_template_string("{#\n\n#}{{ run('SELECT 1') }}", run=connection.exec_driver_sql)
        (info,) = get_recorded_queries()

    assert info.location == "<template>:3 (template)"


def test_an_application_among_the_libraries_is_found(tmp_path, engine):
    folder = tmp_path / "site-packages"
    folder.mkdir()
    (folder / "installed_shop.py").write_text("def ask(connection):\n    return connection()\n")
    namespace = {"__name__": "installed_shop"}
    path = folder / "installed_shop.py"
    exec(compile(path.read_text(), str(path), "exec"), namespace)

    with Costrel("installed_shop").app_context():
        inside = namespace["ask"](find_place)
    with Costrel("other").app_context():
        outside = namespace["ask"](find_place)

    assert inside == f"{path}:2 (ask)"
    assert outside.startswith(HERE)


def test_repeated_statement_is_warned_of_once_with_its_line_and_the_cure(app, engine, caplog):
    listen(engine, record=False, repeated=10)

    with app.app_context():
        ask(engine, times=30)

        assert get_recorded_queries() == []

    (told,) = warnings_of(caplog)
    assert f"{HERE}:" in told
    assert "(ask)" in told
    assert "SELECT ? + 1" in told
    assert "selectinload" in told


def test_statement_that_is_repeated_as_often_as_allowed_is_not_warned_of(app, engine, caplog):
    listen(engine, record=False, repeated=10)

    with app.app_context():
        ask(engine, times=10)
    with app.app_context():
        ask(engine, times=10)

    assert warnings_of(caplog) == []


def test_inserts_are_not_taken_for_loads(app, engine, caplog):
    listen(engine, record=False, repeated=2)

    with app.app_context():
        ask(engine, statement="CREATE TEMPORARY TABLE guest (id INTEGER)")
        ask(engine, times=9, statement="UPDATE guest SET id = :x")

    assert warnings_of(caplog) == []


def test_nothing_listens_when_nothing_was_asked_for(engine):
    listen(engine, record=False, repeated=0)

    assert not engine.dispatch.before_cursor_execute
    assert not engine.dispatch.after_cursor_execute
