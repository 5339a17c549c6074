"""Ask who can explain an error, and draw what they say. Knows no application and no request."""

from __future__ import annotations

import textwrap
import traceback
from collections.abc import Callable, Sequence

from markupsafe import Markup

from costrel.debug.terminal import summarise
from costrel.errors import Explanation

__all__ = ["Explainer", "draw_page", "explain"]

Explainer = Callable[[Exception], Explanation | None]

_STYLE = """\
:root { color-scheme: light dark; --line: #8886; --tint: #8881; --loud: #b3261e; --type: #0b57d0 }
@media (prefers-color-scheme: dark) { :root { --loud: #ff8a80; --type: #a8c7fa } }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 3rem auto; padding: 0 1rem }
h1 { font-size: 1.8rem; line-height: 1.25; margin: 0 0 1rem }
h1 { border-left: .35rem solid var(--loud); padding-left: .8rem }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem }
ul { padding-left: 1.2rem }
pre, li, .error { font: .9rem/1.5 ui-monospace, monospace; overflow-wrap: anywhere }
pre { overflow-x: auto; margin: .5rem 0; padding: .7rem 1rem; border-radius: .4rem; background: var(--tint) }
pre.type { font-size: 1.1rem; white-space: pre-wrap; user-select: all }
pre.type { border: 1px solid var(--line); border-left: .35rem solid var(--type) }
pre.type::before { content: "$ "; color: var(--type) }
.error { font-weight: 600; color: var(--loud) }
summary { cursor: pointer; margin-top: 1rem }
small { opacity: .75 }
@media (max-width: 30rem) { body { margin-top: 1.5rem } h1 { font-size: 1.5rem } pre { font-size: .8rem } }"""


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
    details = Markup("").join(Markup("<li>{}</li>").format(detail) for detail in explanation.details)
    commands = Markup("").join(
        Markup("<pre class=type>{}</pre>").format(command) for command in explanation.commands
    )
    first, *others = (line for line in summarise(error) if explanation.line not in line)

    return Markup(
        "<!doctype html>\n<html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width, initial-scale=1'>"
        "<title>{title}</title><style>{style}</style>"
        "<h1>{title}</h1><p>{hint}</p>{details}{commands}"
        "<h2>The error it led to</h2><p class=error>{first}</p>{others}"
        "<details><summary>Traceback</summary><pre tabindex=0>{traceback}</pre></details>"
        "<p><small>This page is shown in debug mode only.</small></p></html>\n"
    ).format(
        title=explanation.title,
        style=Markup(_STYLE),
        hint=explanation.hint,
        details=Markup("<ul>{}</ul>").format(details) if details else "",
        commands=Markup("<p>Type in a terminal:</p>{}<p>Then load this page again.</p>").format(commands)
        if commands
        else "",
        first=first,
        others=Markup("<pre tabindex=0>{}</pre>").format(textwrap.dedent("\n".join(others)))
        if others
        else "",
        traceback="".join(traceback.format_exception(error)),
    )
