"""The one shape of all extensions: construction, options, setup, and what an application has of them.

Example:
    >>> from costrel import Costrel
    >>> class GreetOptions(Options):
    ...     prefix = "GREET_"
    ...     word = Option("Hello", "What visitors are greeted with.", read=text)
    >>> class Greet(Extension[GreetOptions]):
    ...     name = "greet"
    ...     options_class = GreetOptions
    ...     def setup(self, app, options):
    ...         app.add_template_global(lambda who: f"{options.word}, {who}!", "greet")
    >>> app = Costrel("shop")
    >>> app.config["GREET_WORD"] = "Good day"
    >>> greet = Greet(app)
    >>> app.jinja_env.from_string("{{ greet('Ada') }}").render()
    'Good day, Ada!'
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar, cast

from costrel._current import current
from costrel._proxies import current_app
from costrel.core.checks.finding import Finding
from costrel.core.extension_options import (
    Option,
    Options,
    SetOption,
    choice,
    flag,
    names,
    number,
    seconds,
    text,
)
from costrel.core.marker import ApplicationMarker
from costrel.errors import CostrelError, SetupError

if TYPE_CHECKING:
    from costrel.app import Costrel
    from costrel.blueprints import Blueprint

__all__ = [
    "Extension",
    "ExtensionSetup",
    "MissingLibraryError",
    "Option",
    "Options",
    "SecondSetupError",
    "SetOption",
    "choice",
    "flag",
    "names",
    "number",
    "require_library",
    "seconds",
    "text",
]

O = TypeVar("O", bound=Options)  # noqa: E741  # the options of an extension
V = TypeVar("V")


class SecondSetupError(SetupError, RuntimeError):
    """An extension was set up on an application that has one of its name."""


class MissingLibraryError(CostrelError, ModuleNotFoundError):
    """A library that an extension is built on is not installed."""


def require_library(module: str, *, extra: str) -> None:
    """Refuse to go on without an optional library; for the first line of an extension's package.

    Args:
        module: The name to import, ``"sqlalchemy"``.
        extra: Costrel's extra that installs it.

    Raises:
        MissingLibraryError: If it is not installed; with the line to type.
    """
    try:
        import_module(module)
    except ModuleNotFoundError as error:
        if error.name != module.partition(".")[0] and error.name != module:
            raise
        missing = MissingLibraryError(
            f"costrel.ext needs the library {module!r}, which is not installed",
            hint=f"Install it with: pip install 'costrel[{extra}]'",
        )
        missing.name = module
        raise missing from None


class ExtensionSetup:
    """What an application has of one extension: the instance and its options there."""

    def __init__(self, extension: Extension[Any], options: Options, state: Any) -> None:
        self.extension = extension
        self.options = options
        self.state = state
        """What lies in ``app.extensions``."""
        self.template_globals = dict(extension.template_globals())


class Extension(Generic[O]):
    """Base class of extensions.

    A subclass names itself, lists its options, and says in ``setup`` what it
    registers. Setup opens nothing: connections are opened when first used,
    and closed by ``close`` or in a teardown.

    Args:
        app: Set up on this application now. Otherwise call ``init_app``; an
            instance may serve many applications.
        **given: Options, by the names of the options class; what the
            configuration says goes before them.

    Raises:
        ConfigError: If an option is unknown or unfit.
        SetupError: If the application has an extension of this name already,
            or lacks one that this needs.
    """

    name: ClassVar[str]
    """Its key in ``app.extensions``, and the name of its module."""

    options_class: ClassVar[type[Any]] = Options
    """Its options; a subclass of ``Options``."""

    requires: ClassVar[tuple[str, ...]] = ()
    """The names of extensions that have to be set up before it."""

    commands: ClassVar[str] = ""
    """Where its group of commands is, ``"shop.ext.mail.commands:mail"``; imported when first used."""

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        _refuse_unfit_class(cls)

    def __init__(self, app: Costrel | None = None, **given: Any) -> None:
        self.options_class.refuse_unknown_names(given, of=type(self).__name__)
        self._given: dict[str, Any] = given
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Costrel) -> None:
        """Set this extension up on an application.

        Args:
            app: The application; its configuration holds the options.

        Raises:
            ConfigError: If an option is unknown or unfit.
            SetupError: As the class says.
        """
        self._set_up(app)

    def _set_up(self, app: Costrel, **given: Any) -> O:
        """Do what ``init_app`` does, with more arguments; for subclasses whose ``init_app`` takes some.

        Args:
            app: The application.
            **given: Options that go before those of the constructor.

        Returns:
            The options in this application.
        """
        app = getattr(app, "_get_current_object", lambda: app)()  # what is kept must not be `current_app`
        self._refuse(app)

        name = self.name
        options: O = self.options_class(app.config, {**self._given, **given})
        state = self.setup(app, options)
        if state is None:
            state = self
        app.extensions[name] = state
        app.add_extension_setup(name, ExtensionSetup(self, options, state))
        blueprint = self.blueprint()
        if blueprint is not None:
            app.register_blueprint(blueprint)
        if type(self).open is not Extension.open:
            app.before_serving(cast(Any, _bound(self.open, app)))
        if type(self).close is not Extension.close:
            app.after_serving(cast(Any, _bound(self.close, app)))
        app.check(self._check_options)
        if type(self).check is not Extension.check:
            app.check(self.check)

        return options

    def _refuse(self, app: Any) -> None:
        """Refuse an application that this cannot be set up on, before anything is changed."""
        kind = type(self).__name__
        got = type(app)
        if not issubclass(got, ApplicationMarker):
            raise SetupError(
                f"{kind} extends applications of costrel, got {got.__module__}.{got.__qualname__}",
                hint=f"Give the object that Costrel(__name__) returned: {kind}(app).",
            )
        name = self.name
        if name in app.extensions:
            raise SecondSetupError(
                f"a {kind!r} instance has already been registered on this application",
                hint=f"Call init_app once for each application, or use app.extensions[{name!r}].",
            )
        app._check_setup_finished(f"{kind}.init_app")
        for required in self.requires:
            if required not in app.extensions:
                raise SetupError(
                    f"the extension {name!r} needs {required!r}, which is not set up",
                    hint=f"Set up costrel.ext.{required} on the application before.",
                )

    def _check_options(self, app: Costrel) -> Iterable[Finding]:
        """Find what means nothing to this extension, and what was set after the setup and cannot be used."""
        options = self.options_of(app)
        for key, meant in options.unknown_keys():
            # One without a typo may be the application's own, so it has not been refused.
            id = f"{self.name}.{'W902' if meant is None else 'W901'}"
            own = f'If it is your own, give it another beginning, or set SILENCED_CHECKS = ["{id}"].'
            hint = own if meant is None else f"Did you mean {meant}?"
            yield Finding(id, f"{key} is no option of {self.name}: it has no effect", hint)
        for error in options.unfit_values():
            yield Finding(f"{self.name}.E901", error.problem, error.hint)

    def options_of(self, app: Costrel | None = None) -> O:
        """Return the options in an application.

        Args:
            app: The application; by default the current one.

        Raises:
            SetupError: If this extension is not set up on it.
        """
        setup = self._setup_of(app)

        return cast(O, setup.options)

    def state_of(self, app: Costrel | None = None) -> Any:
        """Return what ``setup`` returned for an application.

        Args:
            app: The application; by default the current one.

        Raises:
            SetupError: If this extension is not set up on it.
        """
        return self._setup_of(app).state

    def _setup_of(self, app: Costrel | None) -> ExtensionSetup:
        chosen: Any = app
        if app is None:
            # PERF: the application itself; its proxy is asked only to raise its error.
            ctx: Any = current.get(None)
            chosen = current_app if ctx is None else ctx.app
        found: ExtensionSetup | None = chosen.extension_setups.get(self.name)
        if found is None:
            raise SetupError(
                f"the extension {self.name!r} is not set up on the application {chosen.name!r}",
                hint=f"Call .init_app(app) of the {type(self).__name__} in the application's factory.",
            )

        return found

    # What a subclass says of itself.

    def setup(self, app: Costrel, options: O) -> Any:
        """Register what the extension does; open nothing.

        Args:
            app: The application.
            options: Its options, checked; they are read from the
                configuration each time.

        Returns:
            What lies in ``app.extensions``; ``None`` for this object.
        """
        return None

    def template_globals(self) -> Mapping[str, Any]:
        """Return what all templates see, by name."""
        return {}

    def blueprint(self) -> Blueprint | None:
        """Return the URLs it serves; one blueprint, or ``None``."""
        return None

    def open(self, app: Costrel) -> Any:
        """Get ready, before an application serves; may be async. Seldom needed."""

    def close(self, app: Costrel) -> Any:
        """Let go of what was opened, after an application served; may be async."""

    def check(self, app: Costrel) -> Iterable[Finding]:
        """Yield what is unsafe or unwise in how it is set up, for ``costrel check``."""
        return ()

    def development_notes(self, app: Costrel) -> Iterable[str]:
        """Yield what the developer is to know when the development server starts, a line each.

        Called in debug mode, in a thread of its own beside the server.
        """
        return ()


def _refuse_unfit_class(cls: type[Extension[Any]]) -> None:
    """Refuse a subclass whose word about itself cannot be true."""
    name = getattr(cls, "name", None)  # a class between this one and the extensions has none
    if name is not None and not (isinstance(name, str) and name.isidentifier() and name.islower()):
        raise SetupError(
            f"the name of {cls.__name__} must be a word in lower case, got {name!r}",
            hint='Write the name of its module: name = "mail".',
        )
    if isinstance(cast(Any, cls.requires), str):  # a forgotten comma, which no checker has seen
        raise SetupError(
            f"{cls.__name__}.requires must be a tuple, got {cls.requires!r}",
            hint=f'Write a comma: requires = ("{cls.requires}",).',
        )
    if not issubclass(cls.options_class, Options):
        raise SetupError(
            f"{cls.__name__}.options_class must be a subclass of Options, got {cls.options_class!r}",
            hint="Write class MailOptions(Options) and options_class = MailOptions.",
        )


def _bound(function: Callable[[Any], V], app: Any) -> Callable[[], V]:
    return partial(function, app)
