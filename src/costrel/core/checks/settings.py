"""What is unsafe or unwise among the settings of an application in production. Knows the settings only."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from costrel.core.checks.finding import HOSTS_NOT_SETTLED, Finding
from costrel.core.secret_keys import is_for_development, is_weak_key
from costrel.errors import ConfigError

__all__ = ["find_in_settings", "find_unreadable"]

Settings = Mapping[str, Any]

_MAKE_A_KEY = "Make a key with python -c 'import secrets; print(secrets.token_hex(32))'"


def _old_keys(config: Settings) -> list[Any]:
    keys = config.get("SECRET_KEY_FALLBACKS")

    return list(keys) if isinstance(keys, list | tuple | set | frozenset) else []


def _is_off(key: str) -> Callable[[Settings], bool]:
    """Find a setting that is there and off; one that the application does not have is not found."""
    return lambda config: key in config and not config[key]


def _is_none(key: str) -> Callable[[Settings], bool]:
    return lambda config: key in config and config[key] is None


def _is_on(*keys: str) -> Callable[[Settings], bool]:
    return lambda config: any(config.get(key) for key in keys)


def _secure_is_false(config: Settings) -> bool:
    # None means: whenever the request came over HTTPS.
    return config.get("SESSION_COOKIE_SECURE", None) is False


def _breaks_name_prefix(config: Settings) -> bool:
    name = str(config.get("SESSION_COOKIE_NAME") or "").lower()
    path = config.get("SESSION_COOKIE_PATH") or config.get("APPLICATION_ROOT") or "/"
    secure = config.get("SESSION_COOKIE_SECURE") is True
    if name.startswith("__host-"):
        return not secure or path != "/" or bool(config.get("SESSION_COOKIE_DOMAIN"))

    return name.startswith("__secure-") and not secure


def _hosts(config: Settings) -> list[str]:
    hosts = config.get("TRUSTED_HOSTS") or ()

    return [hosts] if isinstance(hosts, str) else [str(host) for host in hosts]


def _origins(config: Settings) -> list[str]:
    origins = config.get("TRUSTED_ORIGINS") or ()

    return [origins] if isinstance(origins, str) else [str(origin) for origin in origins]


def _accepts_a_whole_suffix(config: Settings) -> bool:
    return any("*" in host or (host.startswith(".") and "." not in host[1:]) for host in _hosts(config))


def _believes_everyone(config: Settings) -> bool:
    proxies = config.get("TRUSTED_PROXIES")
    if isinstance(proxies, str | int) or not proxies:
        return False

    return any(str(network).endswith("/0") for network in proxies)


def _takes_any_forwarded_host(config: Settings) -> bool:
    named = config.get("TRUSTED_PROXY_HEADERS") or ()
    names = {str(name).lower() for name in ([named] if isinstance(named, str) else named)}

    return bool(config.get("TRUSTED_PROXIES")) and not names.isdisjoint(("x-forwarded-host", "forwarded"))


# Id, whether it holds, what is wrong, what to do. The ids stay; a new one takes the next number.
_RULES: tuple[tuple[str, Callable[[Settings], bool], str, str], ...] = (
    (
        "security.E001",
        _is_on("DEBUG"),
        "DEBUG is on: errors are shown to visitors, with source and values",
        "Serve without --debug, and unset COSTREL_DEBUG and FLASK_DEBUG.",
    ),
    (
        "security.E002",
        _is_on("TESTING"),
        "TESTING is on: errors end the request without an answer",
        "Set it in tests only.",
    ),
    (
        "security.E003",
        lambda config: (
            str(config.get("SESSION_COOKIE_SAMESITE") or "").lower() == "none"
            and config.get("SESSION_COOKIE_SECURE") is not True
        ),
        "SESSION_COOKIE_SAMESITE is 'None' without SESSION_COOKIE_SECURE: browsers drop the cookie",
        "Set SESSION_COOKIE_SECURE = True, or SESSION_COOKIE_SAMESITE = 'Lax'.",
    ),
    (
        "security.E004",
        _breaks_name_prefix,
        "SESSION_COOKIE_NAME begins with __Host- or __Secure-, but the cookie is not as that promises:"
        " browsers drop it",
        "Set SESSION_COOKIE_SECURE = True; for __Host- also leave domain and path alone.",
    ),
    (
        "security.E005",
        lambda config: (
            bool(config.get("SESSION_COOKIE_PARTITIONED")) and config.get("SESSION_COOKIE_SECURE") is not True
        ),
        "SESSION_COOKIE_PARTITIONED is on without SESSION_COOKIE_SECURE: browsers drop the cookie",
        "Set SESSION_COOKIE_SECURE = True.",
    ),
    (
        "security.W001",
        lambda config: is_weak_key(config.get("SECRET_KEY")),
        "SECRET_KEY is easy to guess: whoever guesses it can sign in as anyone",
        f"{_MAKE_A_KEY}.",
    ),
    (
        "security.W002",
        lambda config: any(map(is_weak_key, _old_keys(config))),
        "SECRET_KEY_FALLBACKS has a key that is easy to guess: whoever guesses it can sign in as anyone",
        "Take it out of the list; who signed in by it has to do so again.",
    ),
    (
        "security.W003",
        lambda config: (
            not is_weak_key(config.get("SECRET_KEY")) and is_for_development(config.get("SECRET_KEY"))
        ),
        "SECRET_KEY begins like one for development, which others may know",
        f"{_MAKE_A_KEY}, and set it from the environment.",
    ),
    (
        "security.W004",
        _secure_is_false,
        "SESSION_COOKIE_SECURE is False: the session cookie is sent over plain HTTP too",
        "Set it to None (secure whenever the request is) or to True.",
    ),
    (
        "security.W005",
        _is_off("SESSION_COOKIE_HTTPONLY"),
        "SESSION_COOKIE_HTTPONLY is off: a script injected into a page can steal the session",
        "Set SESSION_COOKIE_HTTPONLY = True.",
    ),
    (
        "security.W006",
        lambda config: "SESSION_COOKIE_SAMESITE" in config and not config["SESSION_COOKIE_SAMESITE"],
        "SESSION_COOKIE_SAMESITE is not set: what other sites send may carry the session",
        "Set SESSION_COOKIE_SAMESITE = 'Lax'.",
    ),
    (
        "security.W007",
        _is_off("SECURITY_HEADERS"),
        "SECURITY_HEADERS is off: browsers guess types, frame the pages and tell addresses to other sites",
        "Set SECURITY_HEADERS = True, or to a mapping of your own.",
    ),
    (
        "security.W008",
        _is_none("MAX_CONTENT_LENGTH"),
        "MAX_CONTENT_LENGTH is None: a body of any size is read",
        "Set it to the largest upload you expect, in bytes; a view may raise it for itself.",
    ),
    (
        "security.W009",
        lambda config: any(
            _is_none(key)(config)
            for key in ("MAX_FORM_MEMORY_SIZE", "MAX_FORM_TOTAL_MEMORY_SIZE", "MAX_FORM_PARTS")
        ),
        "a limit of forms is None: one request can fill the memory",
        "Set MAX_FORM_MEMORY_SIZE, MAX_FORM_TOTAL_MEMORY_SIZE and MAX_FORM_PARTS to numbers.",
    ),
    (
        "security.W010",
        _is_off("CROSS_ORIGIN_CHECK"),
        "CROSS_ORIGIN_CHECK is off: other sites can send forms in a visitor's name",
        "Set CROSS_ORIGIN_CHECK = True and list exceptions in TRUSTED_ORIGINS, or check tokens yourself.",
    ),
    (
        "security.W011",
        lambda config: any("*" in text or not text.startswith("https://") for text in _origins(config)),
        "TRUSTED_ORIGINS has an entry that is no https:// origin: who sits between can send requests",
        "Write whole origins, 'https://shop.example'.",
    ),
    (
        HOSTS_NOT_SETTLED,
        lambda config: not config.get("TRUSTED_HOSTS") and config.get("SERVER_NAME") is None,
        "TRUSTED_HOSTS is not set: any client chooses the host of whole URLs, in mails and pages",
        "Set TRUSTED_HOSTS = ['shop.example'] or SERVER_NAME.",
    ),
    (
        "security.W013",
        _accepts_a_whole_suffix,
        "TRUSTED_HOSTS has an entry that names no host of yours, such as '*' or '.com'",
        "Write 'shop.example', or '.shop.example' for its subdomains as well.",
    ),
    (
        "security.W014",
        _believes_everyone,
        "TRUSTED_PROXIES has a network of all addresses: every client is believed",
        "Write the networks of the proxies, or their number: TRUSTED_PROXIES = 1.",
    ),
    (
        "security.W015",
        lambda config: _takes_any_forwarded_host(config) and not config.get("TRUSTED_HOSTS"),
        "the proxies' word for the host is believed, but TRUSTED_HOSTS is not set: a header that a proxy"
        " passes on chooses the host of whole URLs",
        "Set TRUSTED_HOSTS.",
    ),
    (
        "security.W016",
        _is_on("STATIC_DOTFILES"),
        "STATIC_DOTFILES is on: .env, .git and their like are served if they lie in a static folder",
        "Set STATIC_DOTFILES = False; .well-known is served all the same.",
    ),
    (
        "security.W017",
        _is_on("STATIC_SYMLINKS"),
        "STATIC_SYMLINKS is on: links in a static folder lead out of it",
        "Set STATIC_SYMLINKS = False, or see to it that visitors can make none there.",
    ),
    (
        "security.W018",
        _is_on("PROPAGATE_EXCEPTIONS"),
        "PROPAGATE_EXCEPTIONS is on: errors reach the server, without an answer or a line in your log",
        "Set it to None.",
    ),
    (
        "security.W019",
        _is_on("TRAP_HTTP_EXCEPTIONS", "TRAP_BAD_REQUEST_ERRORS"),
        "TRAP_HTTP_EXCEPTIONS or TRAP_BAD_REQUEST_ERRORS is on: a visitor's mistake is an error of the app",
        "Set them in development only.",
    ),
    (
        "security.I001",
        lambda config: not config.get("SECRET_KEY"),
        "SECRET_KEY is not set: sessions and flashed messages cannot be written",
        f"If you need them: {_MAKE_A_KEY[0].lower()}{_MAKE_A_KEY[1:]}.",
    ),
    (
        "security.I002",
        lambda config: "TRUSTED_PROXIES" in config and not config["TRUSTED_PROXIES"],
        "TRUSTED_PROXIES is not set: behind a proxy, its address is taken for that of every visitor",
        "Set it to the number of proxies in front, if there are any.",
    ),
    (
        "security.I003",
        _is_on("SESSION_COOKIE_DOMAIN"),
        "SESSION_COOKIE_DOMAIN is set: every host below it is sent the session, also those of others",
        "Leave it None, if one host needs the session.",
    ),
    (
        "performance.W001",
        _is_on("TEMPLATES_AUTO_RELOAD"),
        "TEMPLATES_AUTO_RELOAD is on: each rendering looks whether files have changed",
        "Set it to None: then it is on in debug mode.",
    ),
    (
        "performance.W002",
        _is_on("EXPLAIN_TEMPLATE_LOADING"),
        "EXPLAIN_TEMPLATE_LOADING is on: each template that is loaded writes to the log",
        "Set it in development only.",
    ),
    (
        "urls.I001",
        lambda config: bool(config.get("SERVER_NAME")) and config.get("PREFERRED_URL_SCHEME") == "http",
        "PREFERRED_URL_SCHEME is 'http': URLs in mails and jobs, outside of requests, begin with http://",
        "Set PREFERRED_URL_SCHEME = 'https'.",
    ),
)


def find_in_settings(config: Settings) -> Iterator[Finding]:
    """Find what is unsafe or unwise in production.

    Example:
        >>> [finding.id for finding in find_in_settings({"SERVER_NAME": "a.example", "SECRET_KEY": "dev"})]
        ['security.W001']
    """
    for id, holds, text, hint in _RULES:
        if holds(config):
            yield Finding(id, text, hint)


def find_unreadable(error: ConfigError) -> Finding:
    """Tell a setting that is refused before the first request as a finding."""
    return Finding("config.E001", error.problem, error.hint)
