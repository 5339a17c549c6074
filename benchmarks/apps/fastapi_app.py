"""FastAPI, with types at the parameters as its users write them."""

# No `from __future__ import annotations` here: it reads annotations of functions inside functions.
from typing import Annotated, Any

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "fastapi", "fastapi"
UNSUPPORTED = {}


def make_app(variant):
    from fastapi import FastAPI
    from fastapi.staticfiles import StaticFiles

    app = FastAPI()
    _add_views(app)
    _add_bodies(app)
    app.mount("/static", StaticFiles(directory=c.STATIC_DIR))
    if variant == "hooks":
        _add_hooks(app)
    if variant == "session":
        _add_session(app)
    if variant == "routes":
        for name in c.RESOURCES:
            _add_resource(app, name)

    return app


def _add_views(app):
    from fastapi import Request
    from fastapi.responses import PlainTextResponse
    from fastapi.templating import Jinja2Templates

    templates = Jinja2Templates(directory=c.TEMPLATE_DIR)

    @app.get("/", response_class=PlainTextResponse)
    async def plain():
        return c.TEXT

    @app.get("/json")
    async def small():
        return c.SMALL

    @app.get("/users/{id}/posts/{slug}")
    async def param(id: int, slug: str):
        return {"id": id, "slug": slug}

    @app.get("/template")
    async def template(request: Request):
        return templates.TemplateResponse(request, "table.html", {"heading": "Orders", "rows": c.ROWS})

    @app.get("/bigjson")
    async def big():
        return c.BIG


def _add_bodies(app):
    from fastapi import Body, Form, UploadFile
    from fastapi.responses import HTMLResponse

    @app.post("/form", response_class=HTMLResponse)
    async def form(field5: Annotated[str, Form()]):
        return field5

    @app.post("/jsonpost")
    async def jsonpost(data: Annotated[dict[str, Any], Body()]):
        return data

    @app.post("/upload", response_class=HTMLResponse)
    async def upload(file: UploadFile):
        return str(len(await file.read()))


def _add_hooks(app):
    from fastapi import Request
    from fastapi.responses import HTMLResponse

    from apps.starlette_app import Hooks

    app.add_middleware(Hooks)

    @app.get("/hooks", response_class=HTMLResponse)
    async def hooks(request: Request):
        return f"user={request.state.user}"


def _add_session(app):
    from fastapi import Request
    from fastapi.responses import HTMLResponse
    from starlette.middleware.sessions import SessionMiddleware

    app.add_middleware(SessionMiddleware, secret_key=c.SECRET)

    @app.get("/session", response_class=HTMLResponse)
    async def session(request: Request):
        n = request.session.get("n", 0) + 1
        request.session["n"] = n
        return f"n={n}"


def _add_resource(app, name):
    async def item(id: int):
        return {"res": name, "id": id}

    async def sub(id: int, slug: str):
        return {"res": name, "id": id, "slug": slug}

    app.add_api_route(f"/api/v1/{name}/{{id}}", item)
    app.add_api_route(f"/api/v1/{name}/{{id}}/sub", item)
    app.add_api_route(f"/api/v1/{name}/{{id}}/sub/{{slug}}", sub)
