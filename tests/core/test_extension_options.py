"""Options: typed in one place, kept in the configuration, live, and refused where they cannot be meant."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from costrel.config import Config
from costrel.core.extension_options import Option, Options, choice, flag, names, number, seconds, text
from costrel.errors import ConfigError, SetupError


class MailOptions(Options):
    prefix = "MAIL_"
    also_known = frozenset({"MAIL_LEGACY"})

    server = Option("localhost", "The host that takes mails.", read=text)
    port = Option(25, "The server's TCP port.", read=number)
    use_tls = Option(False, "Whether to speak TLS.", read=flag)
    password = Option(None, "What to sign in with.", read=text)
    timeout = Option(timedelta(seconds=5), "How long to wait.", read=seconds)
    headers = Option(lambda: {"X-Mailer": "costrel"}, "What each mail has.")
    sender = Option(None, "Who sends.", key="DEFAULT_SENDER")


# Where values come from.


def test_configuration_goes_before_arguments_and_those_before_defaults():
    options = MailOptions({"MAIL_PORT": 1}, {"port": 2, "server": "given"})

    assert (options.port, options.server, options.use_tls) == (1, "given", False)


def test_configuration_holds_all_values_afterwards():
    config = {"MAIL_PORT": 1}
    MailOptions(config, {"server": "given"})

    assert config["MAIL_SERVER"] == "given"
    assert config["MAIL_TIMEOUT"] == timedelta(seconds=5)
    assert config["DEFAULT_SENDER"] is None


def test_what_is_set_later_counts():
    config = {}
    options = MailOptions(config)
    config["MAIL_PORT"] = "587"

    assert options.port == 587


def test_what_is_taken_out_later_is_as_at_the_setup():
    config = {}
    options = MailOptions(config, {"port": 2})
    del config["MAIL_PORT"], config["MAIL_HEADERS"]

    assert options.port == 2
    assert options.headers is options.headers
    assert [option.origin for option in options.listed() if option.key == "MAIL_HEADERS"] == ["default"]


def test_unfit_value_that_is_set_later_is_refused_when_it_is_read():
    config = {}
    options = MailOptions(config)
    config["MAIL_PORT"] = "many"

    with pytest.raises(ConfigError, match="MAIL_PORT must be a whole number, got 'many'"):
        _ = options.port


def test_list_that_is_changed_in_place_is_read_again():
    class ListOptions(Options):
        methods = Option(lambda: ["GET"], "Which methods.", key="METHODS", read=names)

    config = {}
    options = ListOptions(config)
    assert options.methods == ("GET",)

    config["METHODS"].append("PUT")

    assert options.methods == ("GET", "PUT")


def test_value_is_read_once_as_long_as_it_stays():
    reads = []

    class CountedOptions(Options):
        port = Option(1, "A port.", key="PORT", read=lambda value: reads.append(value) or int(value))

    config = {"PORT": "2"}
    options = CountedOptions(config)
    assert [options.port, options.port] == [2, 2]
    config["PORT"] = "3"
    assert [options.port, options.port] == [3, 3]

    assert reads == ["2", "3"]


def test_two_applications_share_no_default_and_no_argument():
    first, second = {}, {}
    given_headers = {"X-Mailer": "mine"}
    options = [MailOptions(first), MailOptions(second)]
    options[0].headers["X-More"] = "1"

    assert options[1].headers == {"X-Mailer": "costrel"}

    third, fourth = (MailOptions({}, {"headers": given_headers}) for _ in range(2))
    third.headers["X-More"] = "1"
    assert fourth.headers == given_headers == {"X-Mailer": "mine"}


def test_options_of_a_base_are_inherited_and_may_be_replaced():
    class SmtpOptions(MailOptions):
        port = Option(587, "The submission port.", read=number)
        helo = Option("", "What to say first.", read=text)

    assert SmtpOptions({}).port == 587
    assert [option.name for option in SmtpOptions.all_options()][-1] == "helo"
    assert len(SmtpOptions.all_options()) == len(MailOptions.all_options()) + 1


# What is refused.


@pytest.mark.parametrize(
    ("key", "hint"),
    [
        ("MAIL_PROT", "Did you mean MAIL_PORT?"),
        ("MAIL_USE_SSL", "Did you mean MAIL_USE_TLS?"),
        ("MAIL_LEGCY", "Did you mean MAIL_LEGACY?"),
    ],
)
def test_key_with_a_typo_is_refused_with_the_one_that_was_meant(key, hint):
    with pytest.raises(ConfigError) as caught:
        MailOptions({key: 1})

    assert caught.value.problem == f"{key} is no option"
    assert caught.value.hint == hint


def test_unknown_keys_are_told_with_what_they_are_typos_of():
    config = {}
    options = MailOptions(config)
    config.update(MAIL_PROT=1, MAIL_FOOTER="Yours", MAIL_LEGACY=1)

    assert dict(options.unknown_keys()) == {"MAIL_PROT": "MAIL_PORT", "MAIL_FOOTER": None}


@pytest.mark.parametrize(
    "key", ["MAIL_LEGACY", "DEFAULT_SENDER", "MAILS", "MAIL_FOOTER", "MAIL_SERVER_NAME", ("MAIL_", 1), 7]
)
def test_other_keys_are_left_alone(key):
    MailOptions({key: None})


def test_keys_of_the_framework_are_known_where_prefixes_meet():
    class SessionOptions(Options):
        prefix = "SESSION_"

    SessionOptions(Config("", {"SESSION_COOKIE_NAME": "session"}))


def test_unknown_argument_is_refused_with_the_nearest():
    with pytest.raises(ConfigError) as caught:
        MailOptions({}, {"prot": 1})

    assert (caught.value.problem, caught.value.hint) == ("'prot' is no option", "Did you mean port?")


def test_nothing_is_written_where_something_is_refused():
    config = {"MAIL_PORT": "many"}

    with pytest.raises(ConfigError):
        MailOptions(config)

    assert config == {"MAIL_PORT": "many"}


def test_secret_is_not_told():
    with pytest.raises(ConfigError) as caught:
        MailOptions({"MAIL_PASSWORD": 1234567})

    assert "1234567" not in str(caught.value)
    assert caught.value.problem == "MAIL_PASSWORD must be a text, got '***'"


@pytest.mark.parametrize("default", [[], {}, set()])
def test_default_that_all_applications_would_share_is_refused(default):
    with pytest.raises(SetupError, match="would be shared by all applications"):
        type("Bad", (Options,), {"things": Option(default, "Things.")})


@pytest.mark.parametrize("name", ["app", "self", "config", "prefix", "listed", "all_options"])
def test_name_that_means_something_else_is_refused(name):
    with pytest.raises(SetupError, match=f"cannot have an option {name!r}"):
        type("Bad", (Options,), {name: Option(1, "One.")})


# What is told.


def test_list_tells_where_each_value_comes_from():
    config = {"MAIL_PORT": 1}
    options = MailOptions(config, {"server": "given"})
    config["MAIL_USE_TLS"] = True

    origins = {option.key: option.origin for option in options.listed()}

    assert origins["MAIL_PORT"] == origins["MAIL_USE_TLS"] == "config"
    assert origins["MAIL_SERVER"] == "code"
    assert origins["MAIL_TIMEOUT"] == "default"


def test_list_has_unfit_values_with_their_problem():
    config = {}
    options = MailOptions(config)
    config["MAIL_PORT"] = "many"

    (port,) = (option for option in options.listed() if option.name == "port")

    assert (port.value, port.problem) == ("many", "MAIL_PORT must be a whole number, got 'many'")
    assert [error.problem for error in options.unfit_values()] == [port.problem]


# The readers, with what environment variables hold.


@pytest.mark.parametrize("value", [True, 1, "1", "true", "True", "YES", " on "])
def test_flag_is_on(value):
    assert flag(value) is True


@pytest.mark.parametrize("value", [False, 0, None, "0", "false", "No", "off", ""])
def test_flag_is_off(value):
    assert flag(value) is False


@pytest.mark.parametrize("value", ["maybe", 2, -1, 1.5, [], object()])
def test_flag_takes_nothing_else(value):
    with pytest.raises(ValueError, match="must be True or False"):
        flag(value)


@given(st.integers(min_value=0, max_value=10**30))
def test_number_is_read_from_its_text(value):
    assert number(str(value)) == number(value) == value


@pytest.mark.parametrize("value", [True, 1.0, "1.0", "", "one", None, "1_0"])
def test_number_takes_nothing_else(value):
    with pytest.raises(ValueError, match="must be a whole number"):
        number(value)


@pytest.mark.parametrize("value", [-1, "-1"])
def test_number_is_not_negative(value):
    with pytest.raises(ValueError, match="must be 0 or more"):
        number(value)


@pytest.mark.parametrize("value", [90, 90.0, "90", timedelta(seconds=90)])
def test_seconds_are_a_duration(value):
    assert seconds(value) == timedelta(seconds=90)


def test_no_duration_stays_none():
    assert seconds(None) is None


@pytest.mark.parametrize("value", [True, "soon", "", float("nan"), float("inf"), 1e300, []])
def test_seconds_take_nothing_else(value):
    with pytest.raises(ValueError, match="must be seconds or a timedelta"):
        seconds(value)


@pytest.mark.parametrize("value", ["POST,PUT", " POST , PUT ,", ["POST", "PUT"], ("POST", "PUT")])
def test_names_are_a_tuple(value):
    assert names(value) == ("POST", "PUT")


@pytest.mark.parametrize("value", [None, 1, [1], b"POST"])
def test_names_take_nothing_else(value):
    with pytest.raises(ValueError, match="must be a list of texts"):
        names(value)


def test_choice_takes_its_values_only():
    read = choice("basic", None)

    assert (read("basic"), read(None)) == ("basic", None)
    with pytest.raises(ValueError, match="must be one of 'basic', None"):
        read("strong")


def test_text_takes_texts_only():
    assert text("") == ""
    with pytest.raises(ValueError, match="must be a text"):
        text(b"bytes")
