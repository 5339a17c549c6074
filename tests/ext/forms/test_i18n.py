from __future__ import annotations

import io
import re
import sys
from types import ModuleType

import pytest
from wtforms import StringField
from wtforms.validators import InputRequired, Length

from costrel.ext.forms import FlaskForm, Forms, render_form
from costrel.ext.forms.file import FileAllowed, FileField
from costrel.ext.forms.i18n import translations
from costrel.ext.forms.messages import OwnMessages

ENGLISH, GERMAN, CHINESE = "This field is required.", "Dieses Feld wird benötigt.", "该字段是必填字段。"


@pytest.fixture
def message(app, client, answers, name_form):
    answers(name_form)

    def ask(accepts):
        return client(app).post("/", headers={"Accept-Language": accepts}).json["errors"]["name"][0]

    return ask


@pytest.fixture
def babel(app, request):
    """Give the application an extension of a package that has ``get_locale``."""
    module = ModuleType("some_babel")
    state = type("State", (), {"__module__": "some_babel.inner"})()
    sys.modules["some_babel"] = module
    app.extensions["babel"] = state
    yield module
    del sys.modules["some_babel"]


def test_messages_are_english_unless_somebody_says_otherwise(message):
    assert message("zh-CN,zh;q=0.8") == ENGLISH


@pytest.mark.parametrize(
    ("accepts", "expected"),
    [("de-AT,de;q=0.9", GERMAN), ("zh", CHINESE), ("fr, zh;q=0.5", CHINESE), ("fr", ENGLISH), ("", ENGLISH)],
)
def test_the_visitor_chooses_among_the_languages_of_the_application(app, message, accepts, expected):
    Forms(app, i18n_languages=["en", "de", "zh"])

    assert message(accepts) == expected


def test_the_main_language_is_the_first_one(app, message):
    app.config["WTF_I18N_LANGUAGES"] = ["de"]

    assert message("fr") == GERMAN


@pytest.mark.parametrize(
    ("locale", "expected"),
    [
        ("de_AT", GERMAN),
        ("zh_Hans_CN", CHINESE),
        ("zh_Hant_TW", "此欄位是必需的。"),
        ("xx", ENGLISH),
        (None, ENGLISH),
    ],
)
def test_a_babel_extension_says_which_language_it_is(app, message, babel, locale, expected):
    app.config["WTF_I18N_LANGUAGES"] = ["nl"]
    babel.get_locale = lambda: locale

    assert message("nl") == expected


def test_a_babel_extension_without_a_locale_means_english(message, babel):
    assert message("de") == ENGLISH


def test_it_can_be_switched_off(app, message):
    app.config.update(WTF_I18N_ENABLED=False, WTF_I18N_LANGUAGES=["de"])

    assert message("de") == ENGLISH


def test_a_form_may_have_a_language_of_its_own(app, name_form):
    class Spanish(name_form):
        class Meta:
            locales = ["es"]

    with app.test_request_context(method="POST"):
        form = Spanish()
        form.validate()

        assert form.name.errors == ["Este campo es obligatorio."]


@pytest.mark.parametrize(
    ("language", "extension", "expired", "title"),
    [
        (
            "de",
            "Die Datei muss eine dieser Endungen haben: png",
            "Das Formular ist nicht mehr gültig. Bitte senden Sie es noch einmal.",
            "Bitte korrigieren Sie diese Felder:",
        ),
        (
            "fr",
            "Le fichier doit avoir une de ces extensions : png",
            "Le formulaire n'est plus valide. Veuillez l'envoyer à nouveau.",
            "Veuillez corriger ces champs :",
        ),
        (
            "ja",
            "File does not have an approved extension: png",
            "The CSRF token is missing.",
            "Please correct these fields:",
        ),
    ],
)
def test_what_wtforms_does_not_say_is_translated_too(app, client, language, extension, expired, title):
    class Upload(FlaskForm):
        photo = FileField(validators=[FileAllowed(["png"])])

    Forms(app, i18n_languages=["en", "de", "fr", "ja"])

    @app.post("/")
    def view():
        form = Upload()
        form.validate()
        return {"errors": form.errors, "page": render_form(form)}

    answer = (
        client(app)
        .post("/", data={"photo": (io.BytesIO(b"x"), "a.exe")}, headers={"Accept-Language": language})
        .json
    )

    assert answer["errors"] == {"photo": [extension], "csrf_token": [expired]}
    assert f">{title}</p>" in answer["page"]


@pytest.mark.parametrize("language", ["de", "es", "fr", "it", "nl", "pt"])
@pytest.mark.parametrize(
    "english",
    [
        "Send",
        "File does not have an approved extension: {extensions}",
        "File must be between {min_size} and {max_size} bytes.",
    ],
)
def test_translations_have_the_places_of_the_english_messages(language, english):
    told = OwnMessages([language]).gettext(english)

    assert told != english
    assert set(re.findall(r"{\w+}", told)) == set(re.findall(r"{\w+}", english))


def test_titles_of_the_application_stay_as_they_are(app):
    app.config.update(WTF_I18N_LANGUAGES=["de"], FORMS_ERRORS_TITLE="Oh!")
    Forms(app)
    with app.test_request_context():
        form = FlaskForm()
        form.form_errors = ["Nothing works."]
        page = render_form(form)

    assert ">Oh!</p>" in page
    assert ">Senden</button>" in page


def test_numbers_choose_the_plural(app, plain_form):
    class Lengths(plain_form):
        one = StringField(validators=[Length(min=1)])
        two = StringField(validators=[InputRequired(), Length(min=2)])

    app.config["WTF_I18N_LANGUAGES"] = ["de"]
    with app.test_request_context(method="POST", data={"two": "x"}):
        form = Lengths()
        form.validate()

        assert form.one.errors == ["Feld muss mindestens 1 Zeichen beinhalten."]
        assert form.two.errors == ["Feld muss mindestens 2 Zeichen beinhalten."]


def test_outside_of_a_request_nothing_is_translated(app):
    assert translations.gettext("x") == "x"
    assert (translations.ngettext("one", "many", 1), translations.ngettext("one", "many", 2)) == (
        "one",
        "many",
    )
    with app.app_context():
        assert translations.gettext(ENGLISH) == ENGLISH
