"""What the pages of a summons say, put into words before the template."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup

from webapp.base import clock
from webapp.blueprints.mobilization.call_up_views import span
from webapp.domain.mobilization.queries.own_summonses import SummonsLine, SummonsView
from webapp.domain.mobilization.queries.slips import token_of
from webapp.domain.mobilization.rules import (
    ETA_MINUTES,
    CallUpState,
    CannotReason,
    MusterState,
    Stay,
    SummonsState,
)
from webapp.domain.people.rules import mask_name
from webapp.web import qr, words
from webapp.web.words import gettext

AT_THE_START = "start"
_CALLING = frozenset({CallUpState.RUNNING, CallUpState.PAUSED})


def kept_span(starts_at: datetime, ends_at: datetime) -> str:
    """With the date, for a page that is kept on the phone: 11月24日（周二） 21:00–01:00."""
    return f"{words.full_day(clock.day(starts_at))} {words.clock_time(starts_at)}–{words.clock_time(ends_at)}"


def stay(choice: Stay) -> str:
    """能不能回家."""
    return {
        Stay.FREE: gettext("You can go home when you like"),
        Stay.BETWEEN: gettext("You can go home between turns"),
        Stay.STAYS: gettext("You cannot go home until it is over"),
    }[choice]


def cannot(reason: CannotReason) -> str:
    """Why somebody cannot come, in a word or two."""
    return {
        CannotReason.ILL: gettext("Ill"),
        CannotReason.AWAY: gettext("Away from here"),
        CannotReason.WORK: gettext("At work"),
        CannotReason.FAMILY: gettext("Needed at home"),
        CannotReason.OTHER_DUTY: gettext("On another duty"),
        CannotReason.LOCKED_IN: gettext("Sealed in"),
        CannotReason.OTHER: gettext("Something else"),
    }[reason]


def cannot_choices() -> list[tuple[str, str]]:
    """The reasons, for a form."""
    return [(str(each), cannot(each)) for each in CannotReason]


def eta_choices(starts_at: datetime, now: datetime) -> list[tuple[str, str]]:
    """When one can be there: in so many minutes, or at the start while it is ahead."""
    minutes = [(str(each), gettext("in %(count)s minutes", count=each)) for each in ETA_MINUTES]
    if starts_at <= now:
        return minutes
    return [(AT_THE_START, gettext("at the start, %(time)s", time=words.clock_time(starts_at))), *minutes]


def state(line: SummonsLine | SummonsView) -> tuple[str, str]:
    """How a summons stands, for the person who was summoned: (words, tone)."""
    if line.state is SummonsState.STOOD_DOWN or line.call_up_state is CallUpState.STOOD_DOWN:
        return gettext("You need not come, thank you"), "plain"
    if line.state is SummonsState.COMING:
        return {
            None: (gettext("You are coming"), "good"),
            MusterState.EN_ROUTE: (gettext("On the way"), "good"),
            MusterState.ARRIVED: (gettext("Arrived"), "good"),
            MusterState.ON_DUTY: (gettext("On duty"), "good"),
            MusterState.DEPARTED: (gettext("You have left"), "plain"),
            MusterState.OVERDUE: (gettext("You are expected"), "warn"),
        }[line.muster]
    if line.state is SummonsState.QUEUED:
        return gettext("There are enough people, thank you"), "info"
    if line.state in {SummonsState.CANNOT, SummonsState.DROPPED}:
        return gettext("You cannot come"), "plain"
    if line.call_up_state not in _CALLING:
        return gettext("Nobody else is needed, thank you"), "plain"
    if line.state is SummonsState.LATER:
        return gettext("You answer later"), "warn"
    if line.state is SummonsState.MISSED:
        return gettext("Not answered in time"), "warn"
    return gettext("Please answer"), "warn"


@dataclass(frozen=True, slots=True)
class LineWords:
    """A summons in a list."""

    url: str
    title: Any
    detail: Any
    word: str
    tone: str


def line(each: SummonsLine, now: datetime) -> LineWords:
    """One row of one's own summonses."""
    word, tone = state(each)
    return LineWords(
        url=url_for("mobilization.show_summons", public_id=each.public_id),
        title=marked(each.title, is_drill=each.is_drill),
        detail=joined(
            span(each.starts_at, each.ends_at, now), words.said(each.muster_point), words.said(each.role)
        ),
        word=word,
        tone=tone,
    )


def lines(found: Sequence[SummonsLine], now: datetime) -> list[LineWords]:
    """The rows of one's own summonses, what asks first."""
    return [line(each, now) for each in sorted(found, key=lambda one: not one.asks)]


def drill_mark() -> str:
    """【演练】, before whatever follows it."""
    return gettext("[DRILL]") + ("" if words.is_chinese() else " ")


def joined(*parts: Any) -> Any:
    """Parts of a line with a dot between them; what is marked as Chinese stays so."""
    return Markup(" · ").join(part for part in parts if part)


def marked(text: str, *, is_drill: bool) -> Any:
    """A name as data has it, with the mark of a drill before it."""
    said = words.said(text)
    return Markup("{}{}").format(drill_mark(), said) if is_drill else said


@dataclass(frozen=True)
class SlipWords:
    """应召凭证 on the page of its bearer."""

    code: str
    drawing: Markup
    address: str
    holds: str


@dataclass(frozen=True)
class SummonsWords:
    """A summons on its own page."""

    title: str
    heading: Any
    person: Any
    word: str
    tone: str
    said: list[str]
    facts: list[tuple[str, Any]]
    phone: str
    outbox: str
    is_drill: bool
    asks: bool
    can_come: bool
    can_refuse: bool
    can_wait: bool
    tells_reason: bool
    can_set_out: bool
    is_sealed: bool
    etas: list[tuple[str, str]]
    eta: str
    eta_words: str
    reasons: list[tuple[str, str]]
    reason: str
    others: list[tuple[str, Any, str]]
    slip: SlipWords | None


def view(found: SummonsView, now: datetime, *, is_kept: bool = False) -> SummonsWords:
    """A summons in words; `is_kept` where the page stays on the phone and days need their dates."""
    word, tone = state(found)
    is_live = (
        found.call_up_state in _CALLING | {CallUpState.ENDED}
        and found.state is not SummonsState.STOOD_DOWN
        and now < found.ends_at
    )
    is_calling = is_live and found.call_up_state in _CALLING
    is_coming = found.state is SummonsState.COMING
    is_there = found.muster in {MusterState.ARRIVED, MusterState.ON_DUTY, MusterState.DEPARTED}
    unanswered = found.state in {SummonsState.WAITING, SummonsState.LATER, SummonsState.MISSED}
    choices = eta_choices(found.starts_at, now)
    title = gettext("Call-up: can you come?") if is_calling and unanswered else gettext("Urgent call-up")
    return SummonsWords(
        title=f"{drill_mark() if found.is_drill else ''}{title}",
        heading=words.said(found.title),
        person=words.said(mask_name(found.person)),
        word=word,
        tone=tone,
        said=_said(found, now, is_live=is_live),
        facts=_facts(found, now, is_kept=is_kept),
        phone=found.phone,
        outbox=found.title,
        is_drill=found.is_drill,
        asks=is_calling and unanswered,
        can_come=is_calling and (not is_coming) and found.state is not SummonsState.QUEUED,
        can_refuse=is_live
        and not is_there
        and found.state not in {SummonsState.CANNOT, SummonsState.DROPPED},
        can_wait=is_calling
        and found.state in {SummonsState.WAITING, SummonsState.LATER}
        and now < found.reply_by
        and found.state is not SummonsState.LATER,
        tells_reason=is_live and found.state in {SummonsState.CANNOT, SummonsState.DROPPED},
        can_set_out=is_coming and is_live and found.muster in {None, MusterState.OVERDUE},
        is_sealed=found.is_sealed,
        etas=choices,
        eta=choices[0][0] if choices[0][0] == AT_THE_START else choices[1][0],
        eta_words=words.moment(found.eta_at, now=now) if is_coming and found.eta_at and not is_there else "",
        reasons=cannot_choices(),
        reason=str(found.cannot_reason or ""),
        others=[
            (
                each.public_id,
                words.said(each.name),
                gettext("%(count)s places left", count=each.wanted - each.taken),
            )
            for each in found.others
        ]
        if is_calling
        else [],
        slip=_slip(found) if is_coming and found.slip_code and is_live else None,
    )


def _said(found: SummonsView, now: datetime, *, is_live: bool) -> list[str]:
    """What follows from how it stands, in full sentences."""
    if found.state is SummonsState.STOOD_DOWN or found.call_up_state is CallUpState.STOOD_DOWN:
        return [gettext("You need not come any more. Thank you; next time you will be disturbed less.")]
    if not is_live:
        return [gettext("This call-up is over. Thank you.")]
    if found.state is SummonsState.QUEUED:
        said = [
            gettext(
                "There are enough people, you need not come. Thank you; next time you will be disturbed less."
            )
        ]
        if found.call_up_state in _CALLING:
            said.append(gettext("If somebody drops out you are the first to be told."))
        return said
    if found.state in {SummonsState.CANNOT, SummonsState.DROPPED}:
        return [gettext("Noted: you cannot come. Thank you for telling us.")]
    if found.state is SummonsState.COMING:
        return []
    if found.call_up_state not in _CALLING:
        return [gettext("Nobody else is called any more. Thank you.")]
    until = words.moment(found.reply_by, now=now)
    if found.state is SummonsState.MISSED or now >= found.reply_by:
        late = gettext("The time for answering ended at %(until)s.", until=until)
        if found.is_full:
            return [late, gettext("There are enough people by now. If you can come, say so all the same.")]
        return [late, gettext("People are still missing: you can still come.")]
    if found.state is SummonsState.LATER:
        return [gettext("Please answer before %(until)s. You are asked once more before that.", until=until)]
    return [gettext("Please answer before %(until)s.", until=until)]


def _facts(found: SummonsView, now: datetime, *, is_kept: bool) -> list[tuple[str, Any]]:
    when = kept_span(found.starts_at, found.ends_at) if is_kept else span(found.starts_at, found.ends_at, now)
    where = joined(
        words.said(found.muster_point),
        words.said(found.landmark) if found.landmark else "",
        Markup('<a class="tel" href="{}" rel="noreferrer noopener">{}</a>').format(
            found.map_url, gettext("Map")
        )
        if found.map_url
        else "",
    )
    facts = [
        (gettext("What"), joined(words.said(found.title), words.said(found.role))),
        (gettext("When"), when),
        (gettext("Where"), where),
    ]
    if found.bring:
        facts.append((gettext("Bring"), words.said(found.bring)))
    facts.append((gettext("Going home"), stay(found.stay)))
    board = joined(*(words.said(each) for each in (found.sleeps, found.eats) if each))
    if board:
        facts.append((gettext("Bed and meals"), board))
    facts.append((gettext("Who calls"), joined(words.said(found.caller_name), _tel(found.phone))))
    return facts


def _tel(number: str) -> Markup:
    return Markup('<a class="tel" href="tel:{}">{}</a>').format(
        number.replace(" ", "").replace("-", ""), number
    )


def _slip(found: SummonsView) -> SlipWords:
    path = url_for("mobilization.show_slip", token=token_of(found.public_id))
    address = f"{current_app.config['PUBLIC_URL']}{path}"
    code = found.slip_code or ""
    return SlipWords(
        code=code,
        drawing=qr.svg(address, label=gettext("Code of the slip %(code)s", code=code)),
        address=path,
        holds=kept_span(found.starts_at, found.ends_at),
    )
