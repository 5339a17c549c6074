"""``extensions``: what an application is extended with, the options, and where their values come from."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping
from typing import Any

import click

from costrel.cli.script_info import ScriptInfo, load_for_command, pass_script_info

__all__ = ["describe_extensions", "extensions_command"]

_COLORS = {"default": None, "code": "cyan", "config": "green"}
_WIDEST_VALUE = 48
"""Longer values are cut in the short table, so that the last column stays where it is looked for."""


@click.command("extensions", short_help="Show the extensions of the application.")
@click.argument("only", required=False, metavar="[NAME]")
@click.option("--set", "only_set", is_flag=True, help="Only options that are not at their defaults.")
@click.option("--verbose", "-v", is_flag=True, help="Say what each option means; so does NAME.")
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@pass_script_info
@click.pass_context
def extensions_command(
    ctx: click.Context, info: ScriptInfo, only: str | None, only_set: bool, verbose: bool, as_json: bool
) -> None:
    """Show all extensions, or one: its options, their values and where those come from.

    A value is the default, from the code that made the extension, or from
    the configuration. Secrets are hidden.
    """
    described = describe_extensions(load_for_command(info))
    if only is not None:
        described = [_find(only, described)]
    if only_set:
        for one in described:
            one["options"] = [option for option in one["options"] if option["origin"] != "default"]

    if as_json:
        import json  # for cost: only this option needs it

        click.echo(json.dumps(described, indent=2))
    elif not described:
        click.echo("The application has no extensions.")
    else:
        blocks = [_block(one, verbose=verbose or only is not None, only_set=only_set) for one in described]
        click.echo("\n\n".join(blocks))
    ctx.exit(0)


def describe_extensions(app: Any) -> list[dict[str, Any]]:
    """List what lies in ``app.extensions``, with the options of what has costrel's shape.

    Args:
        app: The application; ``Any``, because its class stands above this package.

    Returns:
        For each: ``name``, ``class``, ``distribution`` (``"costrel 1.0"``, or
        ``None`` for code that no package brought) and ``options``, each with
        ``key``, ``value`` (hidden if secret, a text if JSON has no such
        value), ``origin``, ``doc`` and ``problem``.
    """
    from costrel.core.masking import mask  # for cost: other commands need it not

    distributions: dict[str, str | None] = {}
    found = []
    for name, value in sorted(app.extensions.items()):
        setup = app.extension_setups.get(name)
        kind = type(value if setup is None else setup.extension)
        package = kind.__module__.partition(".")[0]
        if package not in distributions:
            distributions[package] = _distribution_of(package)
        options = [
            {
                "key": option.key,
                "value": _plain(mask(option.key, option.value)),
                "origin": option.origin,
                "doc": option.doc,
                "problem": option.problem,
            }
            for option in ([] if setup is None else setup.options.listed())
        ]
        found.append(
            {
                "name": name,
                "class": f"{kind.__module__}.{kind.__qualname__}",
                "distribution": distributions[package],
                "options": options,
            }
        )

    return found


def _plain(value: Any) -> Any:
    """Return a value as JSON has it; the representation of one that JSON has not."""
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(inner) for key, inner in value.items()}
    if isinstance(value, Collection) and not isinstance(value, bytes | bytearray):
        items = sorted(value, key=repr) if isinstance(value, set | frozenset) else value
        return [_plain(inner) for inner in items]

    from costrel.core.masking import mask_text  # for cost, as above

    return mask_text(str(value) if type(value).__module__ == "datetime" else repr(value))


def _distribution_of(package: str) -> str | None:
    """Name the distribution that a package came with, and its version.

    Told by its name, and then by its place: to ask all distributions for
    their files takes seconds where many are installed.
    """
    from importlib.metadata import PackageNotFoundError, distribution  # for cost: 15 ms

    try:
        found = distribution(package)
    except (PackageNotFoundError, ValueError):
        return None
    file = getattr(sys.modules.get(package), "__file__", None) or ""
    if package != "costrel" and not file.startswith(str(found.locate_file(package))):
        return None  # a module of the application that bears the name of a distribution

    return f"{found.name} {found.version}"


def _find(name: str, described: list[dict[str, Any]]) -> dict[str, Any]:
    for one in described:
        if one["name"] == name:
            return one

    from difflib import get_close_matches  # for cost: only a wrong name needs it

    names = [one["name"] for one in described]
    near = get_close_matches(name, names, 1)
    if near:
        told = f"Did you mean {near[0]!r}?"
    else:
        told = f"There are: {', '.join(names)}." if names else "It has none at all."
    raise click.ClickException(f"The application has no extension {name!r}. {told}")


# What people read.


def _block(one: dict[str, Any], *, verbose: bool, only_set: bool) -> str:
    came_with = f" ({one['distribution']})" if one["distribution"] else ""
    lines = [f"{click.style(one['name'], bold=True)}: {one['class']}{came_with}"]
    if not one["options"]:
        told = "All options are at their defaults." if only_set else "No options that are known here."
        return f"{lines[0]}\n  {told}"

    rows = [(option["key"], _shown(option["value"], cut=not verbose)) for option in one["options"]]
    key_width = max(len(key) for key, _ in rows)
    value_width = max((len(value) for _, value in rows if len(value) <= _WIDEST_VALUE), default=0)
    for (key, value), option in zip(rows, one["options"], strict=True):
        origin = click.style(option["origin"], fg=_COLORS[option["origin"]])
        lines.append(f"  {key:{key_width}}  {value:{value_width}}  {origin}")
        if option["problem"]:
            lines.append(click.style(f"      {option['problem']}", fg="red"))
        if verbose:
            lines.append(_indented(option["doc"]))

    return "\n".join(lines)


def _shown(value: Any, *, cut: bool) -> str:
    """Write a value as Python does; control characters cannot reach the terminal."""
    text = repr(value)

    return f"{text[: _WIDEST_VALUE - 1]}…" if cut and len(text) > _WIDEST_VALUE else text


def _indented(text: str) -> str:
    from textwrap import fill  # for cost: only this table needs it

    return fill(" ".join(text.split()), width=88, initial_indent="      ", subsequent_indent="      ")
