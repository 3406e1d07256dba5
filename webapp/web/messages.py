"""Messages as people read them: a template and its parameters in the receiver's language."""

import re
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date
from flask import current_app
from flask_babel import force_locale, gettext

from webapp.base import clock
from webapp.web import words

# One short message of the networks: 70 Chinese characters, or 160 Latin ones.
LONGEST = {"zh_Hans": 70, "en": 160}
SMS = "sms"
IN_APP = "in_app"
# Screens set Chinese and figures apart (今晚 20:00); a message of 70 characters has no room for that.
_NO_SPACE = re.compile(r"(?<=[一-鿿】]) (?=[\d一-鿿])|(?<=\d) (?=[一-鿿])")


class MessageError(Exception):
    """A message cannot be rendered; the text says which template and why, without its parameters."""


def render(
    template: str,
    parameters: Mapping[str, Any],
    *,
    language: str,
    secret: str | None = None,
    now: datetime,
    by: str = SMS,
) -> str:
    """The text of a message in one line; where the bags' names make an SMS too long, only their count is said.

    `by` is the way it is read (sms, push, staff, in_app), for templates that ask for an answer by SMS. Whatever
    belongs to a drill begins with the word for it. In the app it goes without the sender and the phone, which
    stand around it, and names its days by their date: such a page is read again days later.
    """
    said = _Words(language=language, now=None if by == IN_APP else now)
    is_drill = bool(parameters.get("is_drill"))
    values = {**parameters, "by": by, "is_drill": is_drill}
    if secret is not None:
        # Without its secret a message that shows one cannot be rendered at all.
        values["code"] = secret
    if by == IN_APP:
        values["hotline"] = None
    with force_locale(language):
        text = _render(template, said, values, is_short=False)
        if by == IN_APP and parameters.get("community"):
            place = said.place(parameters["community"], parameters.get("community_en"))
            text = text.removeprefix(gettext("[Linli · %(community)s]", community=place)).lstrip()
        if by == SMS and len(text) > LONGEST[language]:
            text = _render(template, said, values, is_short=True)
        mark = gettext("[DRILL]")
    if not is_drill or text.startswith(mark):
        return text
    return f"{mark} {text}" if language == "en" else f"{mark}{text}"


def with_page(text: str, page: str | None, *, language: str) -> str:
    """An SMS with the address of a page that opens without signing in.

    Where one SMS has no room for it, only if the county pays for two (LINLI_SMS_LINKS); 1 and 2 answer as well.
    """
    if page is None:
        return text
    longer = f"{text} {current_app.config['PUBLIC_URL']}{page}"
    fits = len(longer) <= LONGEST[language]
    return longer if fits or current_app.config["SMS_LINKS"] else text


def parts(text: str) -> int:
    """How many SMS a Chinese text is: 70 characters in one, 67 in each of several (3GPP TS 23.040)."""
    return 1 if len(text) <= LONGEST["zh_Hans"] else -(-len(text) // 67)


def _render(template: str, said: "_Words", values: Mapping[str, Any], *, is_short: bool) -> str:
    try:
        page = current_app.jinja_env.get_template(f"messages/{template}.txt")
        text = page.render(
            values,
            place=said.place,
            day=said.day,
            moment=said.moment,
            window=words.window,
            goods=said.count if is_short else said.goods,
        )
    except Exception as error:
        raise MessageError(f"{template}: {type(error).__name__}") from error
    return _NO_SPACE.sub("", " ".join(text.split()))


class _Words:
    """How days, times and goods are said in one language, as briefly as a message asks for."""

    def __init__(self, *, language: str, now: datetime | None) -> None:
        self._language = language
        self._now = now

    def place(self, name: str, name_en: str | None = None) -> str:
        """The community's name in this language."""
        return name_en if self._language == "en" and name_en else name

    def day(self, text: str) -> str:
        """A date without its weekday: 5月12日, 12 May."""
        return self._date(date.fromisoformat(text[:10]))

    def moment(self, text: str) -> str:
        """An instant on the county's clocks: 今晚 20:00, else 5月12日 20:00."""
        at = datetime.fromisoformat(text)
        if self._now is not None and clock.day(at) == clock.day(self._now):
            return words.moment(at, now=self._now)
        return gettext("%(day)s %(time)s", day=self._date(clock.day(at)), time=words.clock_time(at))

    def goods(self, bags: list[Any]) -> str:
        """What was ordered, by name: pairs of a bag's name and a count."""
        return gettext(", ").join(f"{name}×{count}" for name, count in bags)

    def count(self, bags: list[Any]) -> str:
        """How many bags were ordered."""
        return gettext("%(count)s bags", count=sum(count for _name, count in bags))

    def _date(self, day: date) -> str:
        return format_date(day, "M月d日" if self._language == "zh_Hans" else "d MMM", locale=self._language)
