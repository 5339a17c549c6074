import click
import pytest

from costrel import Costrel, g, request, session, url_for


def create_app():
    app = Costrel(__name__)
    app.config.update(TESTING=True, SECRET_KEY="test")

    @app.get("/visits")
    def visits():
        session["visits"] = session.get("visits", 0) + 1
        g.greeted = True
        return {"visits": session["visits"]}

    @app.get("/broken")
    def broken():
        raise ValueError("a bug")

    @app.cli.command("greet")
    @click.argument("name")
    def greet(name):
        click.echo(f"Hello, {name}!")

    return app


@pytest.fixture
def app():
    return create_app()


@pytest.fixture
def client(app):
    return app.test_client()


def test_visits_are_counted(client):
    client.get("/visits")

    assert client.get("/visits").json == {"visits": 2}


def test_a_session_can_be_prepared(client):
    with client.session_transaction() as prepared:
        prepared["visits"] = 41

    assert client.get("/visits").json == {"visits": 42}


def test_the_context_stays_to_be_looked_at(client):
    with client:
        client.get("/visits?from=test")

        assert request.args["from"] == "test"
        assert g.greeted


def test_an_error_of_a_view_reaches_the_test(client):
    with pytest.raises(ValueError, match="a bug"):
        client.get("/broken")


def test_addresses_can_be_built_without_a_request(app):
    with app.test_request_context():
        assert url_for("visits") == "/visits"


def test_a_command_greets(app):
    result = app.test_cli_runner().invoke(args=["greet", "Ada"])

    assert result.output == "Hello, Ada!\n"
