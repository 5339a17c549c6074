"""A guest book: one page, one form, one SQLite file."""

from costrel import Costrel
from guestbook import db, pages


def create_app(config=None):
    app = Costrel(__name__, instance_relative_config=True)
    app.config.from_mapping(DATABASE=f"{app.instance_path}/guestbook.sqlite")
    app.config.from_prefixed_env("GUESTBOOK")
    app.config.update(config or {})
    app.teardown_appcontext(db.close)
    app.register_blueprint(pages.blueprint)

    return app
