"""The commands as they are typed, on each database."""

from __future__ import annotations

import re

import pytest
import sqlalchemy as sa
from sqlalchemy.orm import Mapped, mapped_column


def with_guest(db, length=50):
    class Guest(db.Model):
        id: Mapped[int] = mapped_column(primary_key=True)
        name: Mapped[str] = mapped_column(sa.String(length))


def with_longer_guest(db):
    with_guest(db, length=80)


def test_tables_are_made_changed_and_taken_back(make_shop, url):
    shop = make_shop(url, models=with_guest)

    assert "Next: costrel db migrate -m 'First tables'" in shop.run("init")
    assert "add table guest" in shop.run("check", code=1)
    assert "Detected added table 'guest'" in shop.run("migrate", "-m", "Guests")
    assert "Target database is not up to date" in shop.run("migrate", code=1)
    assert "Running upgrade  -> " in shop.run("upgrade")
    assert shop.tables() == ["alembic_version", "guest"]
    assert "No new upgrade operations detected" in shop.run("check")
    assert "(head)" in shop.run("current")
    shop.run("downgrade")
    assert shop.tables() == ["alembic_version"]


def test_changed_type_of_a_column_is_seen_and_changed(make_shop, url):
    first = make_shop(url, models=with_guest)
    first.run("init")
    first.run("migrate", "-m", "Guests")
    first.run("upgrade")
    longer = make_shop(url, models=with_longer_guest)

    output = longer.run("migrate", "-m", "Longer names")
    longer.run("upgrade")

    assert "Detected type change from VARCHAR(length=50) to String(length=80)" in output
    with longer.app.app_context():
        (column,) = [c for c in sa.inspect(longer.db.engine).get_columns("guest") if c["name"] == "name"]
    assert column["type"].length == 80


def test_types_are_left_alone_if_told_so(make_shop, url_of):
    url = url_of("sqlite")
    first = make_shop(url, models=with_guest)
    first.run("init")
    first.run("migrate", "-m", "Guests")
    first.run("upgrade")

    output = make_shop(url, models=with_longer_guest, compare_type=False).run("migrate")

    assert "No changes in schema detected: no migration is written" in output


def test_nothing_to_migrate_is_told_and_writes_no_file(sqlite_shop):
    output = sqlite_shop.run("migrate", "-m", "Nothing")

    assert "No changes in schema detected: no migration is written" in output
    assert list((sqlite_shop.folder / "versions").glob("*.py")) == []


def test_migration_without_a_message_is_written_with_a_word_about_it(make_shop, url_of):
    shop = make_shop(url_of("sqlite"), models=with_guest)
    shop.run("init")

    output = shop.run("migrate")

    assert "The migration has no message" in output
    assert len(list((shop.folder / "versions").glob("*.py"))) == 1


def test_generated_folder_delegates_to_the_extension(sqlite_shop):
    source = (sqlite_shop.folder / "env.py").read_text()

    assert len(source.splitlines()) < 10
    compile(source, "env.py", "exec")


# Heads.


@pytest.fixture
def two_heads(sqlite_shop):
    sqlite_shop.write("aa", "pass", message="the first one")
    sqlite_shop.write("bb", "op.create_table('b', sa.Column('id', sa.Integer))", after="aa", message="of Ada")
    sqlite_shop.write("cc", "op.create_table('c', sa.Column('id', sa.Integer))", after="aa", message="of Bob")

    return sqlite_shop


@pytest.mark.parametrize("command", ["upgrade", "migrate", "revision", "stamp"])
def test_several_heads_are_refused_with_the_line_to_type(two_heads, command):
    output = two_heads.run(command, code=1)

    assert "there are 2 heads" in output
    assert "bb of Ada" in output
    assert "costrel db merge heads" in output
    assert f"stay apart, type: costrel db {command} " in output
    assert two_heads.tables() == []


def test_merged_heads_are_migrated(two_heads):
    two_heads.run("merge", "heads", "-m", "Both")

    two_heads.run("upgrade")

    assert two_heads.tables() == ["alembic_version", "b", "c"]
    assert two_heads.run("heads").count("(head)") == 1


def test_merge_alone_means_all_heads(two_heads):
    two_heads.run("merge", "-m", "Both")

    assert two_heads.run("heads").count("(head)") == 1


def test_heads_that_are_named_are_migrated_without_a_merge(two_heads):
    two_heads.run("upgrade", "bb")
    assert two_heads.tables() == ["alembic_version", "b"]

    two_heads.run("upgrade", "heads")
    assert two_heads.tables() == ["alembic_version", "b", "c"]
    assert "(branchpoint)" in two_heads.run("branches")


# What is shown.


def test_history_show_heads_and_current_tell_of_migrations(two_steps):
    two_steps.run("upgrade", "aa")

    assert "aa -> bb (head), Add b" in two_steps.run("history")
    assert "(current)" in two_steps.run("history", "-i")
    assert "Add a" in two_steps.run("show", "aa")
    assert two_steps.run("heads").strip() == "bb (head)"
    assert two_steps.run("current").strip() == "aa"
    assert two_steps.run("branches").strip() == ""


def test_upgrade_and_downgrade_go_by_steps(two_steps):
    two_steps.run("upgrade", "+1")
    assert two_steps.run("current").strip() == "aa"
    two_steps.run("upgrade")
    two_steps.run("downgrade", "-2")
    assert two_steps.run("current").strip() == ""


def test_stamp_notes_a_revision_and_runs_nothing(two_steps):
    two_steps.run("stamp", "bb")

    assert two_steps.run("current").strip() == "bb (head)"
    assert two_steps.tables() == ["alembic_version"]


def test_revision_writes_an_empty_migration_with_the_given_id(sqlite_shop):
    sqlite_shop.run("revision", "-m", "By hand", "--rev-id", "abc")

    assert "pass" in (sqlite_shop.folder / "versions" / "abc_by_hand.py").read_text()


def test_edit_opens_the_editor_with_the_file(two_steps, monkeypatch, tmp_path):
    script = tmp_path / "editor.sh"
    script.write_text(f'#!/bin/sh\necho "$1" > {tmp_path}/edited\n')
    script.chmod(0o755)
    monkeypatch.setenv("EDITOR", str(script))

    two_steps.run("edit", "aa")

    assert (tmp_path / "edited").read_text().strip().endswith("versions/aa.py")


def test_templates_are_listed_and_flask_migrates_names_known(sqlite_shop, tmp_path):
    assert re.findall(r"^([\w-]+) - ", sqlite_shop.run("list-templates"), re.MULTILINE) == [
        "costrel",
        "costrel-multidb",
    ]

    sqlite_shop.run("init", "-d", str(tmp_path / "other"), "-t", "aioflask")
    assert (tmp_path / "other" / "env.py").is_file()


def test_folder_is_made_from_a_template_of_ones_own(make_shop, url_of, tmp_path):
    template = tmp_path / "mine"
    template.mkdir()
    (template / "README").write_text("Mine\n")
    (template / "alembic.ini.mako").write_text("[alembic]\n# mine\npath_separator = os\n")
    (template / "env.py").write_text("# mine\n")
    (template / "script.py.mako").write_text("# mine\n")
    shop = make_shop(url_of("sqlite"))

    shop.run("init", "-t", str(template))

    assert (shop.folder / "env.py").read_text() == "# mine\n"
