"""An application that uses it."""

from health import Health

from costrel import Costrel

health = Health()
stock = {"lamp": 3}


@health.probe
def stock_is_known() -> None:
    """Fail while nothing can be sold."""
    if not stock:
        raise LookupError("the stock is empty")


def create_app(**config: object) -> Costrel:
    """Make the application."""
    app = Costrel(__name__)
    app.config.from_mapping(config)
    health.init_app(app)
    return app
