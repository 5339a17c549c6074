"""Ask who can explain an error, and draw what they say. Knows no application and no request."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Sequence

from markupsafe import Markup

from costrel.debug.terminal import summarise
from costrel.errors import Explanation

__all__ = ["Explainer", "draw_page", "explain"]

Explainer = Callable[[Exception], Explanation | None]

_STYLE = """\
:root { color-scheme: light dark; --line: #8884; --loud: #b3261e }
@media (prefers-color-scheme: dark) { :root { --loud: #ff8a80 } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 3rem auto; padding: 0 1rem }
h1 { font-size: 1.8rem; margin: 0 0 .5rem; border-left: .35rem solid var(--loud); padding-left: .8rem }
pre, li { font-family: ui-monospace, monospace; font-size: .95rem }
pre { overflow-x: auto; padding: .8rem 1rem; border: 1px solid var(--line); border-radius: .4rem }
pre.type { font-size: 1.1rem; user-select: all }
li { overflow-wrap: anywhere }
summary { cursor: pointer }
small { opacity: .7 }"""


def explain(error: Exception, explainers: Sequence[Explainer]) -> Explanation | None:
    """Return the first explanation of an error, and note it on the error.

    An explainer that fails is passed over: the error is what matters.

    Args:
        error: Gets the explanation as a note, which tracebacks show.
        explainers: Asked one after the other.
    """
    for explainer in explainers:
        try:
            explanation = explainer(error)
        except Exception as failure:  # the user's: it must not hide the error
            error.add_note(f"hint: (the explainer {explainer!r} failed: {failure!r})")
            continue
        if explanation is not None:
            error.add_note(f"hint: {explanation.line}")
            return explanation

    return None


def draw_page(explanation: Explanation, error: Exception) -> str:
    """Draw an explained error for a browser: the cure first, then the error, then its traceback.

    Args:
        explanation: What was found out.
        error: The error. SECURITY: the page shows its text and source lines.
    """
    commands = Markup("").join(
        Markup("<pre class=type>{}</pre>").format(command) for command in explanation.commands
    )
    details = Markup("").join(Markup("<li>{}</li>").format(detail) for detail in explanation.details)

    return Markup(
        "<!doctype html>\n<html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<title>{title}</title><style>{style}</style>"
        "<h1>{title}</h1><p>{hint}</p>{commands}{details}"
        "<p>Then load this page again. This is the error it led to:</p><pre>{summary}</pre>"
        "<details><summary>Traceback</summary><pre>{traceback}</pre></details>"
        "<p><small>This page is shown in debug mode only.</small></p></html>\n"
    ).format(
        title=explanation.title,
        style=Markup(_STYLE),
        hint=explanation.hint,
        commands=commands,
        details=Markup("<ul>{}</ul>").format(details) if details else "",
        summary="\n".join(line for line in summarise(error) if explanation.line not in line),
        traceback="".join(traceback.format_exception(error)),
    )
