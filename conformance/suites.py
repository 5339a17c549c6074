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

    timeout_seconds: int = 400
    environment: dict[str, str] = field(default_factory=dict)

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
        Suite(name="flask-wtf", release=("Flask-WTF", "1.3.0")),
        Suite(name="flask-login", release=("Flask-Login", "0.6.3")),
        Suite(
            name="sentry-sdk",
            release=("sentry-sdk", "2.75.0"),
            tests=("tests/integrations/flask",),
            arguments=("-o", "addopts=", "-p", "no:cov"),
        ),
        Suite(name="real-servers", tests=("own_tests/test_servers.py",)),
    )
}
