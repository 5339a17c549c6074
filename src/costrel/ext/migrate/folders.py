"""Make the folder of migrations from a template."""

from __future__ import annotations

import argparse
import os

from costrel.ext.migrate.errors import line_to_type
from costrel.ext.migrate.running import Directory, current_state, told_errors

__all__ = ["init", "list_templates"]

_FIRST = "migrate -m 'First tables'"


def list_templates() -> None:
    """Print what ``init`` can make a folder from."""
    from costrel.ext.migrate.config import Config  # for cost, as all imports in this module

    config = Config()
    folder = config.get_template_directory()
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name, "README"), encoding="utf-8") as readme:
            config.print_stdout("%s - %s", name, readme.readline().strip())


def init(
    directory: Directory = None, multidb: bool = False, template: str | None = None, package: bool = False
) -> None:
    """Make the folder of migrations.

    Args:
        directory: Where; by default the application's.
        multidb: For all databases of the application, instead of the default one.
        template: What it is made from: a name of ``list_templates``, or the
            path of a folder.
        package: Whether to make packages of it, with ``__init__.py``.

    Raises:
        MigrationError: If there is one already.
    """
    from alembic import command

    from costrel.ext.migrate.config import TEMPLATES, Config
    from costrel.ext.migrate.databases import bind_names

    state = current_state()
    where = os.fspath(directory or state.directory)
    name = template or ("costrel-multidb" if multidb else "costrel")
    folder = None
    if os.path.basename(name) != name:
        folder, name = os.path.split(name)
    config = Config(template_directory=folder)
    config.set_main_option("script_location", where.replace("%", "%%"))
    config.config_file_name = os.path.join(where, "alembic.ini")
    # Alembic's own lines end with one about settings that are not needed here.
    config.cmd_opts = argparse.Namespace(quiet=True)
    config = state.migrate.call_configure_callbacks(config)
    with told_errors(state):
        command.init(config, where, template=name if folder else TEMPLATES.get(name, name), package=package)
    group = state.migrate.command
    print(f"Made {where}. Next: {line_to_type(_FIRST, command=group)}")  # noqa: T201  # a command's output
    others = bind_names(db=state.db)
    if others and not multidb and template is None:
        print(  # noqa: T201  # as above
            f"Only the default database is migrated, not: {', '.join(others)}. For all of them, remove"
            f" {where} and type: {line_to_type('init --multidb', command=group)}"
        )
