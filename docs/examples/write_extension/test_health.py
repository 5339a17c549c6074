"""The extension in an application, over both protocols, and set up wrongly."""

import sys
from pathlib import Path

import pytest

from costrel import Costrel
from costrel.core.checks.whole import check_application
from costrel.errors import ConfigError


@pytest.fixture
def shop(monkeypatch):
    monkeypatch.syspath_prepend(Path(__file__).parent)
    import shop

    yield shop
    for name in ("shop", "health", "health_commands"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize("protocol", ["wsgi", "asgi"])
def test_application_is_well_until_a_probe_fails(shop, protocol):
    client = shop.create_app().test_client(protocol=protocol)

    assert client.get("/health").json == {"healthy": True}
    shop.stock.clear()
    assert client.get("/health").status_code == 503


def test_options_come_from_the_configuration(shop):
    client = shop.create_app(HEALTH_PATH="/up", HEALTH_NAMES_PROBES="on").test_client()
    shop.stock.clear()

    assert client.get("/up").json == {"healthy": False, "failing": ["stock_is_known"]}


def test_mistaken_key_is_refused(shop):
    with pytest.raises(ConfigError, match="Did you mean HEALTH_PATH"):
        shop.create_app(HEALTH_PAHT="/up")


def test_command_tells_what_fails(shop):
    runner = shop.create_app().test_cli_runner()
    shop.stock.clear()

    result = runner.invoke(args=["health"])

    assert (result.output, result.exit_code) == ("stock_is_known: LookupError('the stock is empty')\n", 1)


def test_application_without_probes_is_found(shop):
    app = Costrel("other")
    type(shop.health)(app)

    assert "health.W001" in [finding.id for finding in check_application(app)[0]]
