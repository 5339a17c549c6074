"""A package whose file waits behaves like one whose file has run: the real Werkzeug, and a small one."""

import importlib
import importlib.resources
import inspect
import pkgutil
import subprocess
import sys
import threading
from importlib.machinery import SourceFileLoader
from unittest import mock

import pytest

from costrel._werkzeug import import_package

NAME = "shelf_for_costrel"
FILE = f"""\
'''A shelf.'''
import {NAME}_log
{NAME}_log.runs.append(__name__)
from .heavy import Book as Book
from .light import page as page
__version__ = "7"
__all__ = ["Book", "page"]
"""


@pytest.fixture
def shelf(tmp_path, monkeypatch):
    """A package on disk, imported with its file waiting; ``shelf.runs()`` counts how often that has run."""
    folder = tmp_path / NAME
    folder.mkdir()
    (folder / "__init__.py").write_text(FILE)
    (folder / "heavy.py").write_text("from . import light\nclass Book:\n    pass\n")
    (folder / "light.py").write_text("from . import heavy\ndef page():\n    return 1\n")
    (folder / "apart.py").write_text("")
    (tmp_path / f"{NAME}_log.py").write_text("runs = []\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    import_package(NAME)
    yield sys.modules[NAME]
    for name in [name for name in sys.modules if name.startswith(NAME)]:
        del sys.modules[name]


def runs():
    return len(sys.modules[f"{NAME}_log"].runs) if f"{NAME}_log" in sys.modules else 0


def test_importing_a_module_of_the_package_does_not_run_its_file(shelf):
    importlib.import_module(f"{NAME}.light")

    assert runs() == 0
    assert shelf.light.page() == 1
    assert runs() == 0


def test_name_of_the_package_runs_its_file_once(shelf):
    assert shelf.Book is sys.modules[f"{NAME}.heavy"].Book
    assert shelf.page() == 1
    assert runs() == 1


def test_names_can_be_imported_from_it(shelf):
    names = {}
    exec(f"from {NAME} import Book, page, heavy", names)

    assert {"Book", "page", "heavy"} <= names.keys()


def test_star_import_brings_what_the_file_exports(shelf):
    names = {}
    exec(f"from {NAME} import *", names)

    assert {"Book", "page"} <= names.keys()


def test_module_the_file_imports_is_an_attribute_without_an_import_of_it(shelf):
    assert shelf.heavy.Book is shelf.Book


def test_version_is_found(shelf):
    assert shelf.__version__ == "7"


def test_all_names_are_listed(shelf):
    assert {"Book", "page", "heavy", "light", "__version__"} <= set(dir(shelf))
    assert "Book" in dict(inspect.getmembers(shelf))


def test_name_that_is_nowhere_is_an_attribute_error_in_the_words_of_python(shelf):
    with pytest.raises(AttributeError, match=f"^module '{NAME}' has no attribute 'Bok'$"):
        shelf.Bok
    with pytest.raises(ImportError, match="cannot import name 'Bok'"):
        exec(f"from {NAME} import Bok")


def test_what_every_module_is_asked_for_does_not_run_the_file(shelf):
    for name in ("__wrapped__", "__warningregistry__", "__test__", "__path__", "__file__"):
        getattr(shelf, name, None)

    assert runs() == 0


def test_modules_of_the_package_are_attributes_before_and_after(shelf):
    assert shelf.apart is sys.modules[f"{NAME}.apart"]
    assert runs() == 0

    shelf.Book
    del shelf.apart
    assert shelf.apart is sys.modules[f"{NAME}.apart"]


def test_spec_loader_and_source_are_the_files_own(shelf):
    assert type(shelf.__spec__.loader) is SourceFileLoader
    assert shelf.__loader__ is shelf.__spec__.loader
    assert shelf.__spec__._initializing is False
    assert inspect.getsource(shelf) == FILE
    assert (importlib.resources.files(NAME) / "light.py").is_file()
    assert {module.name for module in pkgutil.iter_modules(shelf.__path__)} == {"apart", "heavy", "light"}


def test_reload_runs_the_file(shelf):
    assert importlib.reload(shelf) is shelf

    assert runs() == 1
    assert vars(shelf)["Book"]


def test_patches_by_name_apply_and_are_undone(shelf):
    with mock.patch(f"{NAME}.heavy.Book", "patched"), mock.patch(f"{NAME}.page", "patched too"):
        assert (shelf.heavy.Book, shelf.page) == ("patched", "patched too")

    assert inspect.isclass(shelf.heavy.Book)
    assert shelf.page() == 1


def test_assigned_name_stays_assigned(shelf):
    shelf.extra = 1
    shelf.Book

    assert shelf.extra == 1


def test_file_that_fails_fails_where_its_name_is_used_and_is_tried_again(shelf, tmp_path):
    (tmp_path / NAME / "heavy.py").write_text("raise RuntimeError('no shelf')\n")
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no shelf"):
            shelf.Book

    (tmp_path / NAME / "heavy.py").write_text("class Book:\n    repaired = True\n")
    importlib.invalidate_caches()
    assert shelf.Book.repaired


def test_missing_library_of_a_module_is_not_taken_for_a_missing_module(shelf, tmp_path):
    (tmp_path / NAME / "apart.py").write_text("import not_installed_for_costrel\n")

    with pytest.raises(ModuleNotFoundError, match="not_installed_for_costrel"):
        shelf.apart


def test_threads_that_come_together_all_get_everything(shelf):
    start = threading.Barrier(8)
    found = []

    def use(number):
        start.wait()
        target = ("Book", "heavy", "page", "__version__")[number % 4]
        found.append(getattr(shelf, target))

    threads = [threading.Thread(target=use, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 8


def test_package_that_is_there_already_is_left_alone():
    before = sys.modules["importlib"]
    import_package("importlib")

    assert sys.modules["importlib"] is before


def test_finders_are_the_same_afterwards(shelf):
    before = list(sys.meta_path)
    del sys.modules[NAME]
    import_package(NAME)

    assert sys.meta_path == before


def test_package_that_cannot_be_found_is_said_to_be_missing():
    before = list(sys.meta_path)
    with pytest.raises(ModuleNotFoundError, match="not_installed_for_costrel"):
        import_package("not_installed_for_costrel")

    assert sys.meta_path == before


def test_package_that_another_tool_watches_is_imported_as_usual(shelf, monkeypatch):
    class Watched(SourceFileLoader):
        pass

    class Watcher:
        def find_spec(self, fullname, path=None, target=None):
            if fullname != NAME:
                return None
            return importlib.util.spec_from_file_location(
                fullname,
                shelf.__file__,
                loader=Watched(NAME, shelf.__file__),
                submodule_search_locations=shelf.__path__,
            )

    del sys.modules[NAME]
    monkeypatch.setattr(sys, "meta_path", [Watcher(), *sys.meta_path])
    import_package(NAME)

    assert runs() == 1
    assert type(sys.modules[NAME].__loader__) is Watched


@pytest.mark.parametrize(
    "code",
    [
        "import werkzeug; werkzeug.serving.run_simple; werkzeug.test.Client",
        "import werkzeug; assert werkzeug.run_simple is werkzeug.serving.run_simple",
        "import werkzeug.debug; werkzeug.debug.DebuggedApplication; werkzeug.Client",
        "from werkzeug import Request, Response, run_simple, Client; import costrel;"
        "assert issubclass(costrel.Request, Request)",
        "from werkzeug import *; Client, Request, Response, run_simple",
        "from werkzeug import serving, test, routing, middleware",
        "import werkzeug; assert not hasattr(werkzeug, 'nothing')",
        "import werkzeug, importlib; importlib.reload(werkzeug); werkzeug.Client",
        "import pickle; from werkzeug.datastructures import MultiDict; d = MultiDict({'a': '1'});"
        "assert pickle.loads(pickle.dumps(d)) == d",
        "from unittest import mock\nwith mock.patch('werkzeug.serving.run_simple') as run:\n"
        "    Costrel('x').run(load_dotenv=False)\nassert run.called",
        "from unittest import mock\nimport werkzeug\n"
        "with mock.patch('werkzeug.Client', 1): assert werkzeug.Client == 1\n"
        "assert werkzeug.Client is werkzeug.test.Client",
        "from importlib.metadata import version; version('werkzeug')",
        "Costrel('x').test_client().get('/')",
        "import threading, werkzeug\nnames = 'Client', 'serving', 'Request', 'run_simple', 'test', 'debug'\n"
        "threads = [threading.Thread(target=getattr, args=(werkzeug, name)) for name in names]\n"
        "threading.excepthook = lambda failed: __import__('os')._exit(1)\n"
        "for thread in threads: thread.start()\n"
        "for thread in threads: thread.join()",
    ],
)
def test_werkzeug_can_be_used_as_ever(code):
    run_python(f"from costrel import Costrel\n{code}")


def test_nothing_is_done_where_werkzeug_was_imported_before():
    run_python(
        "import sys, werkzeug; from costrel import Costrel;"
        "assert 'werkzeug.serving' in sys.modules and '__getattr__' not in vars(werkzeug)"
    )


def run_python(code):
    subprocess.run([sys.executable, "-W", "error", "-c", code], check=True)
