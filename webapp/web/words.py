"""Days, times, money and names as people read them, in the reader's language and on the county's clocks."""

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

from babel.core import Locale
from babel.dates import format_date
from flask import g
from flask_babel import get_domain, get_locale
from markupsafe import Markup, escape

from webapp.base import clock

EVENING_BEGINS = 18


# The catalogue of each language that somebody reads; they change with a new version of the program only.
_catalogues: dict[str, Any] = {}


def _locale() -> Locale:
    """The reader's language; what Flask-Babel finds out anew at each call is asked once per request."""
    try:
        locale: Locale | None = g._flask_babel.babel_locale  # noqa: SLF001 - where Flask-Babel keeps its answer
    except AttributeError:
        return get_locale()
    return locale or get_locale()


def gettext(message: str, **variables: Any) -> str:
    """As Flask-Babel's: the sentence in the reader's language, with its variables filled in."""
    language = _locale().language
    catalogue = _catalogues.get(language)
    if catalogue is None:
        catalogue = _catalogues[language] = get_domain().get_translations()
    said: str = catalogue.ugettext(message)
    return said % variables if variables else said


def is_chinese() -> bool:
    """Whether the reader reads Chinese."""
    return bool(_locale().language == "zh")


def day(on: date, *, now: datetime) -> str:
    """today, tomorrow, else 5月12日（周四）."""
    return _day(on, clock.day(now))


def _day(on: date, today: date) -> str:
    if on == today:
        return gettext("today")
    if on == today + timedelta(days=1):
        return gettext("tomorrow")
    return full_day(on)


def full_day(on: date) -> str:
    """5月12日（周四）, 12 May (Thu): a date that stays true on a page that is kept."""
    return _full_day(on, _locale())


@lru_cache(maxsize=512)
def _full_day(on: date, locale: Locale) -> str:
    pattern = "M月d日（EEE）" if locale.language == "zh" else "d MMM (EEE)"
    return format_date(on, pattern, locale=locale)


def clock_time(at: datetime) -> str:
    """The time of day on the county's clocks: 20:00."""
    local = clock.here(at)
    return f"{local.hour:02d}:{local.minute:02d}"


def moment(at: datetime, *, now: datetime) -> str:
    """Today 18:00, tonight 20:00, 5月12日（周四） 08:00."""
    return _moment(at, clock.day(now), _locale())


# Cached by language: a round's cut-off is said on the page of each of its thousand households.
@lru_cache(maxsize=512)
def _moment(at: datetime, today: date, _language: Locale) -> str:
    local = clock.here(at)
    time = f"{local.hour:02d}:{local.minute:02d}"
    if local.date() == today and local.hour >= EVENING_BEGINS:
        return gettext("tonight %(time)s", time=time)
    return gettext("%(day)s %(time)s", day=_day(local.date(), today), time=time)


def wait(seconds: int) -> str:
    """How long somebody has to wait, never said too short: 40 seconds, 58 minutes, 5 hours."""
    if seconds <= 90:
        return gettext("%(count)s seconds", count=seconds)
    if seconds <= 90 * 60:
        return gettext("%(count)s minutes", count=-(-seconds // 60))
    return gettext("%(count)s hours", count=-(-seconds // 3600))


def window(name: str) -> str:
    """A part of the day."""
    return {
        "morning": gettext("morning"),
        "afternoon": gettext("afternoon"),
        "evening": gettext("evening"),
    }[name]


def delivery(on: date, part: str, *, now: datetime) -> str:
    """When the bags come: 明天上午, tomorrow morning."""
    return _delivery(on, part, clock.day(now), _locale())


@lru_cache(maxsize=512)
def _delivery(on: date, part: str, today: date, _language: Locale) -> str:
    if on == today:
        return gettext("this %(window)s", window=window(part))
    if on == today + timedelta(days=1):
        return gettext("tomorrow %(window)s", window=window(part))
    return full_delivery(on, part)


def full_delivery(on: date, part: str) -> str:
    """When the bags come, with the date: 5月12日（周四）上午."""
    return gettext("%(day)s, %(window)s", day=full_day(on), window=window(part))


def yuan(fen: int) -> str:
    """30.50 yuan; 0 is free."""
    if not fen:
        return gettext("free")
    return gettext("%(amount)s yuan", amount=f"{fen // 100}.{fen % 100:02d}")


def said(text: str, text_en: str | None = None) -> str | Markup:
    """Data for people: the English name where there is one, else the Chinese, marked as such for readers aloud."""
    if is_chinese():
        return text
    if text_en:
        return text_en
    return Markup('<span lang="zh-Hans">{}</span>').format(escape(text))


def missing(given: int, wanted: int, *, is_over: bool) -> str:
    """What a household reads where fewer were given than it wanted."""
    if is_over:
        return gettext("%(given)s of %(wanted)s this time", given=given, wanted=wanted)
    if given:
        return gettext("%(given)s sure, %(waiting)s in the queue", given=given, waiting=wanted - given)
    return gettext("In the queue: when there is one, it is yours")


def order_state(phase: str, *, number: str) -> tuple[str, str]:
    """An order's state in its household's words, never more than what is so: (words, tone)."""
    return {
        "received": (gettext("Received (%(number)s)", number=number), "good"),
        "waiting": (gettext("In the queue: when there is one, it is yours"), "warn"),
        "packing": (gettext("Being packed"), "info"),
        "out": (gettext("On the way"), "info"),
        "done": (gettext("This delivery is finished"), "good"),
        "not_given": (gettext("There was none left this time"), "bad"),
        "cancelled": (gettext("Cancelled"), "plain"),
    }[phase]


def round_state(state: str) -> tuple[str, str]:
    """A round's state in the office's words: (words, tone)."""
    return {
        "draft": (gettext("Draft"), "plain"),
        "open": (gettext("Taking orders"), "good"),
        "closed": (gettext("Cut off"), "warn"),
        "packing": (gettext("Packing"), "info"),
        "out": (gettext("Out for delivery"), "info"),
        "done": (gettext("Done"), "plain"),
        "cancelled": (gettext("Discarded"), "plain"),
    }[state]
