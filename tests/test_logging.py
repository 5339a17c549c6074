"""The application's logger writes where the server reads, one line a message."""

import io
import logging
import sys

import pytest

from costrel import Costrel
from costrel.logging import SEVERAL_LINES, default_handler, has_level_handler, wsgi_errors_stream


@pytest.fixture
def logger():
    """A logger apart from the root, which pytest gives handlers."""
    logger = logging.getLogger("apart_from_root")
    root, logger.parent = logger.parent, logging.Logger("lonely", logging.WARNING)  # noqa: LOG001  # no other root
    yield logger
    logger.parent = root
    logger.handlers.clear()
    logger.setLevel(logging.NOTSET)


@pytest.fixture
def app(logger):
    return Costrel(logger.name)


def test_logger_has_the_application_s_name_and_one_handler(app, logger):
    assert app.logger is logger
    assert app.logger.handlers == [default_handler]
    assert app.logger.level == logging.NOTSET


def test_everything_is_logged_in_debug_mode(app):
    app.debug = True

    assert app.logger.level == logging.DEBUG


def test_level_that_was_set_is_kept_in_debug_mode(app, logger):
    logger.setLevel(logging.ERROR)
    app.debug = True

    assert app.logger.level == logging.ERROR


def test_handler_that_was_set_up_is_enough(app, logger):
    own = logging.StreamHandler(io.StringIO())
    logger.addHandler(own)

    assert app.logger.handlers == [own]


def test_handler_above_counts_only_if_it_takes_the_level(logger):
    assert not has_level_handler(logger)

    handler = logging.StreamHandler(io.StringIO())
    logger.parent.addHandler(handler)
    assert has_level_handler(logger)

    handler.setLevel(logging.CRITICAL)
    assert not has_level_handler(logger)


def test_handler_above_does_not_count_where_nothing_propagates(logger):
    logger.parent.addHandler(logging.StreamHandler(io.StringIO()))
    logger.propagate = False
    try:
        assert all(handler not in logger.parent.handlers for handler in logger.handlers)
        assert has_level_handler(logger) is bool(logger.handlers)
    finally:
        logger.propagate = True


def test_messages_go_to_the_server_s_stream_in_a_request(app):
    stream = io.StringIO()
    assert wsgi_errors_stream._get_current_object() is sys.stderr

    with app.test_request_context(errors_stream=stream):
        assert wsgi_errors_stream._get_current_object() is stream
        app.logger.error("broken cup")

    assert "ERROR in test_logging: broken cup\n" in stream.getvalue()


def formatted(message, *args, exc_info=None, **extra):
    record = logging.LogRecord("x", logging.ERROR, "shop.py", 1, message, args, exc_info)
    vars(record).update(extra)

    return default_handler.format(record)


def test_line_of_an_error_names_the_module_that_operators_look_for(app):
    app.add_url_rule("/", "broken", lambda: 1 // 0)
    stream = io.StringIO()

    app.test_client(protocol="wsgi").get("/", errors_stream=stream)

    assert "] ERROR in app: Exception on / [GET]\n" in stream.getvalue()


@pytest.mark.parametrize(
    "sent", ["a\nERROR in app: forged", "a\r\nb", "\x1b[2J", "a\x00b", "\x9b31m", "a\u2028b", "\x7f"]
)
def test_control_characters_in_a_message_are_escaped(sent):
    line = formatted("user %s", sent)

    assert line.isprintable()
    assert sent.encode("unicode_escape").decode() in line


def test_letters_of_all_scripts_and_tabs_stay():
    assert "grüße\t你好 ☕" in formatted("grüße\t你好 ☕")


def test_traceback_keeps_its_lines_and_loses_other_controls():
    try:
        raise ValueError("a\x1b[2Jb")
    except ValueError:
        text = formatted("failed", exc_info=sys.exc_info())

    assert "Traceback (most recent call last):\n" in text
    assert "ValueError: a\\x1b[2Jb" in text


def test_explanation_of_costrel_s_own_keeps_its_lines():
    assert formatted("one\ntwo", **{SEVERAL_LINES: True}).endswith("one\ntwo")
