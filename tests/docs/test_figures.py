"""The figures that are shown are those of the last benchmark run, unimproved, of answers that are right."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def load(monkeypatch):
    """Load modules of the benchmarks, which import one another; nothing of them is there afterwards."""
    monkeypatch.syspath_prepend(ROOT / "benchmarks")

    def load(name):
        spec = importlib.util.spec_from_file_location(name, ROOT / "benchmarks" / f"{name}.py")
        module = importlib.util.module_from_spec(spec)
        monkeypatch.setitem(sys.modules, name, module)
        spec.loader.exec_module(module)

        return module

    load("report")

    return load


def measured(file="results.json"):
    return json.loads((ROOT / "benchmarks" / file).read_text(encoding="utf-8"))


def test_the_readme_has_the_figures_of_the_last_run(load):
    assert load("report").summary(measured()) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_results_has_the_figures_of_the_last_run(load):
    page = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")

    assert load("report").page(measured()) == page


def test_the_page_of_results_over_asgi_has_the_figures_of_the_last_run(load):
    page = (ROOT / "benchmarks" / "RESULTS-asgi.md").read_text(encoding="utf-8")

    assert load("report_asgi").page(measured("results-asgi.json")) == page


def test_the_picture_over_asgi_has_the_figures_of_the_last_run(load):
    picture = load("picture")

    drawn = picture.draw(measured("results-asgi.json")["main"], picture.ASGI)

    assert drawn == (ROOT / "benchmarks" / "speed-asgi.svg").read_text(encoding="utf-8")


def test_the_page_over_asgi_names_who_is_faster(load):
    results = {
        "plain": {"bare_asgi": 1.0, "quart": 9.0, "blacksheep": 2.0, "costrel_async": 3.0},
        "static": {"bare_asgi": 1.0, "quart": 9.0, "blacksheep": 4.0, "costrel_async": 4.0},
        "notfound": {"bare_asgi": 1.0, "quart": 9.0, "costrel_async": 8.1},
    }

    said = load("report_asgi").places(results).splitlines()

    assert said[0].endswith("in: static 10K, 404.")
    assert said[1].endswith("in: plain (BlackSheep, 1.50 times).")
    assert said[2].endswith("wanted: 404.")


@pytest.mark.parametrize(
    "adapter", ["bare", "costrel", "costrel_async_wsgi", "bare_asgi", "costrel_async", "costrel_threads"]
)
def test_what_is_measured_answers_rightly(adapter):
    command = [sys.executable, "-W", "error", "check.py", adapter]

    done = subprocess.run(command, cwd=ROOT / "benchmarks", capture_output=True, text=True, timeout=60)

    assert (done.returncode, done.stdout) == (0, ""), done.stderr
