"""What is shown of settings holds no secret."""

import pytest

from costrel.core.masking import MASK, is_secret_name, mask, mask_text, mask_url_passwords


@pytest.mark.parametrize(
    "name",
    [
        "SECRET_KEY",
        "MAIL_PASSWORD",
        "API_TOKEN",
        "STRIPE_KEY",
        "SECRET_KEY_FALLBACKS",
        "aws_secret_id",
        "KEYS_KEYS",
    ],
)
def test_names_of_secrets_are_recognised(name):
    assert is_secret_name(name)


@pytest.mark.parametrize("name", ["DEBUG", "MAIL_PORT", "KEYBOARD", "SERVER_NAME", "MONKEY"])
def test_other_names_are_not(name):
    assert not is_secret_name(name)


@pytest.mark.parametrize("value", ["abc", b"abc", ["a", "b"], 4711, 0])
def test_secret_is_masked_whatever_its_type(value):
    assert mask("SECRET_KEY", value) == MASK


@pytest.mark.parametrize("value", [None, "", False, []])
def test_secret_that_is_not_set_can_be_seen_to_be_so(value):
    assert mask("SECRET_KEY", value) == value


def test_secrets_within_mappings_and_lists_are_masked():
    value = {"default": {"USER": "ada", "PASSWORD": "x"}, "urls": ["redis://:pw@cache/0"]}

    assert mask("DATABASES", value) == {
        "default": {"USER": "ada", "PASSWORD": MASK},
        "urls": ["redis://:***@cache/0"],
    }
    assert value["default"]["PASSWORD"] == "x"


def test_value_that_holds_itself_ends():
    value = {}
    value["again"] = value

    assert "again" in mask("LOOP", value)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://ada:s3cret@db:5432/shop", "postgresql://ada:***@db:5432/shop"),
        ("redis://:s3cret@cache/0", "redis://:***@cache/0"),
        ("mysql://u:p@ss/w:rd@db/x", "mysql://u:***@db/x"),
        ("https://example.com/a:b", "https://example.com/a:b"),
        ("https://example.com:8000/@ada", "https://example.com:8000/@ada"),
        ("ada@example.com", "ada@example.com"),
    ],
)
def test_only_the_password_of_a_url_is_masked(url, shown):
    assert mask_url_passwords(url) == shown


def test_masking_takes_linear_time(assert_linear):
    assert_linear(lambda size: mask_url_passwords("://" * size + "@"), 20_000)
    assert_linear(lambda size: mask_url_passwords("@" + "://a:" * size), 20_000)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("login with password=hunter2 failed", "login with password=*** failed"),
        ("?reset_token=abc&page=2", "?reset_token=***&page=2"),
        ("{'SECRET_KEY': 'abc', 'PORT': '25'}", "{'SECRET_KEY': '***', 'PORT': '25'}"),
        ("API_KEY: abc", "API_KEY: ***"),
        ('{"client_secret":"abc"}', '{"client_secret":"***"}'),
        ("db at postgresql://ada:s3cret@db/shop", "db at postgresql://ada:***@db/shop"),
        ("KeyError: 'password'", "KeyError: 'password'"),
        ("SECRET_KEY=None", "SECRET_KEY=None"),
        ("the token is missing; key=5", "the token is missing; key=5"),
        ("token: ", "token: "),
    ],
)
def test_secrets_in_a_text_are_masked_and_the_rest_is_kept(text, shown):
    assert mask_text(text) == shown


@pytest.mark.parametrize("unit", ["TOKEN", "TOKEN=", "TOKEN='", "a=", "token: ", "TOKEN=a,"])
def test_masking_a_text_takes_linear_time(unit, assert_linear):
    assert_linear(lambda size: mask_text(unit * size), 25_000)
