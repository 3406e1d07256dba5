"""What the pages of taking shifts say, put into words before the template: templates do no work in loops."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import url_for
from markupsafe import Markup

from webapp.base.errors import LinliError, RuleBroken
from webapp.blueprints.rosters import said
from webapp.domain.rosters.queries.stand_ins import Colleague, OwnPlace, ShiftBrief, StandInView, SwapChoice
from webapp.domain.rosters.queries.takers import Me
from webapp.domain.rosters.queries.taking import OwnShifts, ShiftLine, ShiftPage, ShiftView
from webapp.domain.rosters.rules import SignupSource, SignupState, StandInKind, StandInState
from webapp.domain.volunteers.rules import VolunteerState
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext

_GIVEN = frozenset({SignupSource.STAFF, SignupSource.SOLVER})


@dataclass(frozen=True, slots=True)
class RowWords:
    """A shift in a list: where it leads, when, at which post, how it stands and why it does not fit."""

    url: str
    time: str
    post: Any
    word: str
    tone: str
    note: str


@dataclass(frozen=True, slots=True)
class DayWords:
    """The shifts of one day, or those near home, under their heading."""

    title: str
    rows: list[RowWords]


class _Phrases:
    """What the rows of one page have in common, looked up once for all of them."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.is_chinese = words.is_chinese()
        self.short, self.free = gettext("%(count)s more needed"), gettext("%(count)s places left")
        self.asked, self.full = gettext("Somebody looks for a stand-in"), gettext("Full, queue")
        self._spans: dict[tuple[datetime, datetime], str] = {}
        self._titles: dict[tuple[bool, date], str] = {}
        self._why: dict[Any, str] = {}

    def span(self, line: ShiftLine) -> str:
        key = (line.starts_at, line.ends_at)
        if key not in self._spans:
            self._spans[key] = said.span(*key)
        return self._spans[key]

    def title(self, key: tuple[bool, date]) -> str:
        if key not in self._titles:
            day = words.day(key[1], now=self.now)
            self._titles[key] = gettext("Near your home · %(day)s", day=day) if key[0] else day
        return self._titles[key]

    def note(self, broken: RuleBroken | None) -> str:
        """Why the shift does not fit."""
        if broken is None or broken.code == "shift_full":
            return ""
        key = (broken.code, *broken.params.values())
        if key not in self._why:
            # A remark in a row is no sentence of its own.
            self._why[key] = reason(broken).rstrip("。.")
        return self._why[key]

    def standing(self, line: ShiftLine) -> tuple[str, str]:
        if line.state is not None:
            return standing(line.state)
        if line.lacking:
            return self.short % {"count": line.lacking}, "warn"
        if line.free:
            return self.free % {"count": line.free}, "info"
        return (self.asked, "warn") if line.stand_in is not None else (self.full, "plain")


def days(page: ShiftPage, base: str, now: datetime) -> list[DayWords]:
    """The list in groups: near home first, then day by day. `base` is the address of the list."""
    groups: list[DayWords] = []
    last: tuple[bool, date] | None = None
    phrases = _Phrases(now)
    stand_ins = base.removesuffix("shifts") + "stand-ins"
    for line in page.lines:
        key = (line.is_near, line.day)
        if key != last:
            groups.append(DayWords(phrases.title(key), []))
            last = key
        word, tone = phrases.standing(line)
        is_asked = line.stand_in is not None and not line.free and line.state is None
        groups[-1].rows.append(
            RowWords(
                f"{stand_ins}/{line.stand_in}" if is_asked else f"{base}/{line.public_id}",
                phrases.span(line),
                line.post if phrases.is_chinese else words.said(line.post, line.post_en),
                word,
                tone,
                phrases.note(line.reason),
            )
        )
    return groups


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the three lists."""

    url: str
    words: str
    is_this: bool


def choices(base: str, view: str) -> list[Choice]:
    """The three lists of shifts, and which of them is shown."""
    return [
        Choice(base, gettext("Fits me"), view == "fits"),
        Choice(f"{base}?view=all", gettext("All"), view == "all"),
        Choice(f"{base}?view=mine", gettext("My shifts"), view == "mine"),
    ]


def standing(state: SignupState, *, position: int = 0) -> tuple[str, str]:
    """How a volunteer stands to a shift: (words, tone)."""
    if state is SignupState.PLACED:
        return gettext("Signed up"), "good"
    if state is SignupState.OFFERED:
        return gettext("A place for you: please answer"), "warn"
    if state is SignupState.WAITING:
        return (
            gettext("Waiting, number %(position)s", position=position) if position else gettext("Waiting")
        ), "info"
    return gettext("Called off"), "plain"


def reason(broken: LinliError) -> str:
    """Why a shift does not fit, as words.md has it."""
    params = dict(broken.params)
    if isinstance(params.get("at"), datetime):
        params["at"] = words.clock_time(params["at"])
    return sentence(broken.code, **params)


@dataclass(frozen=True, slots=True)
class OwnRow:
    """One of the reader's own shifts."""

    url: str
    day: str
    time: str
    post: Any
    word: str
    tone: str
    note: str


def own_rows(own: OwnShifts, now: datetime) -> list[OwnRow]:
    """我的班 in words."""
    rows = []
    for line in own.lines:
        word, tone = standing(line.state, position=line.position)
        note = ""
        if line.state is SignupState.PLACED:
            if line.has_left:
                word, tone = gettext("Checked out"), "plain"
            elif line.has_arrived:
                word, tone = gettext("Checked in"), "good"
            if line.search is not None:
                word, tone = searching(line.search), "warn"
            elif not line.is_confirmed and line.starts_at > now:
                word, tone = gettext("Put down for you: please answer"), "warn"
        elif line.state is SignupState.OFFERED and line.accept_by is not None:
            note = gettext("Until %(until)s", until=words.moment(line.accept_by, now=now))
        rows.append(
            OwnRow(
                url=url_for("rosters.show_shift", public_id=line.public_id),
                day=words.day(line.day, now=now),
                time=said.span(line.starts_at, line.ends_at),
                post=words.said(line.post, line.post_en),
                word=word,
                tone=tone,
                note=note,
            )
        )
    return rows


def searching(kind: StandInKind) -> str:
    """That somebody is looked for, and whose the place is meanwhile."""
    if kind is StandInKind.SWAP:
        return gettext("Swap asked for (still yours)")
    if kind is StandInKind.RELIEF:
        return gettext("Relief asked for (stay until somebody comes)")
    return gettext("Looking for a stand-in (still yours)")


@dataclass(frozen=True, slots=True)
class AskedRow:
    """What somebody asks of the reader."""

    url: str
    title: str
    detail: Any


def asked_rows(own: OwnShifts, now: datetime) -> list[AskedRow]:
    """The searches for a stand-in that are put to the reader alone."""
    return [
        AskedRow(
            url=url_for("rosters.show_stand_in", public_id=line.public_id),
            title=gettext("Swap shifts?") if line.kind is StandInKind.SWAP else gettext("Can you stand in?"),
            detail=joined(
                words.said(line.name),
                said.when(line.starts_at, line.ends_at, now=now),
                words.said(line.post, line.post_en),
            ),
        )
        for line in own.asked
    ]


def joined(*parts: Any) -> Any:
    """Parts of a line with a dot between them; what is marked as Chinese stays so."""
    return Markup(" · ").join(part for part in parts if part)


@dataclass(frozen=True)
class ShiftWords:
    """A shift on its own page: how the reader stands to it and what they can do now."""

    title: str
    post: Any
    word: str
    tone: str
    facts: list[tuple[str, Any]]
    phone: str | None
    lead_phone: str | None
    notes: list[str]
    outbox: str
    step: str
    """What can be done first: take, stand_in, wait, accept, confirm, join or nothing."""
    can_leave: bool
    leave_says: str
    can_search: bool
    can_be_relieved: bool
    search_url: str | None


def shift(view: ShiftView, now: datetime) -> ShiftWords:
    """A shift in words for this reader."""
    span = said.span(view.starts_at, view.ends_at)
    when = f"{words.full_day(view.day)} {span}"
    title = gettext("%(day)s %(time)s", day=words.day(view.day, now=now), time=span)
    word, tone = _state(view)
    is_placed = view.my_state is SignupState.PLACED
    is_running = view.starts_at <= now < view.ends_at
    notes = []
    if view.my_state is SignupState.OFFERED and view.accept_by is not None:
        notes.append(
            gettext(
                "A place fell free and is kept for you until %(until)s.",
                until=words.moment(view.accept_by, now=now),
            )
        )
    if is_placed and not view.is_confirmed and view.source in _GIVEN:
        notes.append(gettext("The community has put you down for this shift. Please say whether you come."))
    if view.is_over and view.cancel_reason:
        notes.append(view.cancel_reason)
    step = _step(view, now)
    return ShiftWords(
        title=title,
        post=words.said(view.post, view.post_en),
        word=word,
        tone=tone,
        facts=_facts(view, when, now),
        phone=view.phone,
        lead_phone=view.lead_phone,
        notes=notes,
        outbox=f"{title} {view.post if words.is_chinese() or not view.post_en else view.post_en}",
        step=step,
        can_leave=view.my_state is not None
        and not view.is_over
        and now < view.ends_at
        and not (view.has_arrived and not view.has_left)
        and view.search is not StandInKind.RELIEF,
        leave_says=_leave_says(view, now),
        can_search=is_placed and view.search is None and now < view.starts_at and not view.is_over,
        can_be_relieved=is_placed and view.search is None and is_running and not view.has_left,
        search_url=url_for("rosters.show_stand_in", public_id=view.search_public_id)
        if view.search_public_id
        else None,
    )


def _state(view: ShiftView) -> tuple[str, str]:
    if view.my_state is SignupState.PLACED:
        if view.has_left:
            return gettext("Checked out"), "plain"
        if view.search is not None:
            return searching(view.search), "warn"
        if view.has_arrived:
            return gettext("Checked in"), "good"
        if not view.is_confirmed and view.source in _GIVEN:
            return gettext("Put down for you: please answer"), "warn"
    if view.my_state is not None:
        return standing(view.my_state, position=view.position)
    if view.lacking:
        return gettext("%(count)s more needed", count=view.lacking), "warn"
    if view.free:
        return gettext("%(count)s places left", count=view.free), "info"
    if view.stand_in is not None:
        return gettext("Somebody looks for a stand-in"), "warn"
    return gettext("Full, queue"), "plain"


def _step(view: ShiftView, now: datetime) -> str:
    if view.is_over or now >= view.ends_at:
        return ""
    if view.my_state is SignupState.OFFERED:
        return "accept" if view.accept_by is not None and view.accept_by > now else ""
    if view.my_state is SignupState.PLACED:
        return "confirm" if not view.is_confirmed and view.source in _GIVEN and now < view.starts_at else ""
    if view.my_state is not None:
        return ""
    if view.reason is None:
        return "take"
    if view.reason.code == "not_a_volunteer":
        return "join"
    if view.stand_in is not None and view.reason.code in {"shift_full", "skill_missing"}:
        return "stand_in"
    return "wait" if view.may_wait else ""


def _leave_says(view: ShiftView, now: datetime) -> str:
    """What follows from leaving, said before the button."""
    if view.my_state is SignupState.WAITING:
        return gettext("You leave the queue. Nothing else happens.")
    if view.my_state is SignupState.OFFERED:
        return gettext("The place goes to the next in the queue. Nothing else happens.")
    if not view.is_confirmed and view.source in _GIVEN:
        return gettext("Nothing else happens: you had not promised to come.")
    if now <= view.leave_by:
        return gettext(
            "Until %(until)s you can leave without a word. The place is offered to others.",
            until=words.moment(view.leave_by, now=now),
        )
    return gettext(
        "It is late to find somebody: whoever leads this shift is told at once. If you can, ask for a stand-in instead."
    )


def _facts(view: ShiftView, when: str, now: datetime) -> list[tuple[str, Any]]:
    facts: list[tuple[str, Any]] = [(gettext("Place"), words.said(view.place_name))]
    if words.day(view.day, now=now) != words.full_day(view.day):
        # Today and tomorrow are other days on a page that is kept.
        facts.insert(0, (gettext("When"), when))
    if view.instructions:
        facts.append((gettext("What to do"), words.said(view.instructions)))
    if view.skills:
        facts.append(
            (
                gettext("Places kept for"),
                joined(
                    *(Markup("{} × {}").format(words.said(zh, en), count) for zh, en, count in view.skills)
                ),
            )
        )
    facts.append((gettext("Protection"), said.protection(view.protection)))
    if view.suit_minutes:
        facts.append(
            (
                gettext("Longest in the suit"),
                gettext("%(hours)s hours", hours=f"{view.suit_minutes / 60:.1f}".removesuffix(".0")),
            )
        )
    if view.lead_name:
        facts.append((gettext("Leads the shift"), words.said(view.lead_name)))
    return facts


@dataclass(frozen=True)
class ReaderWords:
    """Who reads, and what stands in their way as a whole."""

    name: Any
    note: str
    join_url: str | None


def reader(me: Me) -> ReaderWords:
    """The head of the lists: the reader's own name, or how to become a volunteer."""
    state = me.taker.state
    if state in {None, VolunteerState.LEFT, VolunteerState.MERGED}:
        return ReaderWords(
            name=words.said(me.name) if me.name else None,
            note=sentence("not_a_volunteer"),
            join_url=url_for("volunteers.show_join"),
        )
    note = ""
    if state is VolunteerState.REFUSED:
        note = gettext("The community has said no to your sign-up. Under your profile stands why.")
    elif state is not VolunteerState.ACCEPTED:
        note = gettext("Your sign-up is being looked at. You can take what newcomers may do at once.")
    return ReaderWords(name=words.said(me.name), note=note, join_url=None)


def why(view: ShiftView) -> str:
    """Why the shift does not fit; nothing where it does."""
    return reason(view.reason) if view.reason is not None else ""


@dataclass(frozen=True, slots=True)
class PlaceWords:
    """The reader's own place, in a line."""

    title: str
    line: Any
    url: str


def own_place(own: OwnPlace, now: datetime) -> PlaceWords:
    """The place for which somebody is looked for."""
    shift = own.shift
    when = said.when(shift.stretch.starts_at, shift.stretch.ends_at, now=now)
    return PlaceWords(
        title=when,
        line=joined(when, words.said(shift.post, shift.post_en)),
        url=url_for("rosters.show_shift", public_id=shift.public_id),
    )


def people(found: Iterable[Colleague]) -> list[tuple[str, Any]]:
    """People to choose from."""
    return [(each.public_id, words.said(each.name)) for each in found]


def _brief(shift: ShiftBrief, now: datetime) -> Any:
    return joined(said.when(shift.starts_at, shift.ends_at, now=now), words.said(shift.post, shift.post_en))


def swaps(choices: Iterable[SwapChoice], now: datetime) -> list[tuple[str, Any, Any]]:
    """Places to choose from: whose, when and where."""
    return [(each.signup, _brief(each.shift, now), words.said(each.name)) for each in choices]


@dataclass(frozen=True)
class SearchWords:
    """A search for a stand-in in words for one of its people."""

    title: str
    state: str
    tone: str
    facts: list[tuple[str, Any]]
    note: str
    can_take: bool
    can_refuse: bool
    can_withdraw: bool
    take: str
    outbox: str
    back: str


def search(view: StandInView, now: datetime) -> SearchWords:
    """The page of a search."""
    is_open = view.state is StandInState.OPEN and view.shift.ends_at > now
    is_swap = view.kind is StandInKind.SWAP
    facts: list[tuple[str, Any]] = [
        (gettext("Your shift") if view.is_asker else gettext("The shift"), _brief(view.shift, now))
    ]
    if view.wanted is not None:
        wanted = gettext("The shift you would get") if view.is_asker else gettext("For your shift")
        facts.append((wanted, _brief(view.wanted, now)))
    if not view.is_asker:
        facts.append((gettext("Who asks"), words.said(view.asker)))
    elif view.other:
        facts.append((gettext("Asked of"), words.said(view.other)))
    state, tone = _search_state(view)
    note = ""
    if is_open and view.is_asker:
        note = (
            gettext("Please stay until somebody comes, if you can. Whoever leads the shift has been told.")
            if view.kind is StandInKind.RELIEF
            else gettext("The place is still yours until somebody has taken it.")
        )
    elif is_open and view.reason is not None:
        note = reason(view.reason)
    titles = {
        StandInKind.STAND_IN: gettext("Stand-in"),
        StandInKind.SWAP: gettext("Swap shifts"),
        StandInKind.RELIEF: gettext("Relief on duty"),
    }
    return SearchWords(
        title=titles[view.kind],
        state=state,
        tone=tone,
        facts=facts,
        note=note,
        can_take=is_open and not view.is_asker and view.reason is None,
        can_refuse=is_open and view.is_mine_alone,
        can_withdraw=is_open and view.is_asker,
        take=gettext("Agree to the swap") if is_swap else gettext("I take this place"),
        outbox=f"{titles[view.kind]} {said.when(view.shift.starts_at, view.shift.ends_at, now=now)}",
        back=url_for("rosters.list_shifts", view="mine"),
    )


def _search_state(view: StandInView) -> tuple[str, str]:
    if view.state is StandInState.OPEN:
        return (searching(view.kind), "warn") if view.is_asker else (gettext("Still open"), "warn")
    return {
        StandInState.TAKEN: (gettext("Somebody has taken it"), "good"),
        StandInState.WITHDRAWN: (gettext("Withdrawn"), "plain"),
        StandInState.REFUSED: (gettext("They cannot; the place is still yours"), "bad")
        if view.is_asker
        else (gettext("You said no"), "plain"),
        StandInState.OVER: (gettext("Over"), "plain"),
    }[view.state]
