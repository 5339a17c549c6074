"""``CSRFProtect``: refuses the requests that change something and lack the session's token."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

from costrel import Blueprint, current_app, g, request
from costrel.checks import Finding
from costrel.ext.csrf.errors import CSRFError, TokenError
from costrel.ext.csrf.markup import csrf_field, csrf_headers, csrf_meta, csrf_meta_tag
from costrel.ext.csrf.options import CSRFOptions
from costrel.ext.csrf.origins import find_foreign
from costrel.ext.csrf.session_tokens import generate_csrf, renew_csrf, validate_csrf
from costrel.extension import Extension

if TYPE_CHECKING:
    from costrel import Costrel

__all__ = ["CSRFProtect", "logger"]

V = TypeVar("V", bound="Blueprint | str | Callable[..., Any]")

logger = logging.getLogger("costrel.csrf")

_VALID = "csrf_valid"  # what forms look for
_SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS", "TRACE"))


class CSRFProtect(Extension[CSRFOptions]):
    """Checks each request that changes something, before hooks and views see it.

    The token is looked for in the headers ``X-CSRFToken`` and
    ``X-CSRF-Token``, then in the form's field ``csrf_token``; never in the URL.

    Args:
        app: Set up on this application now; otherwise call ``init_app``.
        **given: Options, by their names.

    Example:
        >>> from costrel import Costrel
        >>> app = Costrel("shop")
        >>> app.secret_key = "a key for the example"
        >>> csrf = CSRFProtect(app)
        >>> @app.post("/buy")
        ... def buy():
        ...     return "bought"
        >>> app.test_client().post("/buy").status_code
        400
    """

    name = "csrf"
    options_class = CSRFOptions

    def __init__(self, app: Costrel | None = None, **given: Any) -> None:
        self._exempt_views: set[str] = set()
        self._exempt_functions: dict[int, Any] = {}
        self._exempt_blueprints: set[Blueprint] = set()
        super().__init__(app, **given)

    def setup(self, app: Costrel, options: CSRFOptions) -> None:
        """Register the check."""
        if options.secret_key is None:
            # Flask-WTF, which other extensions may bring, takes a key that is there for one that is set.
            app.config.pop("WTF_CSRF_SECRET_KEY", None)

        def csrf_protect() -> None:
            if options.enabled and options.check_default:
                self.protect(apply_exemptions=True)

        # A hook for every request costs every GET half a microsecond and more.
        is_for_all = not options.methods.isdisjoint(_SAFE_METHODS)
        register = app.before_request if is_for_all else app.before_unsafe_request
        register(csrf_protect, sync_to_thread=False)

    def template_globals(self) -> Mapping[str, Any]:
        """Return what puts tokens into pages."""
        return {
            "csrf_field": csrf_field,
            "csrf_headers": csrf_headers,
            "csrf_meta": csrf_meta,
            "csrf_meta_tag": csrf_meta_tag,
            "csrf_token": generate_csrf,
        }

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Find a protection that is switched off."""
        if not self.options_of(app).enabled:
            yield Finding(
                "csrf.W001",
                "WTF_CSRF_ENABLED is off: requests of other sites may be taken for a visitor's",
                hint="Set it in the configuration of tests only.",
            )

    def protect(self, apply_exemptions: bool = False) -> None:
        """Refuse the current request if it lacks the token.

        For views of an application with ``WTF_CSRF_CHECK_DEFAULT`` off, and
        for exempt ones.

        Args:
            apply_exemptions: Let exempt views and blueprints, and URLs that
                are not there, pass.

        Raises:
            CSRFError: With the reason.
        """
        if apply_exemptions and (not request.endpoint or self._is_exempt()):
            return
        options = self.options_of()
        if request.method not in options.methods:
            return

        foreign = self._find_foreign(options)
        if foreign is not None:
            self._error_response(foreign)
        if not (options.trust_fetch_metadata and request.headers.get("Sec-Fetch-Site") == "same-origin"):
            self._check_token(options)
        setattr(g, _VALID, True)

    def exempt(self, view: V) -> V:
        """Do not check requests to a view, or to those of a blueprint.

        Args:
            view: The view, a view class, a blueprint (not those nested in
                it), or the dotted name of a view, ``"shop.hooks.paid"``.

        Returns:
            The same; so it is a decorator too, above or below ``@app.route``.

        Example:
            >>> from costrel import Costrel
            >>> app = Costrel("shop")
            >>> csrf = CSRFProtect()
            >>> @app.post("/paid")
            ... @csrf.exempt
            ... def paid():
            ...     "Called by the bank, which proves by a signature who it is."
        """
        self._keep_exempt(view)

        return view

    # Any: what V is bound to; checkers narrow a type variable to something else.
    def _keep_exempt(self, view: Any) -> None:
        if isinstance(view, Blueprint):
            self._exempt_blueprints.add(view)
        elif isinstance(view, str):
            self._exempt_views.add(view)
        else:
            # Not by its name, which other functions of the module may have.
            self._exempt_functions[id(view)] = view

    def renew_token(self, *, keep_previous: bool = False) -> None:
        """Give the current session a new secret: tokens made before are refused.

        To be called when somebody logs in or out; ``costrel.ext.login`` does.

        Args:
            keep_previous: Go on taking the tokens made before, so that forms
                in other tabs still work. SECURITY: not at login, because who
                planted the session in this browser may have one of them.

        Raises:
            ContextError: Outside of a request.
        """
        renew_csrf(keep_previous=keep_previous)

    def _is_exempt(self) -> bool:
        app = current_app
        blueprints = self._exempt_blueprints
        if blueprints and app.blueprints.get(request.blueprint or "") in blueprints:
            return True
        if not (self._exempt_views or self._exempt_functions):
            return False

        view: Any = app.view_functions.get(request.endpoint or "")
        while view is not None:
            name = f"{view.__module__}.{getattr(view, '__name__', '')}"
            functions = (view, getattr(view, "view_class", None))
            if name in self._exempt_views or any(id(one) in self._exempt_functions for one in functions):
                return True
            view = getattr(view, "__wrapped__", None)

        return False

    def _find_foreign(self, options: CSRFOptions) -> str | None:
        if not (request.is_secure and options.ssl_strict):
            return None

        trusted = current_app.config.get("TRUSTED_ORIGINS") or ()
        trusted = (trusted,) if isinstance(trusted, str) else trusted

        return find_foreign(request.headers, host=request.host, trusted=trusted)

    def _check_token(self, options: CSRFOptions) -> None:
        """Refuse a request that has no good token anywhere; the reason is about the first one found."""
        refused: TokenError | None = None
        for token in _sent_tokens(options):
            try:
                validate_csrf(token)
            except TokenError as error:
                refused = refused or error
            else:
                return

        if refused is not None:
            self._error_response(refused.reason)
        if _is_streamed():
            self._error_response(
                f"The CSRF token is missing. This URL takes it in the header {options.headers[0]} only."
            )
        self._error_response("The CSRF token is missing.")

    def _error_response(self, reason: str) -> NoReturn:
        logger.info(reason)
        error = CSRFError(reason)
        if current_app.debug:
            error.hint = (
                "For the developer: put {{ csrf_field() }} into the form, or send"
                " {{ csrf_token() }} in the header X-CSRFToken."
            )
        raise error


def _sent_tokens(options: CSRFOptions) -> Iterator[str]:
    """Yield the tokens that a request has: those in headers first, for which no form is read."""
    for header in options.headers:
        if token := request.headers.get(header):
            yield token
    if _is_streamed():
        return

    form = request.form
    field = options.field_name
    # A form with a prefix has it before the name, "signup-csrf_token".
    token = form.get(field) or next((form[key] for key in form if key.endswith(field) and form[key]), None)
    if token:
        yield token


def _is_streamed() -> bool:
    """Tell whether the body is the view's to read."""
    return bool(getattr(request.url_rule, "stream_body", False))
