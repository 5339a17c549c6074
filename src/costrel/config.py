"""The configuration: a dict that knows how to fill itself. Knows no application."""

from __future__ import annotations

import difflib
import errno
import json
import os
import types
from collections.abc import Callable, Iterable, Mapping
from typing import IO, Any, Generic, Self, TypeVar, overload

from werkzeug.utils import import_string

from costrel.core.masking import mask
from costrel.errors import ConfigError, CostrelError

__all__ = ["Config", "ConfigAttribute"]

T = TypeVar("T")


class _VariableError(CostrelError, RuntimeError):
    """The environment variable that should name the file is not set."""


class _NestingError(ConfigError, TypeError):
    """A variable ``A__B`` was given, but ``A`` is no dict."""


class ConfigAttribute(Generic[T]):
    """Makes an attribute of the application read and write its ``config``.

    Args:
        name: The key in ``config``.
        get_converter: Applied to the value when it is read.

    Example:
        >>> class App:
        ...     secret_key = ConfigAttribute[str | None]("SECRET_KEY")
        ...     config = {"SECRET_KEY": "k"}
        >>> App().secret_key
        'k'
    """

    def __init__(self, name: str, get_converter: Callable[[Any], T] | None = None) -> None:
        self.__name__ = name
        self.get_converter = get_converter

    @overload
    def __get__(self, obj: None, owner: None) -> Self: ...

    @overload
    def __get__(self, obj: Any, owner: type) -> T: ...

    def __get__(self, obj: Any, owner: type | None = None) -> T | Self:
        if obj is None:
            return self

        value = obj.config[self.__name__]
        if self.get_converter is not None:
            value = self.get_converter(value)

        return value  # type: ignore[no-any-return]  # what config holds is the user's

    def __set__(self, obj: Any, value: Any) -> None:
        obj.config[self.__name__] = value


class Config(dict[Any, Any]):
    """The settings of an application; only uppercase names are taken over.

    Its ``repr`` hides what looks like a secret, so that it may be logged.

    Args:
        root_path: The folder that relative file names begin at.
        defaults: Values to begin with.

    Example:
        >>> config = Config("/srv/shop", {"DEBUG": False})
        >>> config.from_mapping(SECRET_KEY="k", debug=True)
        True
        >>> config
        <Config {'DEBUG': False, 'SECRET_KEY': '***'}>
    """

    def __init__(self, root_path: str | os.PathLike[str], defaults: Mapping[str, Any] | None = None) -> None:
        super().__init__(defaults or {})
        self.root_path = root_path
        self.known_keys: frozenset[str] = frozenset(defaults or ())
        """The settings of the framework itself, by which extensions tell theirs from others'."""

    def from_envvar(self, variable_name: str, silent: bool = False) -> bool:
        """Read the Python file that an environment variable names.

        Args:
            variable_name: Name of the variable.
            silent: Return ``False`` if the variable or the file is missing.

        Raises:
            RuntimeError: If the variable is not set.
        """
        filename = os.environ.get(variable_name)
        if filename:
            return self.from_pyfile(filename, silent=silent)
        if silent:
            return False

        near = _nearest(variable_name, os.environ)
        raise _VariableError(
            f"The environment variable {variable_name!r} is not set, so no configuration was loaded",
            hint=f"Did you mean {near}?" if near else f"export {variable_name}=/path/to/settings.py",
        )

    def from_prefixed_env(self, prefix: str = "FLASK", *, loads: Callable[[str], Any] = json.loads) -> bool:
        """Take over the environment variables that begin with a prefix.

        ``FLASK_MAIL__PORT=25`` sets ``config["MAIL"]["PORT"]``.

        Args:
            prefix: The beginning of their names, without the underscore.
            loads: Reads a value; what it refuses stays a string.

        Raises:
            TypeError: If ``A__B`` is given and ``A`` is set, but no dict.
        """
        prefix = f"{prefix}_"
        for variable in sorted(os.environ):
            if variable.startswith(prefix):
                value = _loaded(os.environ[variable], loads)
                self._set_nested(variable, variable.removeprefix(prefix), value)

        return True

    def _set_nested(self, variable: str, key: str, value: Any) -> None:
        *parents, last = key.split("__")
        target: Any = self
        for parent in parents:
            target = target.setdefault(parent, {})
            if not isinstance(target, dict):
                raise _NestingError(
                    f"the environment variable {variable} sets a key of {parent!r},"
                    f" which is set already and is no dict but {type(target).__name__}",
                    hint=f"Set {parent} to a dict, or give the variable another name.",
                )

        target[last] = value

    def from_pyfile(self, filename: str | os.PathLike[str], silent: bool = False) -> bool:
        """Run a Python file and take over its uppercase names.

        Args:
            filename: Absolute, or relative to ``root_path``.
            silent: Return ``False`` if there is no such file.

        Raises:
            OSError: If the file cannot be read.
        """
        path = os.path.join(self.root_path, filename)
        module = types.ModuleType("config")
        module.__file__ = path
        try:
            with open(path, mode="rb") as file:
                code = compile(file.read(), path, "exec")
        except OSError as error:
            if silent and error.errno in (errno.ENOENT, errno.EISDIR, errno.ENOTDIR):
                return False
            raise _file_error(error, path)  # noqa: B904  # the same object, better worded

        # SECURITY: a configuration file is code, with all the rights of the application.
        exec(code, module.__dict__)
        self.from_object(module)

        return True

    def from_object(self, obj: object | str) -> None:
        """Take over the uppercase attributes of a class, module or object.

        A dict has no attributes of interest; for it there is ``from_mapping``.

        Args:
            obj: The object, or the name it can be imported by.

        Raises:
            ImportError: If nothing can be imported by that name.
        """
        if isinstance(obj, str):
            obj = _imported(obj)
        for key in dir(obj):
            if key.isupper():
                self[key] = getattr(obj, key)

    def from_file(
        self,
        filename: str | os.PathLike[str],
        load: Callable[[IO[Any]], Mapping[str, Any]],
        silent: bool = False,
        text: bool = True,
    ) -> bool:
        """Take over the uppercase keys of a file in any format.

        Args:
            filename: Absolute, or relative to ``root_path``.
            load: Reads the open file; ``json.load``, ``tomllib.load``.
            silent: Return ``False`` if there is no such file.
            text: Open as text; ``tomllib`` needs ``False``.

        Raises:
            OSError: If the file cannot be read.
        """
        path = os.path.join(self.root_path, filename)
        try:
            with open(path, "r" if text else "rb", encoding="utf-8" if text else None) as file:
                values = load(file)
        except OSError as error:
            if silent and error.errno in (errno.ENOENT, errno.EISDIR):
                return False
            raise _file_error(error, path)  # noqa: B904  # the same object, better worded

        return self.from_mapping(values)

    def from_mapping(self, mapping: Mapping[str, Any] | None = None, **kwargs: Any) -> bool:
        """Take over the uppercase keys of a mapping, then of the arguments."""
        # dict() also takes pairs, which Flask's users pass and no type promises.
        for key, value in {**dict(mapping or {}), **kwargs}.items():
            if key.isupper():
                self[key] = value

        return True

    def get_namespace(
        self, namespace: str, lowercase: bool = True, trim_namespace: bool = True
    ) -> dict[str, Any]:
        """Return the settings whose names begin alike, as arguments for a call.

        Args:
            namespace: The beginning of the names, ``"MAIL_"``.
            lowercase: Return the names in lower case.
            trim_namespace: Return the names without their beginning.

        Example:
            >>> Config("", {"MAIL_PORT": 25}).get_namespace("MAIL_")
            {'port': 25}
        """
        found = {}
        for key, value in self.items():
            if key.startswith(namespace):
                name = key[len(namespace) :] if trim_namespace else key
                found[name.lower() if lowercase else name] = value

        return found

    def __repr__(self) -> str:
        # SECURITY: a whole configuration is printed while looking for a mistake,
        # and lands in logs and error reports; its secrets must not.
        shown = {key: mask(key, value) for key, value in self.items()}

        return f"<{type(self).__name__} {shown!r}>"


def _loaded(text: str, loads: Callable[[str], Any]) -> Any:
    try:
        return loads(text)
    except Exception:  # loads is the user's; all it refuses is a string
        return text


def _file_error(error: OSError, path: str) -> OSError:
    """Word the error for a configuration file, and name the nearest file there."""
    error.strerror = f"Unable to load configuration file ({error.strerror})"
    folder, name = os.path.split(path)
    try:
        near = _nearest(name, os.listdir(folder or "."))
    except OSError:
        near = None
    if near:
        error.add_note(f"  hint: Did you mean {near!r}? It is in the same folder.")
    elif not os.path.isdir(folder or "."):
        error.add_note(f"  hint: The folder {folder!r} does not exist.")

    return error


def _imported(name: str) -> Any:
    """Import an object by its name; where the last part is wrong, name the nearest."""
    try:
        return import_string(name)
    except ImportError as error:
        parent, _, last = name.replace(":", ".").rpartition(".")
        near = _nearest(last, dir(import_string(parent, silent=True))) if parent else None
        if near:
            error.add_note(f"  hint: Did you mean {f'{parent}.{near}'!r}?")
        raise


def _nearest(name: str, known: Iterable[str]) -> str | None:
    return next(iter(difflib.get_close_matches(name, list(known), n=1, cutoff=0.7)), None)
