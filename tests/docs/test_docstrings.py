"""The examples in docstrings say what happens."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src"
# Importing these does what they are for: it aliases Flask, it runs the command.
NOT_IMPORTED = {"costrel.as_flask", "costrel.as_flask.__main__", "costrel.__main__"}


def modules_with_examples():
    for path in sorted((SOURCE / "costrel").rglob("*.py")):
        name = ".".join(path.relative_to(SOURCE).with_suffix("").parts).removesuffix(".__init__")
        if ">>> " in path.read_text(encoding="utf-8") and name not in NOT_IMPORTED:
            yield name


@pytest.mark.parametrize("name", modules_with_examples())
def test_the_examples_in_docstrings_are_true(name):
    module = importlib.import_module(name)

    failed, _ = doctest.testmod(module, optionflags=doctest.ELLIPSIS | doctest.IGNORE_EXCEPTION_DETAIL)

    assert failed == 0
