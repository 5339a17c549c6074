"""``/health`` for load balancers: 200 while all probes pass, 503 when one fails."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from costrel import Costrel
from costrel.checks import Finding
from costrel.extension import Extension, Option, Options, flag, text

__all__ = ["Health", "HealthOptions"]

P = TypeVar("P", bound=Callable[[], object])


class HealthOptions(Options):
    """What can be set."""

    prefix = "HEALTH_"

    path = Option("/health", "The path of the URL that is asked.", read=text)
    names_probes = Option(False, "Whether the answer, which anybody can read, names what fails.", read=flag)


class Health(Extension[HealthOptions]):
    """Tells whether the application can serve."""

    name = "health"
    options_class = HealthOptions
    commands = "health_commands:health"

    def __init__(self, app: Costrel | None = None, **given: Any) -> None:
        self._probes: dict[str, Callable[[], object]] = {}
        super().__init__(app, **given)

    def probe(self, function: P) -> P:
        """Ask this function each time; an error says that the application cannot serve."""
        self._probes[function.__name__] = function
        return function

    def failures(self) -> dict[str, str]:
        """Run the probes in the current application, and return what fails, with the error."""
        failed = {}
        for name, function in self._probes.items():
            try:
                function()
            except Exception as error:
                failed[name] = repr(error)

        return failed

    def setup(self, app: Costrel, options: HealthOptions) -> None:
        """Add the URL."""

        def answer() -> tuple[dict[str, Any], int]:
            failed = sorted(self.failures())
            told: dict[str, Any] = {"healthy": not failed}
            if options.names_probes:
                told["failing"] = failed
            return told, 503 if failed else 200

        app.add_url_rule(options.path, "health", answer)

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find an application that says it is well without having looked."""
        if not self._probes:
            yield Finding(
                "health.W001",
                "no probe is registered: the answer says only that the process runs",
                hint="Decorate a function with @health.probe.",
            )
