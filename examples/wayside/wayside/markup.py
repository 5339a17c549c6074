"""A small, safe subset of Markdown. Knows no request.

SECURITY: the text is escaped first and tags are added afterwards, so nothing a
visitor typed can become markup of its own.
"""

from __future__ import annotations

import re

from markupsafe import Markup, escape

_CODE = re.compile(r"`([^`\n]+)`")
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")
_EMPHASIS = re.compile(r"(?<![\w*])\*(?=\S)([^*\n]+)(?<=\S)\*(?![\w*])")
# Only these schemes: a link must not run a script.
_LINK = re.compile(r"\[([^\[\]\n]{1,300})\]\(((?:https?://|mailto:)[^\s()]{1,1000})\)")
_HEADING = re.compile(r"(#{1,3}) +(.+)")
_ITEM = re.compile(r"[-*] +(.+)")


def to_html(text: str) -> Markup:
    """Render paragraphs, headings, lists, quotes, links, emphasis and code.

    Example:
        >>> to_html("Up **early**, <b>slow</b> down")
        Markup('<p>Up <strong>early</strong>, &lt;b&gt;slow&lt;/b&gt; down</p>')
        >>> to_html("[x](javascript:alert())")
        Markup('<p>[x](javascript:alert())</p>')
    """
    blocks = re.split(r"\n[ \t]*\n", text.strip())

    return Markup("\n".join(_block(block.strip("\n")) for block in blocks if block.strip()))


def _block(block: str) -> str:
    lines = [line.strip() for line in block.split("\n")]
    if heading := _HEADING.fullmatch(block):
        # The page's own title is the h1.
        level = max(2, len(heading[1]))
        return f"<h{level}>{_inline(heading[2])}</h{level}>"
    items = [_ITEM.fullmatch(line) for line in lines]
    if all(items):
        return "<ul>" + "".join(f"<li>{_inline(item[1])}</li>" for item in items if item) + "</ul>"
    if all(line.startswith(">") for line in lines):
        return f"<blockquote><p>{_lines([line[1:].strip() for line in lines])}</p></blockquote>"

    return f"<p>{_lines(lines)}</p>"


def _lines(lines: list[str]) -> str:
    return "<br>\n".join(_inline(line) for line in lines)


def _inline(text: str) -> str:
    # Every second piece is code, in which nothing else is read.
    pieces = _CODE.split(text)

    return "".join(
        f"<code>{escape(piece)}</code>" if index % 2 else _style(str(escape(piece)))
        for index, piece in enumerate(pieces)
    )


def _style(text: str) -> str:
    # Links first, and set aside: a star in an address is not emphasis.
    pieces = _LINK.split(text)
    out = [_emphasis(pieces[0])]
    for label, address, rest in zip(pieces[1::3], pieces[2::3], pieces[3::3], strict=True):
        out.append(f'<a href="{address}" rel="nofollow ugc">{_emphasis(label)}</a>{_emphasis(rest)}')

    return "".join(out)


def _emphasis(text: str) -> str:
    return _EMPHASIS.sub(r"<em>\1</em>", _BOLD.sub(r"<strong>\1</strong>", text))
