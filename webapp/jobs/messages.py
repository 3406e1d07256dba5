"""Messages as people read them: a template and its parameters in the receiver's language."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from babel.dates import format_date, format_time
from flask import current_app
from flask_babel import force_locale, gettext

from webapp.base import clock

# One short message of the networks: 70 Chinese characters, or 160 Latin ones.
LONGEST = {"zh_Hans": 70, "en": 160}


class MessageError(Exception):
    """A message cannot be rendered; the text says which template and why, without its parameters."""


def render(
    template: str, parameters: Mapping[str, Any], *, language: str, secret: str | None = None, now: datetime
) -> str:
    """The text of a message in one line; where the bags' names make it too long, only their count is said."""
    words = _Words(language=language, zone=current_app.config["TIME_ZONE"], now=now)
    values = {**parameters, "code": secret, "public_url": current_app.config["PUBLIC_URL"]}
    with force_locale(language):
        text = _render(template, words, values, is_short=False)
        if len(text) > LONGEST[language]:
            text = _render(template, words, values, is_short=True)
    return text


def _render(template: str, words: "_Words", values: Mapping[str, Any], *, is_short: bool) -> str:
    try:
        page = current_app.jinja_env.get_template(f"messages/{template}.txt")
        text = page.render(
            values,
            place=words.place,
            day=words.day,
            moment=words.moment,
            window=words.window,
            goods=words.count if is_short else words.goods,
        )
    except Exception as error:
        raise MessageError(f"{template}: {type(error).__name__}") from error
    # Chinese has no space between the sender's bracket and the sentence.
    return " ".join(text.split()).replace("】 ", "】")


class _Words:
    """How days, times and goods are said in one language."""

    def __init__(self, *, language: str, zone: str, now: datetime) -> None:
        self._language = language
        self._zone = zone
        self._today = clock.local(now, zone).date()

    def place(self, name: str, name_en: str | None = None) -> str:
        """The community's name in this language."""
        return name_en if self._language == "en" and name_en else name

    def day(self, text: str) -> str:
        """A date: 5月12日, 12 May."""
        return self._date(date.fromisoformat(text[:10]))

    def moment(self, text: str) -> str:
        """An instant on the county's clocks: 今天20:00, 5月12日20:00."""
        local = clock.local(datetime.fromisoformat(text), self._zone)
        time = format_time(local.timetz(), "HH:mm", locale=self._language)
        if local.date() == self._today:
            return gettext("today %(time)s", time=time)
        return gettext("%(day)s %(time)s", day=self._date(local.date()), time=time)

    def window(self, word: str) -> str:
        """A part of the day."""
        return {
            "morning": gettext("morning"),
            "afternoon": gettext("afternoon"),
            "evening": gettext("evening"),
        }[word]

    def goods(self, bags: list[Any]) -> str:
        """What was ordered, by name: pairs of a bag's name and a count."""
        said = [gettext("%(count)s of %(bag)s", bag=name, count=count) for name, count in bags]
        return gettext(", ").join(said)

    def count(self, bags: list[Any]) -> str:
        """How many bags were ordered."""
        return gettext("%(count)s bags", count=sum(count for _name, count in bags))

    def _date(self, day: date) -> str:
        return format_date(day, "M月d日" if self._language == "zh_Hans" else "d MMM", locale=self._language)
