"""BlackSheep, whose inside is compiled."""

from __future__ import annotations

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "blacksheep", "blacksheep"
UNSUPPORTED = {}


def make_app(variant):
    from blacksheep import Application

    app = Application(show_error_details=False)
    _add_views(app)
    _add_bodies(app)
    app.serve_files(c.STATIC_DIR, root_path="static", extensions={".txt"})
    if variant == "hooks":
        _add_hooks(app)
    if variant == "session":
        _add_session(app)
    if variant == "routes":
        _add_routes(app)
    if variant == "live":
        _add_live(app)

    return app


def _add_views(app):
    from blacksheep import html, json, text

    @app.router.get("/")
    async def plain():
        return text(c.TEXT)

    @app.router.get("/json")
    async def small():
        return json(c.SMALL)

    @app.router.get("/users/{int:id}/posts/{slug}")
    async def param(id: int, slug: str):
        return json({"id": id, "slug": slug})

    @app.router.get("/template")
    async def template():
        return html(c.jinja_render("table.html", heading="Orders", rows=c.ROWS))

    @app.router.get("/bigjson")
    async def big():
        return json(c.BIG)


def _add_bodies(app):
    from blacksheep import html, json

    @app.router.post("/form")
    async def form(request):
        return html((await request.form())["field5"])

    @app.router.post("/jsonpost")
    async def jsonpost(request):
        return json(await request.json())

    @app.router.post("/upload")
    async def upload(request):
        part = (await request.files("file"))[0]
        data = part.data if isinstance(getattr(part, "data", None), (bytes, bytearray)) else part.file.read()
        return html(str(len(data)))


def _add_hooks(app):
    from blacksheep import html

    async def middleware(request, handler):
        request.seen_user = (request.get_first_header(b"X-User") or b"").decode()
        response = await handler(request)
        response.headers[b"X-Request-Id"] = b"abc"
        return response

    app.middlewares.append(middleware)

    @app.router.get("/hooks")
    async def hooks(request):
        return html(f"user={request.seen_user}")


def _add_session(app):
    from blacksheep import html

    app.use_sessions(c.SECRET)

    @app.router.get("/session")
    async def session(request):
        n = request.session.get("n", 0) + 1
        request.session["n"] = n
        return html(f"n={n}")


def _add_routes(app):
    from blacksheep import json

    def add(name):
        async def item(id: int):
            return json({"res": name, "id": id})

        async def sub(id: int, slug: str):
            return json({"res": name, "id": id, "slug": slug})

        app.router.get(f"/api/v1/{name}/{{int:id}}")(item)
        app.router.get(f"/api/v1/{name}/{{int:id}}/sub")(item)
        app.router.get(f"/api/v1/{name}/{{int:id}}/sub/{{slug}}")(sub)

    for name in c.RESOURCES:
        add(name)


def _add_live(app):
    from blacksheep import Content, Response, StreamedContent, WebSocketDisconnectError, text

    from apps import feed

    @app.router.ws("/ws")
    async def echo(websocket):
        await websocket.accept()
        try:
            while True:
                await websocket.send_text(await websocket.receive_text())
        except WebSocketDisconnectError:
            pass

    @app.router.get("/events")
    async def events():
        async def stream():
            async for number in feed.subscribe():
                yield f"id: {number}\ndata: {feed.text(number)}\n\n".encode()

        return Response(200, [(b"Cache-Control", b"no-cache")], StreamedContent(b"text/event-stream", stream))

    @app.router.post("/publish")
    async def publish(request):
        await feed.publish(int(await request.text()))
        return Response(200, content=Content(b"text/plain", b"published"))

    @app.router.get("/subscribers")
    async def subscribers():
        return text(str(feed.subscribers()))
