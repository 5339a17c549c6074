"""Values that ``run`` takes: certificates, and lists of paths. Opens no socket."""

from __future__ import annotations

from typing import Any, cast

import click

__all__ = ["CertParamType", "SeparatedPathType", "validate_key"]


class CertParamType(click.ParamType):  # type: ignore[type-arg]  # generic since click 8.3 only
    """A certificate: a file, ``adhoc``, or the import name of an ``SSLContext``."""

    name = "path"

    def __init__(self) -> None:
        self.path_type = click.Path(exists=True, dir_okay=False, resolve_path=True)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the path, ``"adhoc"`` or the context.

        Raises:
            BadParameter: If it is none of them, or the library it needs is missing.
        """
        try:
            import ssl  # for cost, and because Python may have been built without
        except ImportError:
            raise click.BadParameter(
                'Using "--cert" requires Python to be compiled with SSL support.', ctx, param
            ) from None

        try:
            return self.path_type(value, param, ctx)
        except click.BadParameter:
            text = cast(str, click.STRING(value, param, ctx))
            if text.lower() == "adhoc":
                return _adhoc(ctx, param)

            context = _import_object(text)
            if isinstance(context, ssl.SSLContext):
                return context
            raise


class SeparatedPathType(click.Path):
    """A list of paths in one value, separated as in ``PATH`` (``:``, on Windows ``;``)."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the list of paths, each checked as one path would be."""
        convert = super().convert

        return [convert(item, param, ctx) for item in self.split_envvar_value(value)]


def validate_key(ctx: click.Context, param: click.Parameter, value: str | None) -> str | None:
    """Check that ``--key`` and ``--cert`` fit, and join them.

    The parameter ``cert`` becomes a tuple of both files, which is what the
    server takes. Serves as the callback of ``--key``, which is read after ``--cert``.

    Raises:
        BadParameter: If one of the two is missing or superfluous.
    """
    cert = ctx.params.get("cert")
    adhoc = cert == "adhoc"
    is_context = cert is not None and not isinstance(cert, (str, tuple))

    if value is not None:
        if adhoc:
            raise click.BadParameter('When "--cert" is "adhoc", "--key" is not used.', ctx, param)
        if is_context:
            raise click.BadParameter(
                'When "--cert" is an SSLContext object, "--key" is not used.', ctx, param
            )
        if not cert:
            raise click.BadParameter('"--cert" must also be specified.', ctx, param)
        ctx.params["cert"] = cert, value
    elif cert and not adhoc and not is_context:
        raise click.BadParameter('Required when using "--cert".', ctx, param)

    return value


def _adhoc(ctx: click.Context | None, param: click.Parameter | None) -> str:
    try:
        import cryptography  # noqa: F401  # only the question whether it is there
    except ImportError:
        raise click.BadParameter(
            "Using ad-hoc certificates requires the cryptography library: pip install cryptography",
            ctx,
            param,
        ) from None

    return "adhoc"


def _import_object(name: str) -> Any:  # Any: whatever has the name
    from werkzeug.utils import import_string  # for cost: only certificates need it

    return import_string(name, silent=True)
