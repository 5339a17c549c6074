"""The command line."""

from __future__ import annotations

import json

import pytest
from wayside.testing import PASSWORD


@pytest.fixture
def run(app):
    runner = app.test_cli_runner()
    return lambda *args, **options: runner.invoke(args=list(args), **options)


def test_added_user_can_sign_in(run, visitor):
    result = run("add-user", "fern", input=f"{PASSWORD}\n{PASSWORD}\n")

    assert "Added fern." in result.output
    assert PASSWORD not in result.output
    assert visitor.post("/login", {"username": "fern", "password": PASSWORD}).status_code == 302


def test_user_added_as_keeper_has_the_desk(run, keeper, visitor):
    run("add-user", "mira", "--keeper", "--password", PASSWORD)
    visitor.post("/login", {"username": "mira", "password": PASSWORD})

    assert visitor.get("/desk").status_code == 200


def test_adding_a_known_user_changes_the_password(run, fern, visitor):
    result = run("add-user", "fern", "--password", "another four words")

    assert "Changed the password of fern." in result.output
    assert visitor.post("/login", {"username": "fern", "password": "another four words"}).status_code == 302


@pytest.mark.parametrize(("name", "password"), [("A B", PASSWORD), ("fern", "short")])
def test_malformed_user_is_refused(run, name, password):
    result = run("add-user", name, "--password", password)

    assert result.exit_code == 1
    assert "Error: A " in result.output


def test_exported_walks_can_be_imported(run, fern, tmp_path):
    fern.add_walk()
    file = tmp_path / "walks.json"

    assert run("export-walks", str(file)).exit_code == 0
    assert run("init-db", "--empty", "--yes").exit_code == 0
    assert "Imported 1 walks." in run("import-walks", str(file)).output

    [walk] = json.loads(run("export-walks").output)
    assert walk["title"] == "Over the pass"
    assert walk["author"] == "fern"
    assert walk["tags"] == ["pass", "with-kids"]


@pytest.mark.parametrize(
    ("second", "message"),
    [
        ('{"author": "fern"}', "walk 2 (None): "),
        ("7", "walk 2: expected an object with an author"),
        ("", "this is not JSON: "),
    ],
)
def test_import_takes_all_or_nothing_and_says_what_is_wrong(run, fern, tmp_path, second, message):
    fern.add_walk()
    good = run("export-walks").output.strip().strip("[]")
    file = tmp_path / "walks.json"
    file.write_text(f"[{good}, {second}]", "utf-8")

    result = run("import-walks", str(file))

    assert result.exit_code == 1
    assert message in result.output
    assert len(json.loads(run("export-walks").output)) == 1


def test_starting_over_makes_everything_anew_for_a_server_that_goes_on(app, serve, run, fern):
    fern.add_walk()
    other_process = serve(SAMPLE_DATA=True)

    other_process.test_cli_runner().invoke(args=["init-db", "--yes"])

    answer = fern.get("/api/walks").json
    assert answer["total"] == 12
    assert "Over the pass" not in {walk["title"] for walk in answer["walks"]}


def test_session_of_before_is_nobodys_after_starting_over(run, keeper, join):
    run("init-db", "--empty", "--yes")

    otto = join("otto")  # with the number that the keeper had

    assert keeper.get("/account/").location.startswith("/login")
    assert otto.get("/desk").status_code == 200


def test_starting_over_asks_first(run, fern):
    fern.add_walk()

    run("init-db", input="n\n")

    assert fern.get("/walks/1").status_code == 200
