"""A captcha in a form, by the names of ``flask_wtf.recaptcha``: Google's, or one with the same protocol."""

from costrel.ext.forms.recaptcha.fields import RecaptchaField
from costrel.ext.forms.recaptcha.validators import Recaptcha
from costrel.ext.forms.recaptcha.widgets import RecaptchaWidget

__all__ = ["Recaptcha", "RecaptchaField", "RecaptchaWidget"]
