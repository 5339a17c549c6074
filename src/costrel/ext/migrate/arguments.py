"""The arguments of Alembic's ``context.configure``, to find misspelt ones without Alembic."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from costrel.errors import ConfigError

__all__ = ["check_arguments"]

_KNOWN = frozenset(
    (
        "alembic_module_prefix",
        "autogenerate_plugins",
        "compare_server_default",
        "compare_type",
        "dialect_name",
        "dialect_opts",
        "downgrade_token",
        "include_name",
        "include_object",
        "include_schemas",
        "literal_binds",
        "on_version_apply",
        "output_buffer",
        "output_encoding",
        "process_revision_directives",
        "render_as_batch",
        "render_item",
        "sqlalchemy_module_prefix",
        "starting_rev",
        "tag",
        "target_metadata",
        "template_args",
        "transaction_per_migration",
        "transactional_ddl",
        "upgrade_token",
        "url",
        "user_module_prefix",
        "version_table",
        "version_table_pk",
        "version_table_schema",
    )
)


def check_arguments(names: Iterable[str]) -> None:
    """Refuse an argument that nearly is one of Alembic's.

    Others pass: dialects and plugins have arguments of their own.

    Raises:
        ConfigError: With the name that was meant.
    """
    for name in names:
        near = [] if name in _KNOWN else difflib.get_close_matches(name, _KNOWN, n=1, cutoff=0.85)
        if near:
            raise ConfigError(f"Migrate has no argument {name!r}", hint=f"Did you mean {near[0]}?")
