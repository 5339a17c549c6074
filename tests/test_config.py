"""The configuration fills itself from anywhere, and shows no secret."""

import json
import os
import tomllib

import pytest

from costrel.config import Config, ConfigAttribute
from costrel.errors import CostrelError


@pytest.fixture
def config(tmp_path):
    return Config(tmp_path)


def test_only_uppercase_names_are_taken(config):
    class Settings:
        PORT = 25
        Port = 1
        port = 2

    config.from_object(Settings)
    config.from_mapping({"HOST": "mail", "host": "no"}, USER="ada", user="no")

    assert config == {"PORT": 25, "HOST": "mail", "USER": "ada"}


def test_mapping_can_be_pairs_and_arguments_win(config):
    assert config.from_mapping([("A", 1), ("B", 2)], B=3) is True
    assert config == {"A": 1, "B": 3}


def test_python_file_is_run_with_its_name(config, tmp_path):
    (tmp_path / "settings.py").write_text("PORT = 20 + 5\nFILE = __file__\nlower = 1\n")

    assert config.from_pyfile("settings.py") is True
    assert config == {"PORT": 25, "FILE": str(tmp_path / "settings.py")}


def test_python_file_may_declare_its_encoding(config, tmp_path):
    (tmp_path / "settings.py").write_text('# -*- coding: latin-1 -*-\nNAME = "föö"\n', "latin-1")
    config.from_pyfile("settings.py")

    assert config["NAME"] == "föö"


def test_missing_file_is_an_oserror_that_names_the_nearest(config, tmp_path):
    (tmp_path / "settings.py").touch()

    with pytest.raises(OSError) as caught:
        config.from_pyfile("setings.py")

    assert str(caught.value).startswith(
        "[Errno 2] Unable to load configuration file (No such file or directory)"
    )
    assert str(caught.value).endswith("setings.py'")
    assert "Did you mean 'settings.py'?" in caught.value.__notes__[0]


def test_missing_folder_is_named(config, tmp_path):
    with pytest.raises(OSError) as caught:
        config.from_file("instance/settings.json", json.load)

    assert str(tmp_path / "instance") in caught.value.__notes__[0]


def test_missing_file_is_passed_over_if_asked(config):
    assert config.from_pyfile("none.py", silent=True) is False
    assert config.from_file("none.json", json.load, silent=True) is False


def test_mistake_in_a_file_is_never_passed_over(config, tmp_path):
    (tmp_path / "settings.py").write_text("PORT = \n")

    with pytest.raises(SyntaxError) as caught:
        config.from_pyfile("settings.py", silent=True)

    assert caught.value.filename == str(tmp_path / "settings.py")


def test_any_format_is_read_by_a_function(config, tmp_path):
    (tmp_path / "a.json").write_text('{"A": 1, "a": 2}')
    (tmp_path / "b.toml").write_text("B = 2")
    config.from_file("a.json", json.load)
    config.from_file("b.toml", tomllib.load, text=False)

    assert config == {"A": 1, "B": 2}


def test_file_is_named_by_an_environment_variable(config, tmp_path, monkeypatch):
    (tmp_path / "settings.py").write_text("A = 1")
    monkeypatch.setenv("SHOP_SETTINGS", "settings.py")

    assert config.from_envvar("SHOP_SETTINGS") is True
    assert config == {"A": 1}


def test_unset_variable_is_a_runtimeerror_that_names_the_nearest(config, monkeypatch):
    monkeypatch.setenv("SHOP_SETTINGS", "settings.py")

    with pytest.raises(RuntimeError, match="'SHOP_SETINGS' is not set") as caught:
        config.from_envvar("SHOP_SETINGS")

    assert isinstance(caught.value, CostrelError)
    assert "SHOP_SETTINGS" in caught.value.hint
    assert config.from_envvar("SHOP_SETINGS", silent=True) is False


def test_unset_variable_with_none_like_it_shows_the_line_to_type(config, monkeypatch):
    monkeypatch.setattr(os, "environ", {})

    with pytest.raises(RuntimeError) as caught:
        config.from_envvar("SHOP_SETTINGS")

    assert "export SHOP_SETTINGS=" in caught.value.hint


def test_object_is_imported_by_name(config):
    config.from_object("json.decoder")

    assert "FLAGS" in config


def test_wrong_name_in_a_module_is_answered_with_the_nearest(config):
    with pytest.raises(ImportError) as caught:
        config.from_object("json.decoder.JSONDecodr")

    assert "json.decoder.JSONDecoder" in caught.value.__notes__[-1]


def test_variables_with_the_prefix_are_read_as_json_else_as_text(config, monkeypatch):
    monkeypatch.setattr(
        os,
        "environ",
        {"FLASK_A": "1", "FLASK_B": "text", "FLASK_C": '{"k": [true]}', "OTHER": "1", "FLASKX_D": "1"},
    )

    assert config.from_prefixed_env() is True
    assert config == {"A": 1, "B": "text", "C": {"k": [True]}}


def test_prefix_and_reader_can_be_chosen(config, monkeypatch):
    monkeypatch.setattr(os, "environ", {"SHOP_A": "1"})
    config.from_prefixed_env("SHOP", loads=str)

    assert config == {"A": "1"}


def test_two_underscores_set_a_key_of_a_dict(config, monkeypatch):
    monkeypatch.setattr(
        os, "environ", {"FLASK_DB__HOST": "a", "FLASK_DB__OPTIONS__SIZE": "3", "FLASK_NEW__K": "v"}
    )
    config["DB"] = {"HOST": "old", "PORT": 1}
    config.from_prefixed_env()

    assert config == {"DB": {"HOST": "a", "PORT": 1, "OPTIONS": {"SIZE": 3}}, "NEW": {"K": "v"}}


def test_key_of_what_is_no_dict_is_refused(config, monkeypatch):
    monkeypatch.setattr(os, "environ", {"FLASK_DB__HOST": "a"})
    config["DB"] = "sqlite://"

    with pytest.raises(TypeError, match="FLASK_DB__HOST sets a key of 'DB'"):
        config.from_prefixed_env()


def test_namespace_is_cut_out(config):
    config.update(MAIL_PORT=25, MAIL_USE_TLS=True, PORT=1)

    assert config.get_namespace("MAIL_") == {"port": 25, "use_tls": True}
    assert config.get_namespace("MAIL_", lowercase=False) == {"PORT": 25, "USE_TLS": True}
    assert config.get_namespace("MAIL_", trim_namespace=False) == {"mail_port": 25, "mail_use_tls": True}


def test_repr_hides_secrets_and_keeps_the_rest(config):
    config.update(SECRET_KEY="k1", MAIL_PASSWORD="k2", DB="postgresql://ada:k3@db/x", PORT=25, API_TOKEN=None)

    shown = repr(config)

    assert shown.startswith("<Config {")
    assert not any(secret in shown for secret in ("k1", "k2", "k3"))
    assert "'PORT': 25" in shown
    assert "'API_TOKEN': None" in shown
    assert config["SECRET_KEY"] == "k1"
    assert str(config) == shown == f"{config}"


def test_attribute_reads_and_writes_the_config():
    class App:
        lifetime = ConfigAttribute("LIFETIME", get_converter=int)

        def __init__(self):
            self.config = Config("", {"LIFETIME": "3"})

    app = App()
    assert app.lifetime == 3

    app.lifetime = "4"
    assert app.config["LIFETIME"] == "4"
    assert App.lifetime.__name__ == "LIFETIME"
