"""The README's figures are those of the last benchmark run, unimproved."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

ROOT = Path(__file__).parents[2]


def load(name):
    spec = importlib.util.spec_from_file_location(f"benchmarks_{name}", ROOT / "benchmarks" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)

    return module


def measured():
    return json.loads((ROOT / "benchmarks" / "results.json").read_text(encoding="utf-8"))


def test_the_readme_has_the_figures_of_the_last_run():
    assert load("report").summary(measured()) in (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_page_of_results_has_the_figures_of_the_last_run():
    page = (ROOT / "benchmarks" / "RESULTS.md").read_text(encoding="utf-8")

    assert load("report").page(measured()) == page
