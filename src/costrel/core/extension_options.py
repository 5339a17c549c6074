"""The options of an extension: one attribute each, kept in the configuration. Knows no application.

An option's value lies under its key in the application's configuration, from
where it is read each time: what tests and factories set later takes effect.
"""

from __future__ import annotations

import copy
import difflib
from collections.abc import Callable, Collection, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar, Generic, Self, TypeVar, cast, overload

from costrel._missing import MISSING
from costrel.core.masking import mask
from costrel.core.typos import find_meant
from costrel.errors import ConfigError, SetupError

__all__ = ["Option", "Options", "SetOption", "choice", "flag", "names", "number", "seconds", "text"]

T = TypeVar("T")

_MUTABLE = (list, dict, set, bytearray)
"""What may change without being another object: not shared, and read afresh each time."""


class Option(Generic[T]):
    """One option: its default, what it means, and how its value is read.

    Args:
        default: Its value where nobody sets it, as ``read`` would return it.
            A function makes one for each application, which a list or
            dict needs.
        doc: What it means, with the unit; one or two sentences.
        key: Its key in the configuration; by default the prefix of the
            options and its name in upper case.
        read: Checks and converts a value that somebody set. It raises
            ``ValueError`` with what was expected: ``"must be a number"``.

    Example:
        >>> class MailOptions(Options):
        ...     prefix = "MAIL_"
        ...     port = Option(25, "The server's TCP port.", read=number)
        >>> config = {"MAIL_PORT": 587}
        >>> MailOptions(config).port
        587
    """

    name: str
    key: str

    def __init__(
        self,
        default: T | Callable[[], T],
        doc: str,
        *,
        key: str = "",
        read: Callable[[Any], T] | None = None,
    ) -> None:
        self.default = default
        self.__doc__ = doc
        self.key = key
        self.read = read

    def __set_name__(self, owner: type[Options], name: str) -> None:
        self.name = name
        self.key = self.key or f"{owner.prefix}{name.upper()}"

    @overload
    def __get__(self, obj: None, owner: type) -> Self: ...

    @overload
    def __get__(self, obj: Options, owner: type) -> T: ...

    def __get__(self, obj: Options | None, owner: type) -> Self | T:
        if obj is None:
            return self

        value = obj.config.get(self.key, MISSING)
        if value is MISSING:
            value = obj._default_of(self)
        if self.read is None:
            return cast(T, value)

        kept = obj._read.get(self.key)
        return cast(T, kept[1] if kept is not None and kept[0] is value else self._read_anew(obj, value))

    def _read_anew(self, obj: Options, value: Any) -> Any:
        """Check and convert a value that was not there before; keep the result unless it may change."""
        read = self._checked(value)
        if not isinstance(value, _MUTABLE):
            obj._read[self.key] = (value, read)

        return read

    def _checked(self, value: Any) -> Any:
        if self.read is None or value is self.default:
            return value
        try:
            return self.read(value)
        except (TypeError, ValueError, OverflowError) as error:
            if isinstance(error, ConfigError):
                raise
            told = f"{self.key} {error}, got {mask(self.key, value)!r}"
            raise ConfigError(told, hint=self.__doc__ or "") from None

    def _make_default(self) -> Any:
        return self.default() if callable(self.default) else self.default


@dataclass(frozen=True, slots=True)
class SetOption:
    """An option as an application has it."""

    name: str
    key: str
    value: Any
    origin: str
    """``"default"``, ``"code"`` (an argument of the extension) or ``"config"``."""
    doc: str
    problem: str = ""
    """Why the value cannot be used, if somebody set such a one after the setup."""


class Options:
    """The options of one extension in one application.

    A subclass names the prefix of its keys and has one ``Option`` as
    attribute for each. The values of the configuration go before the
    arguments of the extension, those before the defaults.

    Args:
        config: The application's configuration. What is not in it is added.
        given: What the extension was constructed with, by option.

    Raises:
        ConfigError: If a key has a typo, an argument is unknown, or a value unfit.

    Example:
        >>> class MailOptions(Options):
        ...     prefix = "MAIL_"
        ...     port = Option(25, "The server's TCP port.", read=number)
        >>> MailOptions({"MAIL_PROT": 587})
        Traceback (most recent call last):
          ...
        costrel.errors.ConfigError: MAIL_PROT is no option
          hint: Did you mean MAIL_PORT?
    """

    prefix: ClassVar[str] = ""
    """How its keys begin, ``"MAIL_"``; keys that begin so and have a typo are refused. Empty: none are."""

    also_known: ClassVar[frozenset[str]] = frozenset()
    """Keys with this prefix that are no options: another extension's, or without effect here."""

    def __init__(self, config: MutableMapping[str, Any], given: Mapping[str, Any] | None = None) -> None:
        self.config = config
        self._read: dict[str, tuple[Any, Any]] = {}
        self._own: dict[str, tuple[Any, str]] = {}
        given = given or {}
        self.refuse_unknown_names(given)
        self.refuse_unknown_keys()
        for option in self.all_options():
            if option.key not in config:
                if option.name in given:
                    self._own[option.key] = (_copied(given[option.name]), "code")
                else:
                    self._own[option.key] = (option._make_default(), "default")
            option.__get__(self, type(self))
        # Only now, when nothing is refused any more: who mends a mistake finds the configuration as it was.
        config.update({key: value for key, (value, _) in self._own.items()})

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        for name, option in vars(cls).items():
            if not isinstance(option, Option):
                continue
            if name in _RESERVED:
                raise SetupError(
                    f"{cls.__name__} cannot have an option {name!r}: the name means something else",
                    hint="Give the attribute another name; its key may stay: Option(…, key=…).",
                )
            if isinstance(option.default, _MUTABLE):
                raise SetupError(
                    f"the default of {cls.__name__}.{name} would be shared by all applications",
                    hint=f"Give a function that makes it: Option(lambda: {option.default!r}, …).",
                )

    @classmethod
    def all_options(cls) -> list[Option[Any]]:
        """Return the options, those of base classes first, in the order they are written."""
        found: dict[str, Option[Any]] = {}
        for base in reversed(cls.__mro__):
            found.update({name: value for name, value in vars(base).items() if isinstance(value, Option)})

        return list(found.values())

    @classmethod
    def refuse_unknown_names(cls, given: Collection[str], *, of: str = "") -> None:
        """Refuse arguments that name no option.

        Args:
            given: The names.
            of: Whose options these are, for the message.

        Raises:
            ConfigError: With the nearest name that there is.
        """
        known = [option.name for option in cls.all_options()]
        for name in given:
            if name not in known:
                whose = f" of {of}" if of else ""
                raise ConfigError(f"{name!r} is no option{whose}", hint=_nearest(name, known))

    def refuse_unknown_keys(self) -> None:
        """Refuse keys of the configuration that have the prefix and are an option's but for a typo.

        Others may be settings of the application's own; ``costrel check``
        tells of them.

        Raises:
            ConfigError: With the key that was meant.
        """
        for key, meant in self.unknown_keys():
            if meant is not None:
                raise ConfigError(f"{key} is no option", hint=f"Did you mean {meant}?")

    def unknown_keys(self) -> Iterator[tuple[str, str | None]]:
        """Yield the keys that have the prefix and mean nothing here, each with the one it is a typo of."""
        if not self.prefix:
            return

        known = {option.key for option in self.all_options()} | self.also_known
        endings = {one.removeprefix(self.prefix): one for one in sorted(known)}
        core: Collection[str] = getattr(self.config, "known_keys", frozenset())
        for key in self.config:
            if not isinstance(key, str) or not key.startswith(self.prefix):
                continue
            if key not in known and key not in core:
                meant = find_meant(key.removeprefix(self.prefix), endings)
                yield key, None if meant is None else endings[meant]

    def unfit_values(self) -> Iterator[ConfigError]:
        """Yield an error for each value that was set after the setup and cannot be used."""
        for option in self.all_options():
            try:
                option.__get__(self, type(self))
            except ConfigError as error:
                yield error

    def listed(self) -> list[SetOption]:
        """Return all options as they are set now, with where each value comes from."""
        return [self._listed(option) for option in self.all_options()]

    def _listed(self, option: Option[Any]) -> SetOption:
        problem = ""
        try:
            value = option.__get__(self, type(self))
        except ConfigError as error:
            value, problem = self.config[option.key], error.problem

        return SetOption(
            option.name, option.key, value, self._origin_of(option.key), option.__doc__ or "", problem
        )

    def _origin_of(self, key: str) -> str:
        own = self._own.get(key)
        if own is None or self.config.get(key, own[0]) is not own[0]:
            return "config"

        return own[1]

    def _default_of(self, option: Option[Any]) -> Any:
        """Return the value of an option whose key somebody took out of the configuration."""
        own = self._own.get(option.key)
        if own is None:
            own = self._own[option.key] = (option._make_default(), "default")

        return own[0]


_RESERVED = frozenset({"app", "self", "config", *vars(Options)})


def _copied(value: Any) -> Any:
    """Copy what applications would otherwise share."""
    return copy.copy(value) if isinstance(value, _MUTABLE) else value


def _nearest(name: str, known: Collection[str]) -> str:
    """Say which name was meant."""
    near = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"

    return f"There are: {', '.join(sorted(known))}." if known else "There are none."


# What the values of most options are read with.


def flag(value: Any) -> bool:
    """Read a boolean; also 0, 1, ``None`` and the words that environment variables have.

    Example:
        >>> flag("off"), flag("True"), flag("")
        (False, True, False)
    """
    if isinstance(value, str) and (word := value.strip().lower()) in _WORDS:
        return _WORDS[word]
    if isinstance(value, bool) or value is None or (isinstance(value, int) and value in (0, 1)):
        return bool(value)

    raise ValueError("must be True or False")


_WORDS = {
    **dict.fromkeys(("1", "true", "yes", "on"), True),
    **dict.fromkeys(("0", "false", "no", "off", ""), False),
}


def number(value: Any) -> int:
    """Read a whole number, 0 or more; also one written as a text."""
    if isinstance(value, str) and value.strip().lstrip("-").isdecimal():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int):
        raise ValueError("must be a whole number")
    if value < 0:
        raise ValueError("must be 0 or more")

    return value


def text(value: Any) -> str:
    """Read a text."""
    if not isinstance(value, str):
        raise ValueError("must be a text")

    return value


def seconds(value: Any) -> timedelta | None:
    """Read a duration: a ``timedelta``, or seconds, also written as a text; ``None`` stays.

    Example:
        >>> seconds(90), seconds("1.5")
        (datetime.timedelta(seconds=90), datetime.timedelta(seconds=1, microseconds=500000))
    """
    if value is None or isinstance(value, timedelta):
        return value
    try:
        if isinstance(value, bool):
            raise TypeError
        return timedelta(seconds=float(value))
    except (TypeError, ValueError, OverflowError):
        raise ValueError("must be seconds or a timedelta") from None


def names(value: Any) -> tuple[str, ...]:
    """Read a list of names; a text has them between commas, as environment variables do.

    Example:
        >>> names("POST, PUT"), names(["POST", "PUT"]), names("")
        (('POST', 'PUT'), ('POST', 'PUT'), ())
    """
    if isinstance(value, str):
        return tuple(name.strip() for name in value.split(",") if name.strip())
    if not isinstance(value, Collection) or not all(isinstance(item, str) for item in value):
        raise ValueError("must be a list of texts")

    return tuple(value)


def choice(*values: T) -> Callable[[Any], T]:
    """Make a reader that takes one of these values and no other.

    Example:
        >>> choice("basic", "strong", None)("weak")
        Traceback (most recent call last):
          ...
        ValueError: must be one of 'basic', 'strong', None
    """

    def read(value: Any) -> T:
        if value not in values:
            raise ValueError(f"must be one of {', '.join(map(repr, values))}")

        return cast(T, value)

    return read
