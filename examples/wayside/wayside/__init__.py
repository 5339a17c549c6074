"""Wayside, a walking journal shared by a few friends: the application factory.

Puts the parts together and knows nothing of what they do.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from costrel import Costrel

from . import commands, db, errors, identity, live, presentation, secret
from .converters import RowId
from .views import account, api, auth, bench, comments, desk, feed, pictures, walks


def create_app(test_config: Mapping[str, Any] | None = None) -> Costrel:
    """Build the application.

    Configuration comes from the defaults below, then ``instance/config.py``,
    then environment variables such as ``WAYSIDE_DATABASE``.

    Args:
        test_config: Settings that replace the file and the environment.
    """
    app = Costrel(__name__, instance_relative_config=True)
    app.config.from_mapping(
        SECRET_KEY=None,
        DATABASE=os.path.join(app.instance_path, "wayside.sqlite3"),
        PICTURES=os.path.join(app.instance_path, "pictures"),
        SAMPLE_DATA=True,
        REGISTRATION_OPEN=True,
        WALKS_PER_PAGE=7,
        PICTURE_MAX_BYTES=4 * 1024 * 1024,
        # Room for one picture and the text around it; anything larger is a 413.
        MAX_CONTENT_LENGTH=5 * 1024 * 1024,
        PASSWORD_METHOD="scrypt",
        REDIS_URL=None,
        # Pending migrations: they are run at the first request.
        SILENCED_CHECKS=["migrate.W001"],
        LIVE_SEATS=6,
        FEED_SECONDS=180,
        FEED_LOOK_SECONDS=1,
        # A line and what is around it; the page says every half minute that it is there.
        WEBSOCKET_MAX_MESSAGE_SIZE=4 * 1024,
        WEBSOCKET_IDLE_TIMEOUT=120,
    )
    if test_config is None:
        app.config.from_pyfile("config.py", silent=True)
        app.config.from_prefixed_env("WAYSIDE")
    else:
        app.config.from_mapping(test_config)
    if not app.config["SECRET_KEY"]:
        app.config["SECRET_KEY"] = secret.read_or_create(app.instance_path)

    app.url_map.converters["id"] = RowId
    for part in (db, identity, live, presentation, errors, commands):
        part.init_app(app)
    for views in (walks, comments, pictures, auth, account, desk, api, bench, feed):
        app.register_blueprint(views.bp)

    return app
