"""The Flask extensions, made once and bound to the application by create_app."""

from babel import Locale
from flask import Flask, request
from flask_babel import Babel
from flask_login import LoginManager
from flask_wtf.csrf import CSRFProtect
from htmx_flask import Htmx

from webapp.web import sessions

LANGUAGES = ("zh_Hans", "en")
DEFAULT_LANGUAGE = "zh_Hans"
LANGUAGE_COOKIE = "linli_language"
TEXT_SIZE_COOKIE = "linli_text_size"
THEME_COOKIE = "linli_theme"

babel = Babel()
csrf = CSRFProtect()
htmx = Htmx()
login_manager = LoginManager()


_LOCALES = {language: Locale.parse(language) for language in LANGUAGES}


def choose_language() -> Locale:
    """The signed-in user's language, else the cookie's, else Chinese."""
    from webapp.web.guard import signed_in  # noqa: PLC0415 - the guard imports the login manager above

    user = signed_in()
    language = user.language if user else request.cookies.get(LANGUAGE_COOKIE, DEFAULT_LANGUAGE)
    return _LOCALES.get(language) or _LOCALES[DEFAULT_LANGUAGE]


def init_app(app: Flask) -> None:
    """Bind every extension to the application."""
    csrf.init_app(app)
    sessions.init_app(app)
    login_manager.init_app(app)
    # The session row, not the browser's signature, decides who is signed in.
    login_manager.session_protection = None
    htmx.init_app(app)
    babel.init_app(app, locale_selector=choose_language, default_translation_directories="translations")
