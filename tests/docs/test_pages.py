"""The documentation holds: its code is executed, its tables are true, its links lead somewhere."""

from __future__ import annotations

import datetime
import re
from pathlib import Path

import pytest

import costrel
from costrel import Blueprint, Costrel, Request, _mode
from costrel.sockets import WebSocket

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = sorted(DOCS.glob("**/*.md"))
INCLUDE = re.compile(r"```\{literalinclude\} (\S+)")
LINK = re.compile(r"\]\(([^)#:]+?)(?:#[^)]*)?\)")


def rows_of(page, first_header):
    """Yield the cells of each row of the tables whose first header is given."""
    lines = iter(page.read_text(encoding="utf-8").splitlines())
    inside = False
    for line in lines:
        if line.startswith(f"| {first_header} |"):
            inside = True
            next(lines)
        elif not line.startswith("|"):
            inside = False
        elif inside:
            yield [cell.strip() for cell in line.strip("|").split("|")]


@pytest.fixture
def flask_defaults():
    before = _mode.flask_defaults()
    _mode.use_flask_defaults()
    yield
    _mode.use_flask_defaults(before)


def documented(column):
    namespace = {"timedelta": datetime.timedelta}
    rows = rows_of(DOCS / "reference" / "config.md", "key")
    return {row[0].strip("`"): eval(row[column].strip("`"), namespace) for row in rows}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_has_no_python_that_is_not_executed(page):
    assert "```python" not in page.read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(DOCS)))
def test_what_a_page_includes_and_links_to_exists(page):
    text = page.read_text(encoding="utf-8")
    wanted = [*INCLUDE.findall(text), *LINK.findall(text)]

    assert not [target for target in wanted if not (page.parent / target).exists()]


@pytest.mark.parametrize("folder", ["tutorial", "how-to", "reference", "explanation"])
def test_every_page_is_in_its_table_of_contents(folder):
    listed = (DOCS / folder / "index.md").read_text(encoding="utf-8").split("```{toctree}")[1]

    missing = [page.stem for page in (DOCS / folder).glob("*.md") if f"\n{page.stem}\n" not in listed]

    assert missing == ["index"]


def test_the_table_of_configuration_keys_has_the_native_defaults():
    assert documented(1) == dict(Costrel("documented").config)


def test_the_table_of_configuration_keys_has_flasks_defaults_for_the_alias(flask_defaults):
    assert documented(2) == dict(Costrel("documented").config)


def test_the_table_of_configuration_keys_is_sorted():
    assert list(documented(1)) == sorted(documented(1))


def test_the_security_table_names_tests_that_exist():
    rows = rows_of(DOCS / "explanation" / "security.md", "ASVS")

    assert not [row[4] for row in rows if not (ROOT / row[4].strip("`")).exists()]


def test_the_security_table_names_keys_that_exist():
    rows = rows_of(DOCS / "explanation" / "security.md", "ASVS")
    keys = {key for row in rows for key in re.findall(r"`([A-Z_]+)`", row[2])}

    assert keys <= set(Costrel("documented").config)


def test_the_names_of_quart_that_are_the_same_are_there():
    app = Costrel("documented")
    places = [costrel, app, Blueprint("documented", __name__), WebSocket, Request]
    said = [cell for _, cell in rows_of(DOCS / "how-to" / "port-from-quart.md", "kind")]
    names = re.findall(r"`(?:async with )?(?:app\.|websocket\.)?(\w+)", " ".join(said))

    missing = [name for name in names if not any(hasattr(place, name) for place in places)]

    assert len(names) > 50
    assert set(missing) <= set(app.config)


def test_every_make_target_of_the_pages_exists():
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    pages = [*PAGES, ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "benchmarks" / "README.md"]
    named = {name for page in pages for name in re.findall(r"`make ([a-z-]+)", page.read_text("utf-8"))}

    assert named <= targets
