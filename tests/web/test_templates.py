"""Templates are compiled once per language, and say the same as Jinja's own gettext would."""

import pytest
from flask import Flask, render_template_string
from flask_babel import force_locale

from webapp.web.extensions import LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    ("source", "values"),
    [
        ('{{ _("Home") }}', {}),
        ('{{ _("%(count)s bags", count=n) }}', {"n": 3}),
        ('{{ _("%(count)s bags", count=3) }}', {}),
        ('{{ _("%(count)s of %(bag)s", count=1, bag=name) }}', {"name": "<b>"}),
        ('{% set word = _("Home") %}{{ word|upper }}{{ word ~ "<" }}', {}),
    ],
)
def test_a_translated_template_says_what_gettext_says(session_app: Flask, language, source, values):
    ours = session_app.jinja_env
    plain = ours.overlay()
    plain.language = ""  # compiled without translating: gettext is called while rendering
    translated = ours.overlay()
    translated.language = language
    with session_app.test_request_context(), force_locale(language):
        assert translated.from_string(source).render(values) == plain.from_string(source).render(values)


def test_each_language_has_its_own_page_whoever_asks_first(app: Flask):
    browser = app.test_client()
    first = browser.get("/accounts/sign-in").get_data(as_text=True)
    browser.set_cookie("linli_language", "en")
    second = browser.get("/accounts/sign-in").get_data(as_text=True)
    browser.set_cookie("linli_language", "zh_Hans")
    third = browser.get("/accounts/sign-in").get_data(as_text=True)
    assert "登录" in first
    assert "登录" in third
    assert "登录" not in second
    assert "Sign in" in second


def test_nothing_is_translated_without_a_language(session_app: Flask):
    with session_app.test_request_context(), force_locale("en"):
        assert render_template_string('{{ _("Home") }}') == "Home"
