"""Falcon's ASGI application, with the JSON of the standard library as it comes."""

from __future__ import annotations

import types

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "falcon", "falcon.asgi"
UNSUPPORTED = {"session": "Falcon has no sessions"}
HTML = "text/html; charset=utf-8"


def make_app(variant):
    import falcon
    import falcon.asgi

    app = falcon.asgi.App(middleware=[Middleware()] if variant == "hooks" else None)
    multipart = falcon.media.MultipartFormHandler()
    multipart.parse_options.max_body_part_buffer_size = 4 * 1024 * 1024
    app.req_options.media_handlers[falcon.MEDIA_MULTIPART] = multipart
    _add_views(app)
    if variant == "hooks":
        app.add_route("/hooks", _resource(get=hooks))
    if variant == "routes":
        _add_routes(app)

    return app


def _resource(*, get=None, post=None):
    methods = {"on_get": get, "on_post": post}
    return types.SimpleNamespace(**{name: view for name, view in methods.items() if view})


class Middleware:
    async def process_request(self, req, resp):
        req.context.user = req.get_header("X-User")

    async def process_response(self, req, resp, resource, ok):
        resp.set_header("X-Request-Id", "abc")


async def hooks(req, resp):
    resp.content_type = HTML
    resp.text = f"user={req.context.user}"


async def upload(req, resp):
    size = 0
    async for part in await req.get_media():
        if part.name == "file":
            size = len(await part.stream.read())
    resp.content_type = HTML
    resp.text = str(size)


def _add_views(app):
    async def plain(req, resp):
        resp.content_type = "text/plain; charset=utf-8"
        resp.text = c.TEXT

    async def small(req, resp):
        resp.media = c.SMALL

    async def param(req, resp, id, slug):
        resp.media = {"id": id, "slug": slug}

    async def form(req, resp):
        resp.content_type = HTML
        resp.text = (await req.get_media())["field5"]

    async def jsonpost(req, resp):
        resp.media = await req.get_media()

    async def template(req, resp):
        resp.content_type = HTML
        resp.text = c.jinja_render("table.html", heading="Orders", rows=c.ROWS)

    async def big(req, resp):
        resp.media = c.BIG

    app.add_route("/", _resource(get=plain))
    app.add_route("/json", _resource(get=small))
    app.add_route("/users/{id:int}/posts/{slug}", _resource(get=param))
    app.add_route("/form", _resource(post=form))
    app.add_route("/jsonpost", _resource(post=jsonpost))
    app.add_route("/template", _resource(get=template))
    app.add_route("/upload", _resource(post=upload))
    app.add_route("/bigjson", _resource(get=big))
    app.add_static_route("/static", c.STATIC_DIR)


def _add_routes(app):
    for name in c.RESOURCES:

        async def item(req, resp, id, name=name):
            resp.media = {"res": name, "id": id}

        async def sub(req, resp, id, slug, name=name):
            resp.media = {"res": name, "id": id, "slug": slug}

        app.add_route(f"/api/v1/{name}/{{id:int}}", _resource(get=item))
        app.add_route(f"/api/v1/{name}/{{id:int}}/sub", _resource(get=item))
        app.add_route(f"/api/v1/{name}/{{id:int}}/sub/{{slug}}", _resource(get=sub))
