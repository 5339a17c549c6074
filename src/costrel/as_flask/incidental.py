"""Names that Flask's modules have only because they import them.

Applications take them from there (``from flask.app import Rule``). costrel's modules
import other things, so the names are added when a module is handed out under Flask's
name, and looked up when somebody uses one that the module itself does not have.
"""

from __future__ import annotations

import sys

# Every checker knows this name; importing `typing` for it costs 5 ms at every start.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType

__all__ = ["add_names"]

_NAMES = {
    "app": """
        costrel.ctx: AppContext RequestContext
        costrel.globals: current_app g request request_ctx session _cv_app _cv_request
        costrel.helpers: get_debug_flag get_flashed_messages get_load_dotenv send_from_directory
        costrel.sansio.app: App T_shell_context_processor T_template_filter T_template_global T_template_test
        costrel.sansio.app: _make_timedelta
        costrel.sansio.hooks: T_teardown
        costrel.sessions: SecureCookieSessionInterface SessionInterface
        costrel.signals: appcontext_tearing_down got_request_exception request_finished request_started
        costrel.signals: request_tearing_down
        costrel.templating: Environment
        costrel.wrappers: Request Response
        datetime: timedelta
        inspect: iscoroutinefunction
        itertools: chain
        types: TracebackType
        werkzeug.datastructures: Headers ImmutableDict
        werkzeug.exceptions: BadRequestKeyError HTTPException InternalServerError
        werkzeug.routing: BuildError MapAdapter RequestRedirect RoutingException Rule
        werkzeug.serving: is_running_from_reloader
        werkzeug.wsgi: get_host
        as: cabc=collections.abc cli=costrel.cli click=click ft=costrel.typing os=os sys=sys t=typing
        as: weakref=weakref BaseResponse=werkzeug.wrappers:Response
    """,
    "blueprints": """
        costrel.cli: AppGroup
        costrel.globals: current_app
        costrel.helpers: send_from_directory
        costrel.sansio.blueprints: BlueprintSetupState
        datetime: timedelta
        as: os=os t=typing
    """,
    "cli": """
        as: ast=ast cabc=collections.abc click=click importlib=importlib inspect=inspect os=os
        as: platform=platform re=re t=typing traceback=traceback
    """,
    "config": """
        werkzeug.utils: import_string
        as: errno=errno json=json os=os t=typing types=types
    """,
    "ctx": """
        costrel.globals: _cv_app _cv_request
        costrel.signals: appcontext_popped appcontext_pushed
        functools: update_wrapper
        types: TracebackType
        werkzeug.exceptions: HTTPException
        as: contextvars=contextvars ft=costrel.typing sys=sys t=typing
    """,
    "debughelpers": """
        costrel.blueprints: Blueprint
        costrel.globals: request_ctx
        costrel.sansio.app: App
        jinja2: BaseLoader
        werkzeug.routing: RequestRedirect
        as: t=typing
    """,
    "globals": """
        contextvars: ContextVar
        werkzeug.local: LocalProxy
        as: t=typing
    """,
    "helpers": """
        costrel.globals: current_app request request_ctx session _cv_app _cv_request
        costrel.signals: message_flashed
        datetime: datetime
        functools: cache update_wrapper
        as: importlib=importlib os=os sys=sys t=typing werkzeug=werkzeug
        as: BaseResponse=werkzeug.wrappers:Response
    """,
    "json": """
        costrel.globals: current_app
        as: provider=costrel.json.provider t=typing tag=costrel.json.tag
    """,
    "json.provider": """
        datetime: date
        werkzeug.http: http_date
        as: dataclasses=dataclasses decimal=decimal json=json t=typing uuid=uuid weakref=weakref
    """,
    "json.tag": """
        base64: b64decode b64encode
        costrel.json: dumps loads
        datetime: datetime
        markupsafe: Markup
        uuid: UUID
        werkzeug.http: http_date parse_date
        as: t=typing
    """,
    "logging": """
        costrel.globals: request
        werkzeug.local: LocalProxy
        as: logging=logging sys=sys t=typing
    """,
    "sansio.app": """
        costrel.config: Config ConfigAttribute
        costrel._app_context: _AppCtxGlobals
        costrel.helpers: get_debug_flag
        costrel.json.provider: DefaultJSONProvider JSONProvider
        costrel.logging: create_logger
        costrel.sansio.hooks: T_teardown
        costrel.sansio.scaffold: Scaffold find_package setupmethod
        costrel.templating: DispatchingJinjaLoader Environment
        datetime: timedelta
        itertools: chain
        werkzeug.exceptions: Aborter BadRequest BadRequestKeyError
        werkzeug.routing: BuildError Map Rule
        werkzeug.sansio.response: Response
        werkzeug.utils: cached_property
        as: ft=costrel.typing logging=logging os=os sys=sys t=typing
    """,
    "sansio.blueprints": """
        collections: defaultdict
        costrel.sansio.hooks: T_after_request T_before_request T_error_handler T_teardown
        costrel.sansio.hooks: T_url_value_preprocessor
        costrel.sansio.scaffold: Scaffold setupmethod
        functools: update_wrapper
        as: ft=costrel.typing os=os t=typing
    """,
    "sansio.scaffold": """
        collections: defaultdict
        costrel.helpers: get_root_path
        costrel.sansio.hooks: T_after_request T_before_request T_error_handler T_teardown
        costrel.sansio.hooks: T_url_value_preprocessor
        costrel.templating: _default_template_ctx_processor
        functools: update_wrapper
        jinja2: BaseLoader FileSystemLoader
        werkzeug.exceptions: HTTPException default_exceptions
        werkzeug.utils: cached_property
        as: ft=costrel.typing importlib=importlib os=os pathlib=pathlib sys=sys t=typing
    """,
    "sessions": """
        collections.abc: MutableMapping
        costrel.json.tag: TaggedJSONSerializer
        datetime: datetime timezone
        itsdangerous: BadSignature URLSafeTimedSerializer
        werkzeug.datastructures: CallbackDict
        as: c=collections.abc hashlib=hashlib t=typing
    """,
    "signals": "blinker: Namespace",
    "templating": """
        costrel.globals: current_app request _cv_app _cv_request
        costrel.helpers: stream_with_context
        costrel.signals: before_render_template template_rendered
        jinja2: BaseLoader Template TemplateNotFound
        as: t=typing BaseEnvironment=jinja2:Environment
    """,
    "testing": """
        click.testing: CliRunner Result
        contextlib: ExitStack contextmanager
        copy: copy
        costrel.cli: ScriptInfo
        costrel.sessions: SessionMixin
        types: TracebackType
        urllib.parse: urlsplit
        werkzeug.test: Client
        as: importlib=importlib t=typing werkzeug=werkzeug BaseRequest=werkzeug.wrappers:Request
    """,
    "typing": "as: cabc=collections.abc t=typing",
    "views": """
        costrel.globals: current_app request
        as: ft=costrel.typing t=typing
    """,
    "wrappers": """
        costrel.globals: current_app
        werkzeug.exceptions: BadRequest HTTPException
        as: json=costrel.json t=typing RequestBase=werkzeug.wrappers:Request
        as: ResponseBase=werkzeug.wrappers:Response
    """,
}
"""By module of Flask: ``home: names``, or ``as: name=module name=module:name``, a line each."""


def add_names(module: ModuleType) -> None:
    """Let a module answer for the names that Flask's module of that name has besides."""
    listed = _NAMES.get(module.__name__.partition(".")[2])
    if listed is None:
        return
    before = vars(module).get("__getattr__")
    homes: dict[str, tuple[str, str]] = {}

    def look_up(name: str) -> object:
        if not homes:
            homes.update(_read(listed))
        if name in homes:
            home, attribute = homes[name]
            __import__(home)
            return getattr(sys.modules[home], attribute) if attribute else sys.modules[home]
        if before is not None:
            return before(name)

        raise AttributeError(f"module {module.__name__!r} has no attribute {name!r}")

    look_up.__name__ = look_up.__qualname__ = "__getattr__"
    vars(module)["__getattr__"] = look_up


def _read(listed: str) -> dict[str, tuple[str, str]]:
    """Return where each name is: a module, and the name in it or an empty text.

    Example:
        >>> _read("as: t=typing Base=jinja2:Environment")
        {'t': ('typing', ''), 'Base': ('jinja2', 'Environment')}
        >>> _read("itertools: chain")
        {'chain': ('itertools', 'chain')}
    """
    found = {}
    for line in listed.split("\n"):
        home, _, names = line.strip().partition(": ")
        for name in names.split():
            alias, _, target = name.partition("=")
            module, _, attribute = target.partition(":")
            found[alias] = (module, attribute) if home == "as" else (home, name)

    return found
