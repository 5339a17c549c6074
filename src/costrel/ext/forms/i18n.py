"""The messages of forms in the visitor's language.

WTForms brings the translations; ``messages.py`` has the rest. Which language it is, a babel extension says
if the application has one; else the request's ``Accept-Language``, out of
``WTF_I18N_LANGUAGES``. Without either it is English: an application whose pages
are in one language has its messages in the same.
"""

from __future__ import annotations

import gettext
import sys
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Protocol

from wtforms.i18n import messages_path  # type: ignore[import-untyped]  # WTForms has no types

from costrel import has_request_context
from costrel.ext.forms.messages import OwnMessages
from costrel.globals import current_app, request

__all__ = ["Translations", "catalog_of_request", "translations"]

_KEPT = "wtforms_translations"


class Catalog(Protocol):
    """What translates; ``gettext.NullTranslations`` is one."""

    def gettext(self, message: str, /) -> str: ...

    def ngettext(self, msgid1: str, msgid2: str, n: int, /) -> str: ...


class Translations:
    """Translates messages for the current request; outside of one they stay English."""

    def gettext(self, string: str) -> str:
        """Return a message in the visitor's language."""
        found = catalog_of_request()

        return string if found is None else found.gettext(string)

    def ngettext(self, singular: str, plural: str, n: int) -> str:
        """Return a message with a number in the visitor's language."""
        found = catalog_of_request()
        if found is None:
            return singular if n == 1 else plural

        return found.ngettext(singular, plural, n)


translations = Translations()


def catalog_of_request() -> Catalog | None:
    """Return what translates for the current request; ``None`` without one, and for English."""
    if not has_request_context():
        return None

    kept: Catalog | None = getattr(request, _KEPT, None)
    if kept is None:
        languages = _languages()
        if not languages:
            return None
        kept = _load(tuple(languages))
        setattr(request, _KEPT, kept)

    return kept


@lru_cache(maxsize=64)  # PERF: gettext looks for the files each time, which takes 50 µs
def _load(languages: tuple[str, ...]) -> Catalog:
    found = gettext.translation("wtforms", messages_path(), languages, fallback=True)
    found.add_fallback(OwnMessages(languages))

    return found


def _languages() -> list[str]:
    """Name the catalogs to look for, the best one first; none for English."""
    app = current_app
    babel = app.extensions.get("babel")
    if babel is not None:
        return _candidates(_locale_of(babel))

    offered: Sequence[str] = app.config.get("WTF_I18N_LANGUAGES") or ()
    if not offered:
        return []

    return _candidates(request.accept_languages.best_match(offered, offered[0]))


# Any: extensions of others.
def _locale_of(babel: Any) -> Any:
    """Ask the package that an extension is of for its ``get_locale``, which Flask-Babel and its like have."""
    name = type(babel).__module__
    while name:
        get_locale = getattr(sys.modules.get(name), "get_locale", None)
        if get_locale is not None:
            return get_locale()
        name = name.rpartition(".")[0]

    return None


def _candidates(locale: Any) -> list[str]:
    """Name the catalogs that serve a locale.

    Example:
        >>> _candidates("zh_Hant_HK"), _candidates("de-AT"), _candidates("en")
        (['zh_TW', 'zh'], ['de_AT', 'de'], ['en'])
    """
    if locale is None:
        return []

    language, *rest = str(locale).replace("-", "_").split("_")
    if "Hant" in rest:  # the one catalog in traditional characters
        return ["zh_TW", language]
    if not rest:
        return [language]

    return [f"{language}_{rest[-1]}", language]
