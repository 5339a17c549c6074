import importlib
import os
import sys
import types

import pytest

from costrel.core.root_path import get_root_path


def test_module_that_is_loaded_answers_with_its_folder():
    assert get_root_path("json") == os.path.dirname(os.path.abspath(sys.modules["json"].__file__))


def test_module_that_is_not_loaded_is_found_and_stays_unloaded(tmp_path, monkeypatch):
    (tmp_path / "costrel_unloaded.py").write_text("raise RuntimeError('imported')")
    monkeypatch.syspath_prepend(tmp_path)

    assert get_root_path("costrel_unloaded") == str(tmp_path)
    assert "costrel_unloaded" not in sys.modules


def test_module_without_file_gets_the_current_directory(monkeypatch):
    monkeypatch.setitem(sys.modules, "costrel_interactive", types.ModuleType("costrel_interactive"))

    assert get_root_path("costrel_interactive") == os.getcwd()
    assert get_root_path("costrel_no_such_module") == os.getcwd()


def test_namespace_package_is_refused_with_what_to_pass(tmp_path, monkeypatch):
    (tmp_path / "costrel_namespace").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    importlib.import_module("costrel_namespace")

    with pytest.raises(
        RuntimeError, match="No root path can be found for the provided module 'costrel_namespace'"
    ) as caught:
        get_root_path("costrel_namespace")

    assert "root_path=" in str(caught.value)
    sys.modules.pop("costrel_namespace", None)
