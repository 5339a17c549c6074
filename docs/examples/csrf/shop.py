"""A cart that only pages of this shop can fill."""

import hmac

from costrel import Costrel, abort, redirect, render_template, request, session, url_for
from costrel.ext.csrf import CSRFError, CSRFProtect

csrf = CSRFProtect()


def create_app(**config):
    app = Costrel(__name__)
    app.config.from_prefixed_env()
    app.config.update(config)
    csrf.init_app(app)

    @app.get("/")
    def cart():
        return render_template("cart.html", items=session.get("items", []))

    @app.post("/items")
    async def add():
        item = request.get_json()["item"] if request.is_json else request.form["item"]
        session["items"] = [*session.get("items", []), item]
        if request.is_json:
            return {"items": session["items"]}
        if "HX-Request" in request.headers:
            return render_template("items.html", items=session["items"])
        return redirect(url_for("cart"))

    @app.post("/photos", stream_body=True)
    async def photo():
        size = 0
        async for part in request.parts():
            async for piece in part:
                size += len(piece)
        return {"bytes": size}

    @app.post("/paid")
    @csrf.exempt
    def paid():
        # The bank has no session here; it proves by a signature who it is.
        signature = hmac.new(app.config["BANK_KEY"].encode(), request.get_data(), "sha256")
        if not hmac.compare_digest(signature.hexdigest(), request.headers.get("X-Signature", "")):
            abort(403)
        return "thank you"

    @app.errorhandler(CSRFError)
    def refused(error):
        if request.accept_mimetypes.best == "application/json":
            return error
        return render_template("refused.html", reason=error.reason), 400

    return app
