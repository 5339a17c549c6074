"""Starlette, with ``async def`` views and hooks as pure ASGI middleware, its fastest form."""

from __future__ import annotations

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "starlette", "starlette.applications"
UNSUPPORTED = {}


class Hooks:
    """Notes who asks on the way in, adds a header on the way out."""

    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        from starlette.datastructures import Headers, MutableHeaders

        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        scope.setdefault("state", {})["user"] = Headers(scope=scope).get("x-user")

        async def send_with_header(message):
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message)["X-Request-Id"] = "abc"
            await send(message)

        await self.app(scope, receive, send_with_header)


def make_app(variant):
    from starlette.applications import Starlette
    from starlette.middleware import Middleware
    from starlette.middleware.sessions import SessionMiddleware

    routes, middleware = _routes(), []
    if variant == "hooks":
        middleware = [Middleware(Hooks)]
    if variant == "session":
        middleware = [Middleware(SessionMiddleware, secret_key=c.SECRET)]
    if variant == "routes":
        routes += _many_routes()
    if variant == "live":
        routes += _live_routes()

    return Starlette(routes=routes, middleware=middleware)


def _routes():
    from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse
    from starlette.routing import Mount, Route
    from starlette.staticfiles import StaticFiles
    from starlette.templating import Jinja2Templates

    templates = Jinja2Templates(directory=c.TEMPLATE_DIR)

    async def plain(request):
        return PlainTextResponse(c.TEXT)

    async def small(request):
        return JSONResponse(c.SMALL)

    async def param(request):
        found = request.path_params
        return JSONResponse({"id": found["id"], "slug": found["slug"]})

    async def form(request):
        return HTMLResponse((await request.form())["field5"])

    async def jsonpost(request):
        return JSONResponse(await request.json())

    async def template(request):
        return templates.TemplateResponse(request, "table.html", {"heading": "Orders", "rows": c.ROWS})

    async def upload(request):
        async with request.form() as found:
            return HTMLResponse(str(len(await found["file"].read())))

    async def big(request):
        return JSONResponse(c.BIG)

    async def hooks(request):
        return HTMLResponse(f"user={request.state.user}")

    async def session(request):
        n = request.session.get("n", 0) + 1
        request.session["n"] = n
        return HTMLResponse(f"n={n}")

    return [
        Route("/", plain),
        Route("/json", small),
        Route("/users/{id:int}/posts/{slug}", param),
        Route("/form", form, methods=["POST"]),
        Route("/jsonpost", jsonpost, methods=["POST"]),
        Route("/template", template),
        Route("/upload", upload, methods=["POST"]),
        Route("/bigjson", big),
        Mount("/static", StaticFiles(directory=c.STATIC_DIR)),
        Route("/hooks", hooks),
        Route("/session", session),
    ]


def _many_routes():
    from starlette.responses import JSONResponse
    from starlette.routing import Route

    routes = []
    for name in c.RESOURCES:

        async def item(request, name=name):
            return JSONResponse({"res": name, "id": request.path_params["id"]})

        async def sub(request, name=name):
            found = request.path_params
            return JSONResponse({"res": name, "id": found["id"], "slug": found["slug"]})

        routes += [
            Route(f"/api/v1/{name}/{{id:int}}", item),
            Route(f"/api/v1/{name}/{{id:int}}/sub", item),
            Route(f"/api/v1/{name}/{{id:int}}/sub/{{slug}}", sub),
        ]

    return routes


def _live_routes():
    from starlette.responses import PlainTextResponse, StreamingResponse
    from starlette.routing import Route, WebSocketRoute

    from apps import feed

    async def echo(websocket):
        await websocket.accept()
        async for message in websocket.iter_text():
            await websocket.send_text(message)

    async def events(request):
        async def stream():
            async for number in feed.subscribe():
                yield f"id: {number}\ndata: {feed.text(number)}\n\n"

        headers = {"Cache-Control": "no-cache"}
        return StreamingResponse(stream(), media_type="text/event-stream", headers=headers)

    async def publish(request):
        await feed.publish(int(await request.body()))
        return PlainTextResponse("published")

    async def subscribers(request):
        return PlainTextResponse(str(feed.subscribers()))

    return [
        WebSocketRoute("/ws", echo),
        Route("/events", events),
        Route("/publish", publish, methods=["POST"]),
        Route("/subscribers", subscribers),
    ]
