"""The suites: which tests are run, from which release, and what stands beside them."""

from __future__ import annotations

from dataclasses import dataclass, field

__all__ = ["SUITES", "Suite"]


@dataclass(frozen=True, kw_only=True)
class Suite:
    """One set of tests, and how it is run."""

    name: str

    release: tuple[str, str] | None = None
    """Distribution and version whose source has the tests; ``None`` for those in ``own/``."""

    tests: tuple[str, ...] = ("tests",)
    """Files or folders for pytest."""

    lock: str = ""
    """Whose environment it uses; its own by default. ``locks/<lock>.txt`` lists what is in it."""

    folder: str = "."
    """Where pytest runs, inside of the source; also put on ``PYTHONPATH`` if it is another one."""

    arguments: tuple[str, ...] = ()
    """Further arguments for pytest."""

    renamed: tuple[tuple[str, str], ...] = ()
    """Packages that the tests import, and whose name stands for them instead: an extension of costrel's,
    whose users change the prefix of their imports. The package itself is taken out of the environment."""

    expected: str = ""
    """Whose list in ``expected/`` it is held to; its own by default."""

    differs: dict[str, str] = field(default_factory=dict)
    """Tests that pass on Flask and not here, each with the reason why that is meant."""

    timeout_seconds: int = 400
    environment: dict[str, str] = field(default_factory=dict)

    @property
    def expected_name(self) -> str:
        return self.expected or self.name

    @property
    def lock_name(self) -> str:
        return self.lock or self.name


_FLASK = ("flask", "3.1.3")

SUITES = {
    suite.name: suite
    for suite in (
        Suite(name="own-surface", lock="flask", tests=("own_tests/test_surface.py",)),
        Suite(name="own-alias", lock="flask", tests=("own_tests/test_alias.py",)),
        Suite(name="flask", release=_FLASK),
        Suite(name="flask-tutorial", release=_FLASK, lock="flask", folder="examples/tutorial"),
        Suite(name="flask-js-example", release=_FLASK, lock="flask", folder="examples/javascript"),
        Suite(name="flask-sqlalchemy", release=("Flask-SQLAlchemy", "3.1.1")),
        Suite(name="flask-migrate", release=("Flask-Migrate", "4.1.0")),
        Suite(name="flask-wtf", release=("Flask-WTF", "1.3.0")),
        Suite(name="flask-login", release=("Flask-Login", "0.6.3")),
        Suite(
            name="sentry-sdk",
            release=("sentry-sdk", "2.75.0"),
            tests=("tests/integrations/flask",),
            arguments=("-o", "addopts=", "-p", "no:cov"),
        ),
        Suite(name="real-servers", tests=("own_tests/test_servers.py",)),
        Suite(
            name="ext-login",
            release=("Flask-Login", "0.6.3"),
            lock="flask-login",
            expected="flask-login",
            renamed=(("flask_login", "costrel.ext.login"),),
            differs={
                "tests/test_login.py::LoginTestCase::test_session_protection_strong_fires_signal_x_forwarded_for": "the address is that of TRUSTED_PROXIES; a header that anybody can send is not asked",
                "tests/test_login.py::LoginTestCase::test_remember_me_refresh_each_request": "replaces the module's private datetime, and wants a cookie refreshed that was not sent",
            },
        ),
        Suite(
            name="ext-forms",
            release=("Flask-WTF", "1.3.0"),
            lock="flask-wtf",
            expected="flask-wtf",
            renamed=(("flask_wtf", "costrel.ext.forms"),),
        ),
        Suite(
            name="ext-sqlalchemy",
            release=("Flask-SQLAlchemy", "3.1.1"),
            lock="flask-sqlalchemy",
            expected="flask-sqlalchemy",
            renamed=(("flask_sqlalchemy", "costrel.ext.sqlalchemy"),),
        ),
        Suite(
            name="ext-migrate",
            release=("Flask-Migrate", "4.1.0"),
            lock="flask-migrate",
            expected="flask-migrate",
            renamed=(
                ("flask_migrate", "costrel.ext.migrate"),
                ("flask_sqlalchemy", "costrel.ext.sqlalchemy"),
            ),
        ),
    )
}
