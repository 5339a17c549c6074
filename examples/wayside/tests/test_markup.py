"""The small Markdown: what it renders, and what it leaves alone."""

from __future__ import annotations

import time

import pytest
from wayside.markup import to_html


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("", ""),
        ("one\n\ntwo", "<p>one</p>\n<p>two</p>"),
        ("one\ntwo", "<p>one<br>\ntwo</p>"),
        ("# Top", "<h2>Top</h2>"),
        ("## Part\n\n### Detail", "<h2>Part</h2>\n<h3>Detail</h3>"),
        ("- a\n- **b**", "<ul><li>a</li><li><strong>b</strong></li></ul>"),
        ("> said\n> twice", "<blockquote><p>said<br>\ntwice</p></blockquote>"),
        ("*so* and 2 * 3 * 4", "<p><em>so</em> and 2 * 3 * 4</p>"),
        ("`**not** <b>`", "<p><code>**not** &lt;b&gt;</code></p>"),
        (
            "[a *map*](https://example.org/?a=1&b=*2*)",
            '<p><a href="https://example.org/?a=1&amp;b=*2*" rel="nofollow ugc">a <em>map</em></a></p>',
        ),
    ],
)
def test_text_becomes_html(text, html):
    assert to_html(text) == html


@pytest.mark.parametrize(
    "text",
    [
        "<img src=x onerror=alert()>",
        "[x](javascript:alert())",
        "[x](JaVaScRiPt:alert())",
        "[x](data:text/html,x)",
        '[x](https://e.org/"onclick="alert())',
        "[<script>](https://e.org)",
        "`<script>`",
        "> <script>",
        "# <script>",
    ],
)
def test_nothing_typed_becomes_a_tag_or_attribute(text):
    html = to_html(text)

    assert "<script" not in html
    assert "<img" not in html
    assert 'href="javascript' not in html.lower()
    assert 'href="data' not in html
    assert '"onclick="' not in html


@pytest.mark.parametrize("piece", ["*", "**", "`", "[", "](https://", "> ", "- ", "#", "\n", "[a](", " "])
def test_longest_text_renders_quickly_whatever_it_repeats(piece):
    started = time.process_time()

    to_html(piece * (20_000 // len(piece)))

    # Takes a few milliseconds; quadratic backtracking would take many seconds.
    assert time.process_time() - started < 2
