"""What forms say beyond WTForms' messages, in a few languages. Knows no request."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from gettext import NullTranslations

__all__ = ["OwnMessages"]

_ENGLISH = (
    "File does not have an approved extension.",
    "File does not have an approved extension: {extensions}",
    "File must be between {min_size} and {max_size} bytes.",
    "The response parameter is missing.",
    "The response parameter is invalid or malformed.",
    "The CSRF token is missing.",
    "The CSRF session token is missing.",
    "The CSRF token is invalid.",
    "The CSRF token has expired.",
    "The CSRF tokens do not match.",
    "Please correct these fields:",
    "Send",
)
# Of a token and a captcha visitors know nothing; so these say what to do.
_OTHERS = {
    "de": (
        "Dateien dieser Art sind nicht erlaubt.",
        "Die Datei muss eine dieser Endungen haben: {extensions}",
        "Die Datei muss zwischen {min_size} und {max_size} Bytes groß sein.",
        "Bitte lösen Sie das Captcha.",
        "Das Captcha wurde nicht gelöst. Bitte versuchen Sie es noch einmal.",
        *["Das Formular ist nicht mehr gültig. Bitte senden Sie es noch einmal."] * 5,
        "Bitte korrigieren Sie diese Felder:",
        "Senden",
    ),
    "es": (
        "No se permiten archivos de este tipo.",
        "El archivo debe tener una de estas extensiones: {extensions}",
        "El archivo debe tener entre {min_size} y {max_size} bytes.",
        "Resuelva el captcha.",
        "El captcha no se resolvió. Inténtelo de nuevo.",
        *["El formulario ya no es válido. Envíelo de nuevo."] * 5,
        "Corrija estos campos:",
        "Enviar",
    ),
    "fr": (
        "Les fichiers de ce type ne sont pas acceptés.",
        "Le fichier doit avoir une de ces extensions : {extensions}",
        "Le fichier doit avoir une taille de {min_size} à {max_size} octets.",
        "Veuillez résoudre le captcha.",
        "Le captcha n'a pas été résolu. Veuillez réessayer.",
        *["Le formulaire n'est plus valide. Veuillez l'envoyer à nouveau."] * 5,
        "Veuillez corriger ces champs :",
        "Envoyer",
    ),
    "it": (
        "I file di questo tipo non sono ammessi.",
        "Il file deve avere una di queste estensioni: {extensions}",
        "Il file deve avere una dimensione tra {min_size} e {max_size} byte.",
        "Risolva il captcha.",
        "Il captcha non è stato risolto. Riprovi.",
        *["Il modulo non è più valido. Lo invii di nuovo."] * 5,
        "Corregga questi campi:",
        "Invia",
    ),
    "nl": (
        "Bestanden van dit type zijn niet toegestaan.",
        "Het bestand moet een van deze extensies hebben: {extensions}",
        "Het bestand moet tussen {min_size} en {max_size} bytes groot zijn.",
        "Los de captcha op.",
        "De captcha is niet opgelost. Probeer het opnieuw.",
        *["Het formulier is niet meer geldig. Verstuur het opnieuw."] * 5,
        "Corrigeer deze velden:",
        "Versturen",
    ),
    "pt": (
        "Ficheiros deste tipo não são permitidos.",
        "O ficheiro deve ter uma destas extensões: {extensions}",
        "O ficheiro deve ter entre {min_size} e {max_size} bytes.",
        "Resolva o captcha.",
        "O captcha não foi resolvido. Tente novamente.",
        *["O formulário já não é válido. Envie-o novamente."] * 5,
        "Corrija estes campos:",
        "Enviar",
    ),
}
_CATALOGS: dict[str, Mapping[str, str]] = {
    language: dict(zip(_ENGLISH, told, strict=True)) for language, told in _OTHERS.items()
}


class OwnMessages(NullTranslations):
    """The messages in one language; those that it lacks stay as they are.

    Args:
        languages: Names of catalogs, the best one first.

    Example:
        >>> OwnMessages(["de_AT", "de"]).gettext("Send"), OwnMessages(["xx"]).gettext("Send")
        ('Senden', 'Send')
    """

    def __init__(self, languages: Iterable[str]) -> None:
        super().__init__()
        found = next((_CATALOGS[language] for language in languages if language in _CATALOGS), None)
        self._messages: Mapping[str, str] = found or {}

    def gettext(self, message: str) -> str:
        """Return a message in the language."""
        return self._messages.get(message, message)
