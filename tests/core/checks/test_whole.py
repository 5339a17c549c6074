"""An application is checked as a whole: its settings, its rules, and what its extensions look for."""

from __future__ import annotations

from costrel import Costrel
from costrel.checks import Finding
from costrel.core.checks.whole import check_application


def ids(app, **options):
    return [finding.id for finding in check_application(app, **options)[0]]


def test_checks_of_the_application_and_of_extensions_are_run(app):
    @app.check
    def mail_server_is_set(app):
        if not app.config.get("MAIL_SERVER"):
            yield Finding("mail.W001", "mails are written to the log")

    assert "mail.W001" in ids(app)
    app.config["MAIL_SERVER"] = "mail.example"
    assert "mail.W001" not in ids(app)


def test_what_matters_in_production_can_be_left_out():
    app = Costrel("shop")
    app.add_url_rule("/a", "missing")

    assert ids(app, production=False) == ["routes.E001"]
    assert set(ids(app)) > {"routes.E001"}


def test_settings_that_are_refused_before_the_first_request_are_errors():
    for settings in ({"SECRET_KEY_FALLBACKS": "old"}, {"TRUSTED_PROXIES": "10.0.0.0/8"}):
        app = Costrel("shop")
        app.config.update(settings)

        assert ids(app)[0] == "config.E001"


def test_async_parts_are_told():
    app = Costrel("shop")

    @app.get("/a")
    async def feed(): ...

    @app.before_request
    async def look(): ...

    (finding,) = [each for each in check_application(app)[0] if each.id == "serving.I001"]
    assert finding.text.startswith("async view 'feed' and 1 more:")


def test_silenced_findings_are_not_told():
    app = Costrel("shop")
    app.config["SILENCED_CHECKS"] = ["security.W012"]
    told, silenced = check_application(app)

    assert "security.W012" not in [finding.id for finding in told]
    assert [finding.id for finding in silenced] == ["security.W012"]
