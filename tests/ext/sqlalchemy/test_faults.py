"""Errors of the database that are no bugs: what they mean, what visitors get, and trying again."""

from __future__ import annotations

import logging
import sqlite3

import pytest
from sqlalchemy.exc import (
    DataError,
    DBAPIError,
    IntegrityError,
    InterfaceError,
    OperationalError,
    StatementError,
)
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from costrel.ext.sqlalchemy.faults import find_fault, make_fallback, retrying


class DriverError(Exception):
    """An error as drivers raise them: PostgreSQL's have a code, those of MariaDB a number first."""

    def __init__(self, *args, sqlstate=None):
        super().__init__(*args)
        self.sqlstate = sqlstate


def raised(*args, of=OperationalError, statement="SELECT 1", is_gone=False, sqlstate=None):
    return of(statement, {}, DriverError(*args, sqlstate=sqlstate), connection_invalidated=is_gone)


def locked_sqlite():
    cause = sqlite3.OperationalError("database is locked")
    cause.sqlite_errorcode = sqlite3.SQLITE_BUSY_SNAPSHOT

    return OperationalError("INSERT", {}, cause)


def broken_sqlite():
    cause = sqlite3.OperationalError("no such table: guest")
    cause.sqlite_errorcode = sqlite3.SQLITE_ERROR

    return OperationalError(None, None, cause)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (raised("deadlock detected", sqlstate="40P01"), "conflict"),
        (raised("could not serialize", of=DBAPIError, sqlstate="40001"), "conflict"),
        (raised("canceling statement due to lock timeout", sqlstate="55P03"), "conflict"),
        (raised(1213, "Deadlock found"), "conflict"),
        (raised(1205, "Lock wait timeout exceeded"), "conflict"),
        (raised(1020, "Record has changed since last read"), "conflict"),
        (locked_sqlite(), "conflict"),
        (raised("sorry, too many clients already", sqlstate="53300"), "overloaded"),
        (raised(1040, "Too many connections"), "overloaded"),
        (PoolTimeoutError("QueuePool limit of size 5 overflow 10 reached"), "overloaded"),
        (raised("terminating connection", sqlstate="57P01"), "gone"),
        (raised("connection failure", of=DBAPIError, sqlstate="08006"), "gone"),
        (raised(2013, "Lost connection during query"), "gone"),
        (raised("closed", of=InterfaceError, is_gone=True), "gone"),
        (raised("connection refused", statement=None), "gone"),
        (raised("value too long for type character varying(40)", sqlstate="22001"), "unfit"),
        (raised("integer out of range", sqlstate="22003"), "unfit"),
        (raised(1406, "Data too long for column 'name'"), "unfit"),
        (raised(1366, "Incorrect string value"), "unfit"),
        (raised("PostgreSQL text fields cannot contain NUL (0x00) bytes", of=DataError), "unfit"),
        (raised("invalid input: 99999999999 (value out of int32 range)", of=DBAPIError), "unfit"),
        (OverflowError("Python int too large to convert to SQLite INTEGER"), "unfit"),
    ],
    ids=str,
)
def test_error_of_the_database_is_a_fault(error, kind):
    assert find_fault(error).kind == kind


@pytest.mark.parametrize(
    "error",
    [
        raised("duplicate key", of=IntegrityError, sqlstate="23505"),
        raised("syntax error", sqlstate="42601"),
        raised(1064, "You have an error in your SQL syntax"),
        raised("another operation is in progress", of=InterfaceError),
        raised("integrity", of=IntegrityError, statement=None),
        broken_sqlite(),
        StatementError("a bind parameter is missing", "SELECT", {}, ValueError("x")),
        raised("division by zero", of=DataError, sqlstate="22012"),
        OverflowError("int too large to convert to float"),
        FileNotFoundError("a file of the application"),
        ConnectionRefusedError("of another service"),
    ],
    ids=str,
)
def test_bug_is_no_fault(error):
    assert find_fault(error) is None


@pytest.mark.parametrize(
    "told",
    [
        "cannot reach postgresql://shop:s3cret@db:5432/shop",
        "invalid dsn: host=db password=s3cret user=shop",
        "invalid dsn: host=db password = 's3cret' user=shop",
    ],
)
def test_reason_has_no_password(told):
    fault = find_fault(raised(told, statement=None))

    assert "s3cret" not in fault.reason
    assert "shop" in fault.reason


def test_reason_is_the_first_line():
    fault = find_fault(raised("server closed the\tconnection\nDETAIL: Key (name)=(Ada)", is_gone=True))

    assert fault.reason == "server closed the connection"


@pytest.fixture
def broken_app(app):
    """An application whose view raises what ``app.raises`` is."""
    app.error_fallback(make_fallback(app, lambda: app.config.get("RETRY_AFTER", 5)))

    @app.get("/")
    def view():
        raise app.raises

    return app


def test_visitor_gets_a_503_that_says_when_to_come_back(broken_app, client, caplog):
    broken_app.raises = raised("server is away\nIs it running?", is_gone=True)

    response = client(broken_app).get("/")

    assert (response.status_code, response.headers["Retry-After"]) == (503, "5")
    assert "server" not in response.text
    assert [record.getMessage() for record in caplog.records] == [
        "The database is out of reach; GET / gets a 503: server is away"
    ]
    assert caplog.records[0].exc_info is None


def test_statement_and_what_visitors_entered_are_not_logged(broken_app, client, caplog):
    broken_app.raises = OperationalError(
        "INSERT INTO guest", {"name": "Ada"}, DriverError(1213, "Deadlock found")
    )

    client(broken_app).get("/")

    assert "Ada" not in caplog.text
    assert "INSERT" not in caplog.text
    assert caplog.records[0].levelno == logging.WARNING


def test_value_that_no_column_can_hold_is_a_400(broken_app, client, caplog):
    broken_app.config["RETRY_AFTER"] = None
    broken_app.raises = raised("value too long for type character varying(40)", sqlstate="22001")

    response = client(broken_app).get("/")

    assert response.status_code == 400
    assert "too long or too large" in response.text
    assert "Retry-After" not in response.headers
    assert caplog.records[0].getMessage().startswith("The database cannot hold a value; GET / gets a 400: ")


def test_option_leaves_the_error_alone(broken_app, client):
    broken_app.config["RETRY_AFTER"] = None
    broken_app.raises = raised("away", is_gone=True)

    with pytest.raises(OperationalError):
        client(broken_app).get("/")


def test_error_is_left_to_the_debugger(broken_app, client):
    broken_app.debug = True
    broken_app.raises = raised("away", is_gone=True)

    with pytest.raises(OperationalError):
        client(broken_app).get("/")


class Attempts:
    """A function that meets conflicts, and counts how often it was called and rolled back."""

    def __init__(self, *errors):
        self.errors = list(errors)
        self.seen = []

    def __call__(self, guest):
        self.seen.append(guest)
        if self.errors:
            raise self.errors.pop(0)
        return f"welcome {guest}"

    def roll_back(self):
        self.seen.append("rollback")

    async def aroll_back(self):
        self.seen.append("arollback")

    def sync(self, attempts):
        def work(guest):
            return self(guest)

        return retrying(work, attempts=attempts, rollback=self.roll_back, arollback=self.aroll_back)

    def asynchronous(self, attempts):
        async def work(guest):
            return self(guest)

        return retrying(work, attempts=attempts, rollback=self.roll_back, arollback=self.aroll_back)


DEADLOCK = raised(1213, "Deadlock found")


def test_transaction_that_was_in_the_way_is_tried_again():
    work = Attempts(DEADLOCK, DEADLOCK)

    assert work.sync(3)("Ada") == "welcome Ada"
    assert work.seen == ["Ada", "rollback", "Ada", "rollback", "Ada"]


async def test_asynchronous_transaction_is_tried_again():
    work = Attempts(DEADLOCK, DEADLOCK)

    assert await work.asynchronous(3)("Ada") == "welcome Ada"
    assert work.seen == ["Ada", "arollback", "Ada", "arollback", "Ada"]


def test_last_attempt_raises():
    work = Attempts(DEADLOCK, DEADLOCK)

    with pytest.raises(OperationalError):
        work.sync(2)("Ada")

    assert work.seen == ["Ada", "rollback", "Ada"]


async def test_last_asynchronous_attempt_raises():
    work = Attempts(DEADLOCK, DEADLOCK)

    with pytest.raises(OperationalError):
        await work.asynchronous(2)("Ada")

    assert work.seen == ["Ada", "arollback", "Ada"]


@pytest.mark.parametrize("error", [ValueError("a bug"), raised("away", is_gone=True)], ids=str)
def test_other_errors_are_not_tried_again(error):
    work = Attempts(error)

    with pytest.raises(type(error)):
        work.sync(3)("Ada")

    assert work.seen == ["Ada"]


async def test_other_errors_of_asynchronous_code_are_not_tried_again():
    work = Attempts(ValueError("a bug"))

    with pytest.raises(ValueError, match="a bug"):
        await work.asynchronous(3)("Ada")

    assert work.seen == ["Ada"]


def test_no_attempt_at_all_is_refused():
    with pytest.raises(ValueError, match="got 0"):
        Attempts().sync(0)


def test_password_at_the_end_of_what_is_told_is_not_cut_but_masked():
    told = "x" * 270 + " postgresql://shop:s3cret-and-long@db:5432/shop"

    fault = find_fault(raised(told, statement=None))

    assert len(fault.reason) <= 300
    assert "s3cret" not in fault.reason
