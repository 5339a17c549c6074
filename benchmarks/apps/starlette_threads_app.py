"""Starlette with sync views, which it runs in worker threads: those of the workloads that hop once."""

from __future__ import annotations

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "starlette", "starlette.applications"
BODIES = ("form", "jsonpost", "upload")  # a sync view of Starlette's cannot read a body
UNSUPPORTED = dict.fromkeys([*BODIES, "session", "hooks"], "not with a sync view")


def make_app(variant):
    from starlette.applications import Starlette
    from starlette.responses import JSONResponse, PlainTextResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles
    from starlette.templating import Jinja2Templates

    templates = Jinja2Templates(directory=c.TEMPLATE_DIR)

    def plain(request):
        return PlainTextResponse(c.TEXT)

    def small(request):
        return JSONResponse(c.SMALL)

    def param(request):
        found = request.path_params
        return JSONResponse({"id": found["id"], "slug": found["slug"]})

    def template(request):
        return templates.TemplateResponse(request, "table.html", {"heading": "Orders", "rows": c.ROWS})

    def big(request):
        return JSONResponse(c.BIG)

    return Starlette(
        routes=[
            Route("/", plain),
            Route("/json", small),
            Route("/users/{id:int}/posts/{slug}", param),
            Route("/template", template),
            Route("/bigjson", big),
            Mount("/static", StaticFiles(directory=c.STATIC_DIR)),
        ]
    )
