"""Litestar, with its own JSON (msgspec) as it comes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from apps import common as c

PROTOCOL = "asgi"
PACKAGE, IMPORT = "litestar", "litestar"
UNSUPPORTED = {"session": "Litestar's cookie session encrypts, which is other work"}


def make_app(variant):
    from litestar import Litestar
    from litestar.plugins.jinja import JinjaTemplateEngine
    from litestar.static_files import create_static_files_router
    from litestar.template import TemplateConfig

    handlers, hooks = [*_views(), *_bodies()], {}
    handlers.append(create_static_files_router(path="/static", directories=[c.STATIC_DIR]))
    if variant == "hooks":
        handler, hooks = _hooks()
        handlers.append(handler)
    if variant == "routes":
        handlers += [handler for name in c.RESOURCES for handler in _resource(name)]

    return Litestar(
        handlers,
        openapi_config=None,
        logging_config=None,
        request_max_body_size=None,
        template_config=TemplateConfig(directory=c.TEMPLATE_DIR, engine=JinjaTemplateEngine),
        **hooks,
    )


def _views():
    from litestar import MediaType, get
    from litestar.response import Template

    @get("/", media_type=MediaType.TEXT)
    async def plain() -> str:
        return c.TEXT

    @get("/json")
    async def small() -> dict[str, Any]:
        return c.SMALL

    @get("/users/{id:int}/posts/{slug:str}")
    async def param(id: int, slug: str) -> dict[str, Any]:
        return {"id": id, "slug": slug}

    @get("/template", signature_namespace={"Template": Template})
    async def template() -> Template:
        return Template("table.html", context={"heading": "Orders", "rows": c.ROWS})

    @get("/bigjson")
    async def big() -> dict[str, Any]:
        return c.BIG

    return plain, small, param, template, big


def _bodies():
    from litestar import MediaType, post
    from litestar.datastructures import UploadFile
    from litestar.enums import RequestEncodingType
    from litestar.params import Body

    urlencoded = Body(media_type=RequestEncodingType.URL_ENCODED)
    multipart = Body(media_type=RequestEncodingType.MULTI_PART)
    names = {"urlencoded": urlencoded, "multipart": multipart}

    @dataclass
    class Upload:
        title: str
        file: UploadFile

    Upload.__annotations__ = {"title": str, "file": UploadFile}  # of this function: not found by their names
    names["Upload"] = Upload

    @post("/form", status_code=200, media_type=MediaType.HTML, signature_namespace=names)
    async def form(data: Annotated[dict[str, str], urlencoded]) -> str:
        return data["field5"]

    @post("/jsonpost", status_code=200)
    async def jsonpost(data: dict[str, Any]) -> dict[str, Any]:
        return data

    @post("/upload", status_code=200, media_type=MediaType.HTML, signature_namespace=names)
    async def upload(data: Annotated[Upload, multipart]) -> str:
        return str(len(await data.file.read()))

    return form, jsonpost, upload


def _hooks():
    from litestar import MediaType, Request, Response, get

    names = {"Request": Request, "Response": Response}

    async def before(request: Request) -> None:
        request.state.user = request.headers.get("X-User")

    async def after(response: Response) -> Response:
        response.headers["X-Request-Id"] = "abc"
        return response

    @get("/hooks", media_type=MediaType.HTML, signature_namespace=names)
    async def hooks(request: Request) -> str:
        return f"user={request.state.user}"

    return hooks, {"before_request": before, "after_request": after}


def _resource(name):
    from litestar import get

    @get([f"/api/v1/{name}/{{id:int}}", f"/api/v1/{name}/{{id:int}}/sub"])
    async def item(id: int) -> dict[str, Any]:
        return {"res": name, "id": id}

    @get(f"/api/v1/{name}/{{id:int}}/sub/{{slug:str}}")
    async def sub(id: int, slug: str) -> dict[str, Any]:
        return {"res": name, "id": id, "slug": slug}

    return item, sub
