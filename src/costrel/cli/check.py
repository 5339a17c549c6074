"""``check``: what is wrong with an application, before its visitors find out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import click

from costrel.cli.script_info import ScriptInfo, load_for_command, pass_script_info
from costrel.cli.settings import TwinOption

if TYPE_CHECKING:
    from collections.abc import Sequence

    from costrel.core.checks.finding import Finding

__all__ = ["LEVELS", "check_command", "fails", "show_findings"]

LEVELS = ("info", "warning", "error", "never")
"""From which level on a finding is a failure."""
_COLORS = {"info": "blue", "warning": "yellow", "error": "red"}


@click.command("check", short_help="Look for what is unsafe or wrong.")
@click.option(
    "--fail-level",
    cls=TwinOption,
    type=click.Choice(LEVELS),
    default="error",
    help="End with status 1 if there is a finding of this level or above; default is 'error'.",
)
@click.option(
    "--deploy/--no-deploy",
    cls=TwinOption,
    default=True,
    help="Look for what matters in production, too; that is the default.",
)
@click.option("--json", "as_json", is_flag=True, help="Write JSON, for programs.")
@pass_script_info
@click.pass_context
def check_command(ctx: click.Context, info: ScriptInfo, fail_level: str, deploy: bool, as_json: bool) -> None:
    """Look for settings, rules and views that are unsafe or wrong.

    Each finding has an id that stays; SILENCED_CHECKS in the configuration
    lists those that are not to be told.
    """
    from costrel.core.checks.whole import check_application  # for cost: other commands need it not

    findings, silenced = check_application(load_for_command(info), production=deploy)
    failed = fails(findings, fail_level)
    if as_json:
        import json  # for cost: only this option needs it

        told = [
            {"id": finding.id, "level": finding.level.label, "text": finding.text, "hint": finding.hint}
            for finding in findings
        ]
        click.echo(json.dumps({"findings": told, "silenced": len(silenced), "failed": failed}, indent=2))
    else:
        show_findings(findings)
        click.echo(_summary(findings, len(silenced)))

    ctx.exit(1 if failed else 0)


def fails(findings: Sequence[Finding], fail_level: str) -> bool:
    """Tell whether any of the findings is of a level or above it."""
    if fail_level == "never":
        return False

    from costrel.core.checks.finding import Level  # for cost, as above

    return any(finding.level >= Level[fail_level.upper()] for finding in findings)


def show_findings(findings: Sequence[Finding], *, err: bool = False) -> None:
    """Write findings for people.

    Args:
        findings: In the order in which they are to be shown.
        err: Whether to write them to the error stream.
    """
    for finding in findings:
        label = click.style(finding.level.label, fg=_COLORS[finding.level.label], bold=True)
        click.echo(f"{label} {finding.id}: {finding.text}.", err=err)
        if finding.hint:
            click.echo(f"  hint: {finding.hint}", err=err)


def _summary(findings: Sequence[Finding], silenced: int) -> str:
    counts = []
    for label in ("error", "warning", "info"):
        count = sum(finding.level.label == label for finding in findings)
        if count:
            plural = "s" if count > 1 and label != "info" else ""
            counts.append(f"{count} {label}{plural}" if label != "info" else f"{count} for your information")
    told = f"Found {', '.join(counts)}" if counts else "Found nothing"

    return f"{told} ({silenced} silenced)." if silenced else f"{told}."
