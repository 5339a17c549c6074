"""From the segments of a path to a rule's arguments: one small function per rule.

A leaf is the end of the table's walk. It checks what the walk put off (does
each segment fit its converter?) and makes the arguments, or says None.
Knows no tree and no order: only its rule.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from typing import Any

from werkzeug.routing import BaseConverter, IntegerConverter, Rule
from werkzeug.routing.rules import RulePart

__all__ = ["Leaf", "Match", "compile_leaf", "compile_pattern", "fits_empty"]

Match = tuple[Rule, dict[str, Any]]
Leaf = Callable[[list[str]], "Match | None"]

_STRING = r"(?P<__werkzeug_0>[^/]{1,})\Z"
_INT = r"(?P<__werkzeug_0>\d+)\Z"
_PATH = r"(?P<__werkzeug_0>[^/].*?)\Z"

# How a segment is read, checked and converted, by kind. `\d` and str.isdecimal are one Unicode
# class; `.` of the path converter's pattern stops at a newline, which is left to Werkzeug.
_READ = {"path": "'/'.join(segments[at{i}:])"}
_CHECK = {
    "string": "v{i}",
    "int": "v{i}.isdecimal()",
    "path": "v{i} and v{i}[0] != '/' and '\\n' not in v{i}",
    "pattern": "fits{i}(v{i})",
}
_CONVERT = {"same": "v{i}", "int": "int(v{i})", "call": "convert{i}(v{i})"}


def compile_leaf(rule: Rule) -> Leaf | None:
    """Make the leaf of a rule whose first part is its (static) domain.

    Returns:
        None if a segment holds more than one variable, or a variable more
        than one segment (other than a path at the very end).
    """
    parts = [(at, part) for at, part in enumerate(rule._parts[1:]) if not part.static]
    converters = list(rule._converters.items())
    if len(parts) != len(converters):
        return None

    shape: list[tuple[str, str]] = []
    given: list[Any] = []
    for (at, part), (name, converter) in zip(parts, converters, strict=True):
        check = _kind_of_check(part, converter)
        if check is None:
            return None
        shape.append((check, _kind_of_conversion(converter)))
        fits = _fits(part) if check == "pattern" else None
        given.append((at, name, fits, converter.to_python))

    return _maker(tuple(shape), bool(rule.defaults))(rule, rule.defaults, given)


def fits_empty(part: RulePart) -> bool:
    """Tell whether a dynamic part matches a segment without any character."""
    pattern = compile_pattern(part.content)
    return pattern is None or pattern.match("") is not None


def compile_pattern(content: str) -> re.Pattern[str] | None:
    """Compile a part's expression, or say None if a converter's own is broken."""
    try:
        return re.compile(content)
    except (re.error, OverflowError, RecursionError):
        return None


def _kind_of_check(part: RulePart, converter: BaseConverter) -> str | None:
    if part.final:
        return "path" if part.content == _PATH else None
    if part.content == _STRING:
        return "string"
    if part.content == _INT:
        return "int"

    alone = part.content == rf"(?P<__werkzeug_0>{converter.regex})\Z"
    sound = compile_pattern(converter.regex) is not None and compile_pattern(part.content) is not None
    return "pattern" if alone and sound else None


def _kind_of_conversion(converter: BaseConverter) -> str:
    if getattr(converter.to_python, "__func__", None) is BaseConverter.to_python:
        return "same"

    if type(converter) is not IntegerConverter:
        return "call"

    return "int" if (converter.fixed_digits, converter.min, converter.max) == (0, None, None) else "call"


def _fits(part: RulePart) -> Callable[[str], object]:
    return re.compile(part.content).match


@cache  # as many as there are shapes of rules, which are the developer's
def _maker(shape: tuple[tuple[str, str], ...], defaults: bool) -> Callable[..., Leaf]:
    """Write the function that makes leaves of one shape.

    Generated code is a fifth faster here than a loop over the variables. Its
    text is made of the fragments above and of numbers; names, expressions and
    converters, which are the developer's, are handed in as values.
    """
    numbers = range(len(shape))
    lines = ["def make(rule, defaults, given):"]
    lines += [f"    at{i}, name{i}, fits{i}, convert{i} = given[{i}]" for i in numbers]
    lines += ["    def leaf(segments):"]
    lines += [f"        v{i} = " + _READ.get(shape[i][0], "segments[at{i}]").format(i=i) for i in numbers]
    checks = " and ".join(_CHECK[check].format(i=i) for i, (check, _) in enumerate(shape))
    items = [f"name{i}: " + _CONVERT[how].format(i=i) for i, (_, how) in enumerate(shape)]
    items += ["**defaults"] if defaults else []
    lines += [f"        if {checks or 'True'}:", f"            return rule, {{{', '.join(items)}}}"]
    lines += ["        return None", "    return leaf"]

    namespace: dict[str, Any] = {}
    exec(compile("\n".join(lines), "<costrel routing>", "exec"), namespace)
    return namespace["make"]  # type: ignore[no-any-return]
