import pytest

from costrel.core import flags


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch):
    for name in ("DEBUG", "SKIP_DOTENV"):
        monkeypatch.delenv(f"FLASK_{name}", raising=False)
        monkeypatch.delenv(f"COSTREL_{name}", raising=False)


@pytest.mark.parametrize("prefix", ["FLASK", "COSTREL"])
@pytest.mark.parametrize(
    ("value", "expected"),
    [("", False), ("0", False), ("False", False), ("no", False), ("1", True), ("yes", True), ("x", True)],
)
def test_debug_flag_is_read_from_the_environment(monkeypatch, prefix, value, expected):
    assert flags.get_debug_flag() is False

    monkeypatch.setenv(f"{prefix}_DEBUG", value)

    assert flags.get_debug_flag() is expected


def test_costrels_own_flag_goes_before_flasks(monkeypatch):
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setenv("COSTREL_DEBUG", "0")

    assert flags.get_debug_flag() is False


@pytest.mark.parametrize("prefix", ["FLASK", "COSTREL"])
@pytest.mark.parametrize(
    ("value", "expected"), [("", True), ("0", True), ("no", True), ("1", False), ("x", False)]
)
def test_dotenv_files_are_loaded_unless_skipped(monkeypatch, prefix, value, expected):
    assert flags.get_load_dotenv() is True
    assert flags.get_load_dotenv(default=False) is False

    monkeypatch.setenv(f"{prefix}_SKIP_DOTENV", value)

    assert flags.get_load_dotenv() is expected
