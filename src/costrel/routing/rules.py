"""One URL rule: Werkzeug's, telling its map about changes and the developer about mistakes.

Knows no table: a rule only tells its map that something changed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from werkzeug.routing import BaseConverter
from werkzeug.routing import Map as WerkzeugMap
from werkzeug.routing import Rule as WerkzeugRule
from werkzeug.routing.rules import RulePart

from costrel.errors import CostrelError

__all__ = ["ConverterError", "Rule", "RuleError"]

_WATCHED = frozenset(
    {
        "alias",
        "defaults",
        "endpoint",
        "merge_slashes",
        "methods",
        "redirect_to",
        "strict_slashes",
        "websocket",
    }
)
_OTHER_NAMES = {
    "bool": "any(true, false)",
    "decimal": "float",
    "double": "float",
    "guid": "uuid",
    "integer": "int",
    "number": "int",
    "slug": "string",
    "str": "string",
    "text": "string",
}
# A path's variable, the text after it, and another path's variable behind that.
_PATH = r"\(\?P<__werkzeug_\d+>\[\^/\]\.\*\?\)"
_PATH_BEFORE_PATH = re.compile(rf"({_PATH}(?:[^()\\]|\\.)+)(?={_PATH})", re.DOTALL)
_VARIABLE = re.compile(r"<([^<>]*)>")


class ConverterError(CostrelError, LookupError):
    """A rule names a converter that the map does not have."""


class RuleError(CostrelError, ValueError):
    """The text of a rule cannot be read."""


class Rule(WerkzeugRule):
    """A ``werkzeug.routing.Rule`` whose later changes are noticed by the map.

    Setting an attribute counts; changing ``rule.methods`` or ``rule.defaults``
    in place, after the first request, does not: set the attribute anew.

    Example:
        >>> from costrel.routing import Map
        >>> Map([Rule("/u/<integer:id>", endpoint="user")])
        Traceback (most recent call last):
          ...
        costrel.routing.rules.ConverterError: the converter 'integer' does not exist in '/u/<integer:id>'
          hint: Did you mean 'int'? There are: any, default, float, int, path, string, uuid.
    """

    provide_automatic_options: bool | None = None
    """Whether OPTIONS is answered by the framework; set by ``add_url_rule``."""

    sync_to_thread: bool | None = None
    """Whether a synchronous view runs in a worker thread under ASGI; ``None`` does as ``True``."""

    stream_body: bool = False
    """Whether the request's body is not read in advance for an async view."""

    timeout_seconds: float | None = None
    """How long the view may take; ``None`` for what the application says."""

    def __init__(self, string: str, *args: Any, **options: Any) -> None:
        if not string.startswith("/"):
            raise RuleError(f"URL rule {string!r} must start with a slash.", hint=f"Write {'/' + string!r}.")

        super().__init__(string, *args, **options)

    def __setattr__(self, name: str, value: Any) -> None:
        super().__setattr__(name, value)
        if name in _WATCHED:
            self._tell_map()

    def bind(self, map: WerkzeugMap, rebind: bool = False) -> None:
        """Bind the rule to a map.

        Raises:
            RuleError: If the rule is malformed.
            ConverterError: If it names a converter that the map does not have.
        """
        try:
            super().bind(map, rebind)
        except ValueError as error:
            if not str(error).startswith("malformed url rule"):
                raise
            raise RuleError(f"malformed url rule: {self.rule!r}", hint=_why_malformed(self.rule)) from None
        except SyntaxError:
            raise RuleError(
                f"malformed url rule: {self.rule!r} has two variables of one name",
                hint="Give each variable a name of its own.",
            ) from None

        self._tell_map()

    def get_converter(
        self, variable_name: str, converter_name: str, args: tuple[Any, ...], kwargs: Mapping[str, Any]
    ) -> BaseConverter:
        """Make the converter of one variable.

        Raises:
            ConverterError: If the map has no converter of this name.
        """
        if converter_name not in self.map.converters:
            raise ConverterError(
                f"the converter {converter_name!r} does not exist in {self.rule!r}",
                hint=_which_converter(converter_name, variable_name, self.map.converters),
            )

        return super().get_converter(variable_name, converter_name, args, kwargs)

    def _parse_rule(self, rule: str) -> Iterator[RulePart]:
        for part in super()._parse_rule(rule):
            yield replace(part, content=_without_return(part.content)) if part.final else part

    def _tell_map(self) -> None:
        # PERF: by getattr, because a look at __dict__ would make every later reading of the rule slower.
        changed = getattr(getattr(self, "map", None), "changed", None)
        if changed is not None:
            changed()


def _without_return(content: str) -> str:
    """Make an expression with several paths in it never return to an earlier one.

    The first place where a path may end is as good as any later one, since
    the next path takes what is between. SECURITY: returning took a time that
    grows with the square of the length for two paths, the cube for three.

    Example:
        >>> _without_return("(?P<__werkzeug_0>[^/].*?)/x/(?P<__werkzeug_1>[^/].*?)/y")
        '(?>(?P<__werkzeug_0>[^/].*?)/x/(?=[^/]))(?P<__werkzeug_1>[^/].*?)/y'
    """
    return _PATH_BEFORE_PATH.sub(r"(?>\1(?=[^/]))", content)


def _which_converter(name: str, variable: str, known: Iterable[str]) -> str:
    names = sorted(known)
    if variable in names:
        return f"The converter comes first: <{variable}:{name}>."

    close = difflib.get_close_matches(name, names, n=1)
    meant = _OTHER_NAMES.get(name) or (close[0] if close else None)
    question = f"Did you mean {meant!r}? " if meant else ""

    return f"{question}There are: {', '.join(names)}."


def _why_malformed(rule: str) -> str:
    if rule.count("<") != rule.count(">"):
        return "A variable needs both brackets: <name> or <converter:name>."

    for inside in _VARIABLE.findall(rule):
        name = inside.rpartition(":")[2]
        better = re.sub(r"\W", "_", name.strip(), flags=re.ASCII)
        if name and name != better and better.isidentifier():
            return f"A variable's name is a Python name: <{inside[: len(inside) - len(name)]}{better}>."

    return "A variable looks like <name>, <converter:name> or <converter(argument):name>."
