"""How an application finds the rule of a request, and builds URLs."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any, cast

from werkzeug.datastructures import HeaderSet
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound
from werkzeug.routing import BuildError, MapAdapter, RequestRedirect
from werkzeug.wsgi import get_host

from costrel._current import current, require_request
from costrel._missing import MISSING
from costrel.core.app_methods import own_method
from costrel.core.base_url import read_base_url
from costrel.core.checks.finding import HOSTS_NOT_SETTLED
from costrel.core.hosts import check_host
from costrel.core.plain_response import quick_reply
from costrel.core.startup import is_loopback
from costrel.routing import Map, decode_path
from costrel.sansio.app import App
from costrel.wrappers import Response

if TYPE_CHECKING:
    from costrel.ctx import RequestContext
    from costrel.wrappers import Request

__all__ = ["Routed"]


class Routed(App):
    """Routing and URLs of an application."""

    _table: Any = None
    """The routing table, where it alone can answer."""

    _host_was_looked_at: bool = False
    """Whether ``_look_at_host`` has nothing more to say."""

    def _find_table(self) -> None:
        """Keep the routing table at hand, unless the host of a request matters to routing."""
        url_map = self.__dict__.get("url_map")
        usable = isinstance(url_map, Map) and not self.__dict__.get("subdomain_matching")
        object.__setattr__(self, "_table", cast(Map, url_map).table if usable else None)

    def create_url_adapter(self, request: Request | None) -> MapAdapter | None:
        """Create Werkzeug's adapter for a request; without one for ``BASE_URL``, or for ``SERVER_NAME``.

        Raises:
            ConfigError: If ``BASE_URL`` is no address.
            SecurityError: If the request's host is not one of ``TRUSTED_HOSTS``.
        """
        config = self.config
        if request is not None:
            trusted = config["TRUSTED_HOSTS"]
            if trusted is not None:
                request.trusted_hosts = trusted
            request.host = get_host(request.environ, request.trusted_hosts)  # raises for a host that is not
            server_name, subdomain = config["SERVER_NAME"], None
            if self.url_map.host_matching:
                server_name = None
            elif not self.subdomain_matching:
                subdomain = self.url_map.default_subdomain or ""
            elif server_name is not None:
                expected = _as_host(server_name, request.scheme)
                if not _is_below(request.host, expected):
                    self._warn_of_other_name(request.host.lower(), expected)
                    subdomain = "<invalid>"  # what Werkzeug takes for it: no rule matches
            adapter = self.url_map.bind_to_environ(
                request.environ, server_name=server_name, subdomain=subdomain
            )
            return cast(MapAdapter, adapter)

        if config.get("BASE_URL") is not None:
            base = read_base_url(config["BASE_URL"])
            return cast(MapAdapter, self.url_map.bind(base.host, base.root, url_scheme=base.scheme))
        if config["SERVER_NAME"] is not None:
            adapter = self.url_map.bind(
                config["SERVER_NAME"],
                script_name=config["APPLICATION_ROOT"],
                url_scheme=config["PREFERRED_URL_SCHEME"],
            )
            return cast(MapAdapter, adapter)

        return None

    def _warn_of_other_name(self, host: str, server_name: str) -> None:
        # Named as Flask's module, because its users filter the warning so.
        warnings.warn_explicit(
            f"Current server name {host!r} doesn't match configured server name {server_name!r}",
            UserWarning,
            filename=__file__,
            lineno=0,
            module="flask.app" if self._flask_defaults else "costrel.app",
        )

    def _route(self, ctx: RequestContext) -> None:
        """Find the rule of a request, or the error that says why there is none.

        The compiled table answers the usual request; Werkzeug's adapter what
        the table leaves open.
        """
        environ = ctx.environ
        table = self._table_for(ctx)
        if table is not None:
            try:
                check_host(environ, self.config["TRUSTED_HOSTS"])
            except HTTPException as error:
                self._note_route(ctx, None, error)
                return
            method, path = environ["REQUEST_METHOD"], decode_path(environ)
            match = table.match(method, path)
            if match is not None:
                self._note_route(ctx, match, None)
                return
            if table.lacks(path):
                self._note_route(ctx, None, NotFound())
                return
            methods = table.allowed(method, path)
            if methods is not None:
                self._note_route(ctx, None, MethodNotAllowed(valid_methods=methods))
                return

        adapter = ctx.url_adapter
        if adapter is None:
            return

        try:
            self._note_route(ctx, adapter.match(return_rule=True), None)
        except HTTPException as error:
            if isinstance(error, RequestRedirect) and self.config.get("RELATIVE_REDIRECTS"):
                error.new_url = _relative_to(error.new_url, ctx.request.host_url)
            if isinstance(error, MethodNotAllowed) and error.valid_methods is not None:
                error.valid_methods = sorted(error.valid_methods)
            self._note_route(ctx, None, error)

    def _table_for(self, ctx: RequestContext) -> Any:
        """Return the routing table, if nothing else has a say in where a request goes."""
        is_usual = ctx._url_adapter is MISSING and "HTTP_UPGRADE" not in ctx.environ

        return self._table if is_usual and own_method(self, "create_url_adapter") is None else None

    def _note_route(self, ctx: RequestContext, match: Any, error: HTTPException | None) -> None:
        """Keep what routing found, on the context and on the request if there is one already."""
        request = ctx._request
        if error is not None:
            ctx._routing_error = error
            if request is not None:
                request.routing_exception = error
        else:
            ctx._match = match
            if request is not None:
                request.url_rule, request.view_args = match

    def make_default_options_response(self, ctx: Any = None) -> Response:
        """Make the answer to ``OPTIONS`` that lists the methods."""
        scope = ctx or cast(Any, require_request("make_default_options_response()"))._request_scope
        table = self._table_for(scope)
        methods = (
            None if table is None else table.allowed("--", decode_path(scope.environ))
        )  # none takes that
        if methods is None:
            methods = sorted(scope.url_adapter.allowed_methods())
        # PERF: a body that is there, if empty, is sent by the short way.
        kind = self.response_class
        response = cast("Response", quick_reply(kind, "") if kind is Response else kind())
        response.headers["Allow"] = HeaderSet(methods).to_header()

        return response

    def url_for(
        self,
        /,
        endpoint: str,
        *,
        _anchor: str | None = None,
        _method: str | None = None,
        _scheme: str | None = None,
        _external: bool | None = None,
        **values: Any,
    ) -> str:
        """Build the URL of an endpoint.

        Args:
            endpoint: Its name; a leading dot means the request's blueprint.
            _anchor: Appended as ``#anchor``.
            _method: Prefer the rule for this method.
            _scheme: Scheme of an external URL.
            _external: Whole URL with scheme and host. Default: only outside
                of a request.
            **values: For the variables of the rule; the rest becomes the query.

        Raises:
            RuntimeError: Outside of a request without ``BASE_URL`` or ``SERVER_NAME``.
            BuildError: If no rule takes these values.
        """
        ctx: Any = current.get(None)
        scope = None if ctx is None else ctx._request_scope
        if scope is not None and endpoint[:1] == ".":
            blueprint = scope.request.blueprint
            endpoint = f"{blueprint}{endpoint}" if blueprint is not None else endpoint[1:]
        if _external is None:
            _external = _scheme is not None or scope is None
        if _scheme is not None and not _external:
            raise ValueError("When specifying '_scheme', '_external' must be True.")

        url: str | None
        if scope is not None and not _external:
            self.inject_url_defaults(endpoint, values)
            url = self._path_for(scope, endpoint, values, _method)
            if url is not None:
                return url if _anchor is None else url + self._url_suffix(_anchor)
            adapter = scope.url_adapter
            if adapter is None:  # the request's host was refused; a path needs none
                name, root = self.config["SERVER_NAME"] or "", scope.environ.get("SCRIPT_NAME") or "/"
                adapter = self.url_map.bind(name, root, "")
        else:
            adapter = self._adapter_for(ctx, scope)
            self.inject_url_defaults(endpoint, values)

        try:
            built: str = adapter.build(
                endpoint, values, method=_method, url_scheme=_scheme, force_external=_external
            )
        except BuildError as error:
            values.update(_anchor=_anchor, _method=_method, _scheme=_scheme, _external=_external)
            from costrel.routing.suggest import ExplainedBuildError  # for cost: 1 ms

            explained = ExplainedBuildError.of(error).with_traceback(error.__traceback__)
        else:
            return built if _anchor is None else built + self._url_suffix(_anchor)

        return self.handle_url_build_error(explained, endpoint, values)

    def _path_for(self, scope: Any, endpoint: str, values: dict[str, Any], method: str | None) -> str | None:
        """Build the path of an endpoint by its plan; ``None`` is for Werkzeug to answer."""
        url_map = self.url_map
        if self._table is None:
            return None

        path: str | None = url_map.urls.build(endpoint, values, method)
        root: str | None = scope.environ.get("SCRIPT_NAME")
        if path is None or not root:
            return path

        return root.encode("latin1").decode(errors="replace").rstrip("/") + path

    def _adapter_for(self, ctx: Any, scope: Any) -> MapAdapter:
        """Return what builds whole URLs here.

        Raises:
            RuntimeError: If nothing says for which host.
        """
        adapter = (scope or ctx).url_adapter if ctx is not None else self.create_url_adapter(None)
        if adapter is None:
            raise RuntimeError(
                "Unable to build URLs outside an active request without 'SERVER_NAME' configured. Also"
                " configure 'APPLICATION_ROOT' and 'PREFERRED_URL_SCHEME' as needed. Or all three in one:"
                " BASE_URL = 'https://shop.example/app'."
            )
        if scope is not None and not self._host_was_looked_at:
            self._look_at_host(scope.request.host)

        return cast(MapAdapter, adapter)

    def _look_at_host(self, host: str) -> None:
        """Warn, once, where a whole URL names a host that the client chose."""
        config = self.config
        if is_loopback(host):
            return

        self._host_was_looked_at = True
        if self._is_native_production() and not config["TRUSTED_HOSTS"] and config["SERVER_NAME"] is None:
            if HOSTS_NOT_SETTLED in (config.get("SILENCED_CHECKS") or ()):
                return
            self.logger.warning(
                "url_for() built a whole URL with the host of the request, %r. Any client can send another"
                " one, and have it in the mails and pages made of it. Set TRUSTED_HOSTS = [%r]"
                " or SERVER_NAME. (%s)",
                host,
                host,
                HOSTS_NOT_SETTLED,
            )


def _as_host(server_name: str, scheme: str) -> str:
    """Write ``SERVER_NAME`` as the host of a request is written: without the scheme's usual port."""
    return server_name.lower().removesuffix(":443" if scheme in {"https", "wss"} else ":80")


def _is_below(host: str, server_name: str) -> bool:
    """Tell whether a host is ``SERVER_NAME``, as ``_as_host`` writes it, or a subdomain of it."""
    host = host.lower()

    return host == server_name or host.endswith(f".{server_name}")


def _relative_to(url: str, host_url: str) -> str:
    """Take scheme and host off a URL of this host."""
    if not url.startswith(host_url):
        return url

    # SECURITY: a path that began with two slashes would name another host.
    return "/" + url[len(host_url) :].lstrip("/\\")
