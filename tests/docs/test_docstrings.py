"""The examples in docstrings say what happens."""

from __future__ import annotations

import doctest
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
RUN = """
import doctest, importlib, sys
sys.path.insert(0, {source!r})
sys.exit(doctest.testmod(importlib.import_module({name!r})).failed)
"""


def modules_with_examples():
    for path in sorted((SOURCE / "costrel").rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        if ">>> " in path.read_text(encoding="utf-8"):
            yield name


NAMES = list(modules_with_examples())
# Importing it makes `import flask` mean costrel, for good.
ALIAS = [name for name in NAMES if name.startswith("costrel.as_flask")]


@pytest.mark.parametrize("name", [name for name in NAMES if name not in ALIAS])
def test_the_examples_in_docstrings_are_true(name):
    module = importlib.import_module(name)
    # Without the module's `from __future__ import annotations`, which readers who type it do not have.
    names = {key: value for key, value in vars(module).items() if key != "annotations"}

    failed, _ = doctest.testmod(module, globs=names)

    assert failed == 0


@pytest.mark.parametrize("name", ALIAS)
def test_the_examples_of_the_alias_are_true(name):
    code = RUN.format(source=str(SOURCE), name=name)

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
