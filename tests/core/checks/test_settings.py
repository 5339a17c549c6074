"""Each setting that is unsafe in production is found by its id, and a safe one is not."""

from __future__ import annotations

import ipaddress

import pytest

from costrel import Costrel, _mode
from costrel.core.checks.settings import find_in_settings

STRONG = "d2b1f0a8c96e47f3a5b4c3d2e1f00918"
SAFE = {
    "SECRET_KEY": STRONG,
    "SECRET_KEY_FALLBACKS": ["0918d2b1f0a8c96e47f3a5b4c3d2e1f0"],
    "TRUSTED_HOSTS": ["shop.example", ".shop.example"],
    "TRUSTED_PROXIES": 1,
    "TRUSTED_ORIGINS": ["https://pay.example"],
}

# Id, what is found, what is not.
SECURE = {"SESSION_COOKIE_SECURE": True}
CASES = [
    ("security.E001", {"DEBUG": True}, {"DEBUG": False}),
    ("security.E002", {"TESTING": True}, {"TESTING": False}),
    ("security.E003", {"SESSION_COOKIE_SAMESITE": "None"}, {"SESSION_COOKIE_SAMESITE": "Strict"}),
    ("security.E003", {"SESSION_COOKIE_SAMESITE": "none", "SESSION_COOKIE_SECURE": None}, {}),
    ("security.E003", {"SESSION_COOKIE_SAMESITE": "None"}, {"SESSION_COOKIE_SAMESITE": "None", **SECURE}),
    ("security.E004", {"SESSION_COOKIE_NAME": "__Host-s"}, {"SESSION_COOKIE_NAME": "__Host-s", **SECURE}),
    ("security.E004", {"SESSION_COOKIE_NAME": "__Secure-s"}, {"SESSION_COOKIE_NAME": "__Secure-s", **SECURE}),
    ("security.E004", {**SECURE, "SESSION_COOKIE_NAME": "__Host-s", "SESSION_COOKIE_PATH": "/a"},
     {"SESSION_COOKIE_PATH": "/a"}),
    ("security.E004", {**SECURE, "SESSION_COOKIE_NAME": "__Host-s", "SESSION_COOKIE_DOMAIN": "a.b"}, {}),
    ("security.E005", {"SESSION_COOKIE_PARTITIONED": True}, {"SESSION_COOKIE_PARTITIONED": True, **SECURE}),
    ("security.W001", {"SECRET_KEY": "dev"}, {"SECRET_KEY": STRONG}),
    ("security.W001", {"SECRET_KEY": "a" * 64}, {"SECRET_KEY": None}),
    ("security.W002", {"SECRET_KEY_FALLBACKS": [STRONG, "secret"]}, {"SECRET_KEY_FALLBACKS": [STRONG]}),
    ("security.W002", {"SECRET_KEY_FALLBACKS": (b"dev",)}, {"SECRET_KEY_FALLBACKS": None}),
    ("security.W003", {"SECRET_KEY": f"dev-{STRONG}"}, {"SECRET_KEY": f"{STRONG}-dev"}),
    ("security.W003", {"SECRET_KEY": f"django-insecure-{STRONG}"}, {"SECRET_KEY": f"Development{STRONG}"}),
    ("security.W003", {"SECRET_KEY": b"change me " + STRONG.encode()}, {"SECRET_KEY": "dev"}),
    ("security.W004", {"SESSION_COOKIE_SECURE": False}, {"SESSION_COOKIE_SECURE": None}),
    ("security.W005", {"SESSION_COOKIE_HTTPONLY": False}, {"SESSION_COOKIE_HTTPONLY": True}),
    ("security.W006", {"SESSION_COOKIE_SAMESITE": None}, {"SESSION_COOKIE_SAMESITE": "Lax"}),
    ("security.W007", {"SECURITY_HEADERS": False}, {"SECURITY_HEADERS": {"X-Frame-Options": "DENY"}}),
    ("security.W008", {"MAX_CONTENT_LENGTH": None}, {"MAX_CONTENT_LENGTH": 1}),
    ("security.W009", {"MAX_FORM_MEMORY_SIZE": None}, {"MAX_FORM_MEMORY_SIZE": 1}),
    ("security.W009", {"MAX_FORM_TOTAL_MEMORY_SIZE": None}, {"MAX_FORM_TOTAL_MEMORY_SIZE": 1}),
    ("security.W009", {"MAX_FORM_PARTS": None}, {"MAX_FORM_PARTS": 1}),
    ("security.W010", {"CROSS_ORIGIN_CHECK": False}, {"CROSS_ORIGIN_CHECK": True}),
    ("security.W011", {"TRUSTED_ORIGINS": ["http://pay.example"]}, {"TRUSTED_ORIGINS": ["https://pay.example"]}),
    ("security.W011", {"TRUSTED_ORIGINS": "*"}, {"TRUSTED_ORIGINS": ()}),
    ("security.W012", {"TRUSTED_HOSTS": None}, {"TRUSTED_HOSTS": None, "SERVER_NAME": "shop.example"}),
    ("security.W012", {"TRUSTED_HOSTS": []}, {"TRUSTED_HOSTS": ["shop.example"]}),
    ("security.W013", {"TRUSTED_HOSTS": ["*"]}, {"TRUSTED_HOSTS": [".shop.example"]}),
    ("security.W013", {"TRUSTED_HOSTS": [".com"]}, {"TRUSTED_HOSTS": "shop.example"}),
    ("security.W014", {"TRUSTED_PROXIES": ["0.0.0.0/0"]}, {"TRUSTED_PROXIES": ["10.0.0.0/8"]}),
    ("security.W014", {"TRUSTED_PROXIES": [ipaddress.ip_network("::/0")]}, {"TRUSTED_PROXIES": 1}),
    ("security.W015", {"TRUSTED_PROXY_HEADERS": ["X-Forwarded-Host"], "TRUSTED_HOSTS": None},
     {"TRUSTED_PROXY_HEADERS": ["X-Forwarded-Host"]}),
    ("security.W015", {"TRUSTED_PROXY_HEADERS": "Forwarded", "TRUSTED_HOSTS": None},
     {"TRUSTED_PROXY_HEADERS": "Forwarded"}),
    ("security.W016", {"STATIC_DOTFILES": True}, {"STATIC_DOTFILES": False}),
    ("security.W017", {"STATIC_SYMLINKS": True}, {"STATIC_SYMLINKS": False}),
    ("security.W018", {"PROPAGATE_EXCEPTIONS": True}, {"PROPAGATE_EXCEPTIONS": None}),
    ("security.W019", {"TRAP_HTTP_EXCEPTIONS": True}, {"TRAP_HTTP_EXCEPTIONS": False}),
    ("security.W019", {"TRAP_BAD_REQUEST_ERRORS": True}, {"TRAP_BAD_REQUEST_ERRORS": None}),
    ("security.I001", {"SECRET_KEY": None}, {"SECRET_KEY": "dev"}),
    ("security.I002", {"TRUSTED_PROXIES": None}, {"TRUSTED_PROXIES": ["unix"]}),
    ("security.I003", {"SESSION_COOKIE_DOMAIN": "shop.example"}, {"SESSION_COOKIE_DOMAIN": None}),
    ("performance.W001", {"TEMPLATES_AUTO_RELOAD": True}, {"TEMPLATES_AUTO_RELOAD": None}),
    ("performance.W002", {"EXPLAIN_TEMPLATE_LOADING": True}, {"EXPLAIN_TEMPLATE_LOADING": False}),
    ("urls.I001", {"SERVER_NAME": "shop.example"},
     {"SERVER_NAME": "shop.example", "PREFERRED_URL_SCHEME": "https"}),
    ("urls.I001", {"SERVER_NAME": "shop.example"}, {}),
]  # fmt: skip


def ids(**settings):
    app = Costrel("shop")
    app.config.update(SAFE)
    app.config.update(settings)

    return [finding.id for finding in find_in_settings(app.config)]


@pytest.mark.parametrize(("id", "unsafe", "safe"), CASES)
def test_unsafe_setting_is_found_and_a_safe_one_is_not(id, unsafe, safe):
    assert id in ids(**unsafe)
    assert id not in ids(**safe)


def test_each_id_is_tested():
    from costrel.core.checks.settings import _RULES

    assert {rule[0] for rule in _RULES} == {case[0] for case in CASES}


def test_application_with_everything_settled_has_no_finding():
    assert ids() == []


def test_new_application_lacks_hosts_only():
    assert [finding.id for finding in find_in_settings(Costrel("new").config)] == [
        "security.W012",
        "security.I001",
        "security.I002",
    ]


def test_application_under_the_alias_is_told_what_flask_leaves_open():
    before = _mode.flask_defaults()
    _mode.use_flask_defaults()
    try:
        found = {finding.id for finding in find_in_settings(Costrel("ported").config)}
    finally:
        _mode.use_flask_defaults(before)

    assert found >= {f"security.W0{number}" for number in ("04", "06", "07", "08", "10", "12", "16", "17")}


def test_settings_that_an_application_does_not_have_are_not_found():
    assert [finding.id for finding in find_in_settings({})] == ["security.W012", "security.I001"]


@pytest.mark.parametrize(("id", "unsafe", "safe"), CASES)
def test_no_finding_shows_a_key(id, unsafe, safe):
    app = Costrel("shop")
    app.config.update(unsafe)
    shown = "".join(map(str, find_in_settings(app.config)))

    for key in (STRONG, "dev-d2b1", "'dev'", "'secret'"):
        assert key not in shown
