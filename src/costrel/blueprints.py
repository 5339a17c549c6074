"""Blueprints as applications use them: with static files, resources and commands."""

from __future__ import annotations

import os
from typing import IO, TYPE_CHECKING, Any, cast

from werkzeug.utils import cached_property

from costrel._current import require_context
from costrel.core.files import default_max_age, static_response
from costrel.sansio.blueprints import Blueprint as SansioBlueprint
from costrel.sansio.blueprints import BlueprintSetupState
from costrel.wrappers import Response

if TYPE_CHECKING:
    from costrel.cli.groups import AppGroup

__all__ = ["Blueprint", "BlueprintSetupState"]


class Blueprint(SansioBlueprint):
    """A set of routes, hooks and handlers to register on an application later.

    Example:
        >>> from costrel import Blueprint, Costrel
        >>> shop = Blueprint("shop", __name__, url_prefix="/shop")
        >>> @shop.get("/")
        ... def index():
        ...     return "open"
        >>> app = Costrel(__name__)
        >>> app.register_blueprint(shop)
        >>> app.test_client().get("/shop/").text
        'open'
    """

    @cached_property
    def cli(self) -> AppGroup:  # type: ignore[override]  # made when first asked for
        """The commands of this blueprint; they join the application's."""
        from costrel.cli.groups import AppGroup  # cost: click, 15 ms, only commands need it

        group = AppGroup()
        group.name = self.name

        return group

    def get_send_file_max_age(self, filename: str | None) -> int | None:
        """Return the seconds a browser may keep a file; ``None`` makes it ask each time."""
        return default_max_age(require_context("send_file()").app.config)

    def send_static_file(self, filename: str) -> Response:
        """Send a file of the static folder.

        Raises:
            RuntimeError: If the blueprint has no static folder.
        """
        if not self.has_static_folder:
            raise RuntimeError("'static_folder' must be set to serve static_files.")

        app = require_context("send_static_file()").app

        return cast(
            Response,
            static_response(
                app, cast(str, self.static_folder), filename, self.get_send_file_max_age(filename)
            ),
        )

    def open_resource(self, resource: str, mode: str = "rb", encoding: str | None = "utf-8") -> IO[Any]:
        """Open a file relative to the blueprint's folder for reading.

        Raises:
            ValueError: If the mode is not one for reading.
        """
        return open_relative(self.root_path, resource, mode, encoding)


def open_relative(root_path: str, resource: str, mode: str, encoding: str | None) -> IO[Any]:
    """Open a resource file for reading; ``encoding`` is for text modes only."""
    if mode not in {"r", "rt", "rb"}:
        raise ValueError("Resources can only be opened for reading.")

    path = os.path.join(root_path, resource)

    return open(path, mode) if mode == "rb" else open(path, mode, encoding=encoding)
