"""The request and the response that views see, under Flask's names.

The work is done by the classes in ``core``; here they learn of the
application: its configuration, its JSON and what its routing found out.
"""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any, cast

from werkzeug.exceptions import BadRequest, HTTPException, UnsupportedMediaType
from werkzeug.routing import Rule

from costrel import json
from costrel._current import current
from costrel._missing import MISSING
from costrel.core.event_stream import read_last_event_id
from costrel.core.form_limits import FormLimits
from costrel.core.lazy import lazy
from costrel.core.lazy_request import LazyRequest
from costrel.core.plain_response import PlainResponse

if TYPE_CHECKING:
    from costrel.core.multipart_parts import Parts

__all__ = ["Request", "Response"]


def _config(key: str, fallback: Any) -> Any:
    ctx = current.get(None)

    return fallback if ctx is None else ctx.app.config.get(key, fallback)


def _is_debug() -> bool:
    ctx = current.get(None)

    return ctx is not None and bool(ctx.app.debug)


class _Limit:
    """A limit that a request may set for itself; else the configuration has it."""

    def __init__(self, key: str, fallback: int | None, meaning: str) -> None:
        self.key = key
        self.fallback = fallback
        self.__doc__ = (
            f"{meaning} More is refused with 413.\n\n"
            f"The configuration has it as ``{key}``; a view may set another one for its request before it"
            " reads the body. ``None`` means that there is no limit."
        )

    def __set_name__(self, owner: type, name: str) -> None:
        self.slot = f"_{name}"

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        if instance is None:
            return self

        value = instance.__dict__.get(self.slot, MISSING)
        if value is not MISSING:
            return value
        ctx = current.get(None)

        return self.fallback if ctx is None else ctx.app.config.get(self.key, self.fallback)

    def __set__(self, instance: Any, value: int | None) -> None:
        instance.__dict__[self.slot] = value


class Request(LazyRequest):
    """The request of a view: Werkzeug's, with what routing found out.

    To use another class, set ``app.request_class`` to a subclass.

    Args:
        environ: The WSGI environment.
        populate_request: Store the request as ``environ["werkzeug.request"]``.
        shallow: Refuse to read the body, for code in front of the application.
    """

    json_module: Any = json

    url_rule: Rule | None = None
    """The rule that matched; its ``methods`` are those the URL takes."""

    view_args: dict[str, Any] | None = None
    """The view's arguments from the URL; ``None`` if nothing matched."""

    routing_exception: HTTPException | None = None
    """What will be raised because the URL did not match."""

    max_content_length: int | None = cast(
        "int | None", _Limit("MAX_CONTENT_LENGTH", None, "The longest body, in bytes.")
    )
    max_form_memory_size: int | None = cast(
        "int | None",
        _Limit("MAX_FORM_MEMORY_SIZE", 500_000, "The longest form field that is no file, in bytes."),
    )
    max_form_total_memory_size: int | None = cast(
        "int | None",
        _Limit("MAX_FORM_TOTAL_MEMORY_SIZE", 2_500_000, "All form fields that are no files, in bytes."),
    )
    max_form_parts: int | None = cast(  # type: ignore[assignment]  # Werkzeug infers int
        "int | None", _Limit("MAX_FORM_PARTS", 1_000, "The most fields and files in a form.")
    )

    # What routing found out.

    @property
    def endpoint(self) -> str | None:
        """The endpoint that matched; ``None`` before and without a match."""
        rule = self.url_rule

        return None if rule is None else rule.endpoint

    @property
    def blueprint(self) -> str | None:
        """The name the endpoint's blueprint is registered under, if it has one."""
        endpoint = self.endpoint
        if endpoint is None or "." not in endpoint:
            return None

        return endpoint.rpartition(".")[0]

    @property
    def blueprints(self) -> list[str]:
        """The blueprint's name and those it is nested in, innermost first.

        Example:
            >>> request = Request({})
            >>> request.url_rule = Rule("/", endpoint="admin.users.edit")
            >>> request.blueprints
            ['admin.users', 'admin']
        """
        name = self.blueprint or ""
        names = []
        while name:
            names.append(name)
            name = name.rpartition(".")[0]

        return names

    @lazy
    def trusted_hosts(self) -> list[str] | None:
        """Hosts to answer to, by default those of ``TRUSTED_HOSTS``."""
        return cast("list[str] | None", _config("TRUSTED_HOSTS", None))

    @property
    def last_event_id(self) -> str | None:
        """The id of the last event that a browser got before it connected again; see ``costrel.sse``.

        Example:
            >>> Request({"HTTP_LAST_EVENT_ID": "7"}).last_event_id
            '7'
        """
        return read_last_event_id(self.environ.get("HTTP_LAST_EVENT_ID"))

    def parts(self) -> Parts:
        """Return the parts of a multipart body, to be read as they come and without a temporary file.

        Iterate with ``for`` in a sync view and with ``async for`` in an async
        one, whose route is best given ``stream_body=True``: else the body is
        read in advance. The limits are those of forms.

        Raises:
            UnsupportedMediaType: If the body is no multipart form.
            BadRequest: If the content type does not say what parts it.
            RuntimeError: If ``form`` or ``files`` were asked for before.
        """
        parts: Parts | None = self.__dict__.get("_parts")
        if parts is not None:
            return parts
        if self.mimetype != "multipart/form-data":
            raise UnsupportedMediaType("This takes a form of type multipart/form-data.")
        if "form" in self.__dict__:
            raise RuntimeError("request.form or request.files has read the body that parts() would read")

        # For cost: only uploads need them.
        from costrel.core.body import Body, Meter
        from costrel.core.multipart import refuse_two_boundaries
        from costrel.core.multipart_parts import Parts

        refuse_two_boundaries(self.environ["CONTENT_TYPE"])
        data: bytes | None = self.__dict__.get("_cached_data")
        body: Any = self.stream if data is None else Body(BytesIO(data), Meter(len(data), None))
        limits = FormLimits(self.max_form_parts, self.max_form_memory_size, self.max_form_total_memory_size)
        boundary = self.mimetype_params.get("boundary", "")
        parts = self.__dict__["_parts"] = Parts(body, boundary.encode("utf-8", "surrogatepass"), limits)

        return parts

    def _load_form_data(self) -> None:
        if "form" in self.__dict__:
            return
        if "_parts" in self.__dict__:
            raise RuntimeError("request.parts() reads the body, so there is nothing left for form and files")

        super()._load_form_data()
        if _is_debug() and self.mimetype != "multipart/form-data" and not self.files:
            # Imported here for cost: only debug mode explains.
            from costrel.debughelpers import attach_enctype_error_multidict

            attach_enctype_error_multidict(self)

    def get_json(self, force: bool = False, silent: bool = False, cache: bool = True) -> Any:
        """Return the body as JSON.

        Args:
            force: Do so whatever the content type. A page of another site can
                then send the body in a plain form, without the browser asking.
            silent: Return ``None`` for another content type or malformed JSON.
            cache: Keep the result for later calls.

        Raises:
            UnsupportedMediaType: If the content type is not that of JSON.
            BadRequest: If the body is no JSON, or nested too deeply.
        """
        try:
            return super().get_json(force=force, silent=silent, cache=cache)
        except RecursionError:
            if silent:
                return None
            return self.on_json_loading_failed(ValueError("the document is nested too deeply"))

    def on_json_loading_failed(self, e: ValueError | None) -> Any:
        """Answer for a body that is no JSON; override it to do otherwise.

        Only in debug mode does the answer say what was wrong.

        Args:
            e: The decoder's error, ``None`` if the content type is not JSON's.
        """
        if e is None or _is_debug():
            return super().on_json_loading_failed(e)

        raise BadRequest() from e


class Response(PlainResponse):
    """The response of a view: Werkzeug's, of type ``text/html`` by default.

    To use another class, set ``app.response_class`` to a subclass.
    """

    default_mimetype: str | None = "text/html"
    json_module: Any = json
    autocorrect_location_header = False

    @property
    def max_cookie_size(self) -> int:  # type: ignore[override]  # Werkzeug has a plain attribute
        """A longer cookie header gives a warning; ``MAX_COOKIE_SIZE`` of the configuration."""
        return cast(int, _config("MAX_COOKIE_SIZE", 4_093))
