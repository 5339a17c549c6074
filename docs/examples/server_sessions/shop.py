import os

from costrel import Costrel, abort, redirect, request, session, url_for
from costrel.ext.session import Session

sessions = Session()


def create_app(**settings):
    app = Costrel(__name__)
    app.config["SESSION_TYPE"] = "redis" if "REDIS_URL" in os.environ else "sqlite"
    app.config["SESSION_REDIS"] = os.environ.get("REDIS_URL")
    app.config["SESSION_TRACK_CLIENTS"] = True
    app.config.update(settings)
    sessions.init_app(app)

    @app.post("/login")
    def login():
        user = request.form["name"]  # stands for a check of the password
        session.rotate()
        session["_user_id"] = user
        return redirect(url_for("devices"))

    @app.get("/devices")
    def devices():
        infos = sessions.list_user(current_user_id())
        return [{"id": info.id, "device": info.agent, "this": info.is_current} for info in infos]

    @app.post("/devices/<id>/end")
    def end(id):
        if not sessions.delete(current_user_id(), id):
            abort(404)
        return redirect(url_for("devices"))

    @app.post("/password")
    def change_password():
        sessions.delete_user(current_user_id(), keep_current=True)
        session.rotate()
        return "Changed, and logged out everywhere else."

    @app.post("/likes")
    async def like():
        await sessions.achange(count_like)
        return {"likes": session["likes"]}

    return app


def current_user_id():
    return session.get("_user_id") or abort(401)


def count_like(stored):
    stored["likes"] = stored.get("likes", 0) + 1
