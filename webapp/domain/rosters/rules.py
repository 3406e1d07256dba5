"""Rules of rosters: words and states, the time rules that bind every click and every proposal. Pure."""

import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from enum import StrEnum
from itertools import pairwise

from webapp.base import clock
from webapp.base.errors import RuleBroken
from webapp.domain.volunteers.rules import PledgeKind, VolunteerState

REST = timedelta(hours=11)
MOST_IN_A_DAY = timedelta(hours=10)
DAY = timedelta(hours=24)
MOST_DAYS_IN_A_ROW = 6
MOST_PLACES = 500


class PostKind(StrEnum):
    """What is done at a post 岗位."""

    GATE = "gate"
    DELIVERY = "delivery"
    SAMPLING = "sampling"
    HOTLINE = "hotline"
    DISINFECTION = "disinfection"
    SUPPLIES = "supplies"
    CARE = "care"
    OTHER = "other"


class Protection(StrEnum):
    """The level of protection 防护等级 that a post asks for."""

    NONE = "none"
    LEVEL_1 = "level_1"
    LEVEL_2 = "level_2"
    LEVEL_3 = "level_3"


class ShiftState(StrEnum):
    """DRAFT is seen by who rosters. OPEN can be taken. CANCELLED was called off, and everybody on it was told."""

    DRAFT = "draft"
    OPEN = "open"
    CANCELLED = "cancelled"


class SignupState(StrEnum):
    """How a person stands to a shift. The first three are live.

    PLACED has a place. OFFERED has one from the waitlist until `accept_by`. WAITING stands in the queue 候补.
    LEFT gave it up in time, DROPPED_OUT after the leave deadline. REPLACED: a stand-in took over. EXPIRED let
    an offer pass. REMOVED by who rosters. CANCELLED with the shift. STOPPED_WAITING left the queue.
    """

    PLACED = "placed"
    OFFERED = "offered"
    WAITING = "waiting"
    LEFT = "left"
    DROPPED_OUT = "dropped_out"
    REPLACED = "replaced"
    EXPIRED = "expired"
    REMOVED = "removed"
    CANCELLED = "cancelled"
    STOPPED_WAITING = "stopped_waiting"


HOLDS_A_PLACE = frozenset({SignupState.PLACED, SignupState.OFFERED})
LIVE = HOLDS_A_PLACE | {SignupState.WAITING}


class SignupSource(StrEnum):
    """How somebody came onto a shift."""

    SELF = "self"
    STAFF = "staff"
    SOLVER = "solver"
    WAITLIST = "waitlist"
    STAND_IN = "stand_in"
    SWAP = "swap"
    WALK_IN = "walk_in"


class StandInKind(StrEnum):
    """STAND_IN 找人顶班: somebody takes the place. SWAP 换班: for a place of theirs. RELIEF 我需要换下来: on duty, now."""

    STAND_IN = "stand_in"
    SWAP = "swap"
    RELIEF = "relief"


class StandInState(StrEnum):
    """A search for a stand-in: OPEN until TAKEN, WITHDRAWN, REFUSED by the one who was asked, or OVER with the shift."""

    OPEN = "open"
    TAKEN = "taken"
    WITHDRAWN = "withdrawn"
    REFUSED = "refused"
    OVER = "over"


class Mark(StrEnum):
    """What roll call says of somebody 点名: there, not there, or not known yet. No tick is no no-show."""

    UNKNOWN = "unknown"
    PRESENT = "present"
    ABSENT = "absent"


class Evidence(StrEnum):
    """From where a time of arrival or leaving is known."""

    CHECK_IN = "check_in"
    ROLL_CALL = "roll_call"
    PAPER = "paper"
    RULE = "rule"


class EntryKind(StrEnum):
    """A line of the hours ledger: what evidence gave, or a correction of it."""

    EVIDENCE = "evidence"
    CORRECTION = "correction"


class EntryState(StrEnum):
    """ASKED waits for the lead; STANDS counts; REFUSED does not."""

    ASKED = "asked"
    STANDS = "stands"
    REFUSED = "refused"


class DutyKind(StrEnum):
    """Round-the-clock duty 值班: the leader on duty, the medical duty, the hotline."""

    LEADER = "leader"
    MEDICAL = "medical"
    HOTLINE = "hotline"


class FillState(StrEnum):
    """A proposal of the solver: asked for, being solved, there to be looked at, going out, published, put aside, failed."""

    ASKED = "asked"
    SOLVING = "solving"
    PROPOSED = "proposed"
    PUBLISHING = "publishing"
    PUBLISHED = "published"
    DISCARDED = "discarded"
    FAILED = "failed"


class SolverStatus(StrEnum):
    """OPTIMAL is proven. FEASIBLE stopped at the time limit within `gap_permille`. NONE found nothing in time."""

    OPTIMAL = "optimal"
    FEASIBLE = "feasible"
    NONE = "none"


class GapReason(StrEnum):
    """Why a place stays empty 为什么空着, the first that holds for everybody who was looked at."""

    NOBODY_WITH_SKILL = "nobody_with_skill"
    OTHER_SIDE_OF_CORDON = "other_side_of_cordon"
    ALL_RESTING = "all_resting"
    ALL_TAKEN = "all_taken"
    NOT_AVAILABLE = "not_available"
    NOBODY_THERE = "nobody_there"
    TIME_LIMIT = "time_limit"


class LinkKind(StrEnum):
    """What a secret, revocable address shows."""

    WALL = "wall"
    CALENDAR_VOLUNTEER = "calendar_volunteer"
    CALENDAR_TEAM = "calendar_team"
    CALENDAR_POST = "calendar_post"


class RosterSheetKind(StrEnum):
    """A printed roster: the week 一周值班(排班)表, the sign-in sheet 岗位签到表, a person's or a team's week."""

    WEEK = "week"
    SIGN_IN = "sign_in"
    PERSON = "person"
    TEAM = "team"


class Copy(StrEnum):
    """WALL 公示版 hangs for all to see, without phones. WORKING 工作版 has them, and goes back after use."""

    WALL = "wall"
    WORKING = "working"


@dataclass(frozen=True, order=True)
class Stretch:
    """A stretch of somebody's time. `day` is the county's calendar day on which it starts: the working day."""

    starts_at: datetime
    ends_at: datetime
    day: date

    @property
    def length(self) -> timedelta:
        """How long it takes, in real hours, also on the night of a clock change."""
        return self.ends_at - self.starts_at

    def overlaps(self, other: "Stretch") -> bool:
        """Whether the two share a moment; one that ends when the other starts does not."""
        return self.starts_at < other.ends_at and other.starts_at < self.ends_at


def ensure_time_allows(new: Stretch, taken: Iterable[Stretch]) -> None:
    """Whether somebody whose time is `taken` can do `new`: the rules of product.md, Take a shift.

    Raises RuleBroken: overlaps(at), no_rest(hours) under 11 h between working days, too_long_in_a_day(hours)
    over 10 h in any 24, too_many_days(days) for more than six days in a row.
    """
    stretches = list(taken)
    for each in stretches:
        if new.overlaps(each):
            raise RuleBroken("overlaps", at=each.starts_at)
    stretches.append(new)
    stretches.sort()
    for before, after in pairwise(stretches):
        if new in {before, after} and before.day != after.day and after.starts_at - before.ends_at < REST:
            raise RuleBroken("no_rest", hours=int(REST / timedelta(hours=1)))
    if longest_in_a_day(stretches, around=new) > MOST_IN_A_DAY:
        raise RuleBroken("too_long_in_a_day", hours=int(MOST_IN_A_DAY / timedelta(hours=1)))
    if days_in_a_row({each.day for each in stretches}, new.day) > MOST_DAYS_IN_A_ROW:
        raise RuleBroken("too_many_days", days=MOST_DAYS_IN_A_ROW)


def longest_in_a_day(stretches: Sequence[Stretch], *, around: Stretch) -> timedelta:
    """The most time that falls into any 24 hours that touch `around`."""
    most = timedelta()
    near = [
        each
        for each in stretches
        if each.ends_at > around.starts_at - DAY and each.starts_at < around.ends_at + DAY
    ]
    # The fullest window begins where a stretch begins or ends where one ends.
    for start in [each.starts_at for each in near] + [each.ends_at - DAY for each in near]:
        end = start + DAY
        if start < around.ends_at and around.starts_at < end:
            inside = sum(
                (max(timedelta(), min(each.ends_at, end) - max(each.starts_at, start)) for each in near),
                timedelta(),
            )
            most = max(most, inside)
    return most


def days_in_a_row(days: set[date], day: date) -> int:
    """How many days without a free one around `day`, itself included."""
    one = timedelta(days=1)
    first = last = day
    while first - one in days:
        first -= one
    while last + one in days:
        last += one
    return (last - first).days + 1


# --- posts, templates and shifts: numbers and times ---------------------------------------------------------

LEAVE_BEFORE = timedelta(hours=12)
LONGEST_SHIFT = timedelta(hours=24)
LONGEST_SPAN_DAYS = 31
MOST_SUIT_MINUTES = 480
MINUTES_IN_A_DAY = 1440
# The office's four shifts, in minutes from midnight: start and length 7-12, 12-18, 18-23, night stand-by 23-7.
PRESETS: Mapping[str, tuple[int, int]] = {
    "morning": (7 * 60, 5 * 60),
    "afternoon": (12 * 60, 6 * 60),
    "evening": (18 * 60, 5 * 60),
    "night": (23 * 60, 8 * 60),
}


@dataclass(frozen=True)
class Numbers:
    """How many people a shift needs, wants and takes; of them so many for each skill."""

    minimum: int
    wanted: int
    maximum: int
    skills: Mapping[str, int] = field(default_factory=dict)


def ensure_numbers(numbers: Numbers) -> None:
    """Whether the numbers make sense together.

    Raises RuleBroken: too_many_places over 500, no_places under one, counts_order unless minimum <= wanted <=
    maximum, skills_over_maximum when the places by skill are more than all.
    """
    if numbers.maximum > MOST_PLACES:
        raise RuleBroken("too_many_places", field="maximum", maximum=MOST_PLACES)
    if numbers.maximum < 1:
        raise RuleBroken("no_places", field="maximum")
    if not 0 <= numbers.minimum <= numbers.wanted <= numbers.maximum:
        raise RuleBroken("counts_order", field="wanted")
    if sum(numbers.skills.values()) > numbers.maximum:
        raise RuleBroken("skills_over_maximum", field="skills", maximum=numbers.maximum)


def stretch_on(day: date, *, start_minute: int, length_minutes: int) -> Stretch:
    """The instants of a wall-clock stretch on that day of the county.

    Both ends are read from the county's clocks, so a night shift is an hour shorter or longer when they change.
    As RFC 5545 has it: a time that the clocks skip means as much later (02:30 becomes 03:30), a time that comes
    twice means the first. Where that would end a shift before it starts, its length counts.
    """
    start = datetime.combine(day, time()) + timedelta(minutes=start_minute)
    starts_at = clock.instant(start)
    ends_at = clock.instant(start + timedelta(minutes=length_minutes))
    if ends_at <= starts_at:
        ends_at = starts_at + timedelta(minutes=length_minutes)
    return Stretch(starts_at, ends_at, clock.day(starts_at))


def ensure_on_the_clock(wall: datetime, *, on: str) -> None:
    """Whether the county's clocks show this wall-clock time; `on` is the form field. Raises RuleBroken("time_skipped")."""
    if clock.here(clock.instant(wall)).replace(tzinfo=None) != wall:
        raise RuleBroken("time_skipped", field=on, time=f"{wall:%H:%M}")


def typed_stretch(day: date, *, start: time, end: time, ends_next_day: bool) -> Stretch:
    """A shift as somebody typed it; raises RuleBroken: ends_before_start, shift_too_long, time_skipped."""
    begins = datetime.combine(day, start)
    ends = datetime.combine(day, end) + timedelta(days=int(ends_next_day))
    if ends <= begins:
        raise RuleBroken("ends_before_start", field="end")
    if ends - begins > LONGEST_SHIFT:
        raise RuleBroken("shift_too_long", field="end", hours=int(LONGEST_SHIFT / timedelta(hours=1)))
    ensure_on_the_clock(begins, on="start")
    ensure_on_the_clock(ends, on="end")
    return stretch_on(
        day,
        start_minute=start.hour * 60 + start.minute,
        length_minutes=int((ends - begins) / timedelta(minutes=1)),
    )


def typed_recurrence(*, start: time, end: time, ends_next_day: bool) -> tuple[int, int]:
    """Start and length in minutes of a recurring shift; raises RuleBroken: ends_before_start, shift_too_long."""
    start_minute = start.hour * 60 + start.minute
    length = end.hour * 60 + end.minute - start_minute + MINUTES_IN_A_DAY * int(ends_next_day)
    if length <= 0:
        raise RuleBroken("ends_before_start", field="end")
    if length > MINUTES_IN_A_DAY:
        raise RuleBroken("shift_too_long", field="end", hours=int(LONGEST_SHIFT / timedelta(hours=1)))
    return start_minute, length


def ensure_not_over(ends_at: datetime, *, now: datetime) -> None:
    """A shift that has ended is made and changed no more. Raises RuleBroken("shift_in_the_past")."""
    if ends_at <= now:
        raise RuleBroken("shift_in_the_past", field="day")


def leave_deadline(starts_at: datetime) -> datetime:
    """Until when one may leave without a word: twelve hours before the start."""
    return starts_at - LEAVE_BEFORE


def ensure_span(first: date, last: date) -> None:
    """Whether the days make a span that is worked on at once; raises RuleBroken("span_wrong")."""
    if not 0 <= (last - first).days < LONGEST_SPAN_DAYS:
        raise RuleBroken("span_wrong", field="to", days=LONGEST_SPAN_DAYS)


def days_of(first: date, last: date, *, weekdays: int) -> list[date]:
    """The days of the span that fall on these weekdays (bit 0 is Monday)."""
    days = (first + timedelta(days=number) for number in range((last - first).days + 1))
    return [day for day in days if weekdays >> day.weekday() & 1]


def monday_of(day: date) -> date:
    """The Monday of that day's week."""
    return day - timedelta(days=day.weekday())


# --- shifts at risk -----------------------------------------------------------------------------------------

RISK_HORIZON = timedelta(hours=48)
DROP_OUT_GRACE = timedelta(hours=1)
ASK_AGAIN_AFTER = timedelta(hours=3)
TOO_LATE_TO_ASK = timedelta(minutes=30)


class Risk(StrEnum):
    """Why a shift may fail: too few, somebody has not said yes, nobody leads it, a drop-out's place is still empty."""

    SHORT = "short"
    DROPPED_OUT = "dropped_out"
    UNCONFIRMED = "unconfirmed"
    LEAD_MISSING = "lead_missing"


class RiskStep(StrEnum):
    """What to do about a shift at risk: ask everybody who fits, put somebody on it, or call it off."""

    ASK = "ask"
    ASSIGN = "assign"
    CANCEL = "cancel"


@dataclass(frozen=True)
class Standing:
    """How a shift stands: what its risks are read from."""

    starts_at: datetime
    ends_at: datetime
    minimum_count: int
    wanted_count: int
    taken_count: int
    unconfirmed_count: int
    has_lead: bool
    dropped_out_at: datetime | None
    asked_at: datetime | None


def risks_of(shift: Standing, *, now: datetime) -> tuple[Risk, ...]:
    """Why the shift needs the head, the gravest first; an empty tuple when nothing is wrong or it is over."""
    if shift.ends_at <= now or shift.starts_at > now + RISK_HORIZON:
        return ()
    found = []
    if shift.taken_count < shift.minimum_count:
        found.append(Risk.SHORT)
    if (
        shift.dropped_out_at is not None
        and shift.dropped_out_at <= now - DROP_OUT_GRACE
        and shift.taken_count < shift.wanted_count
    ):
        found.append(Risk.DROPPED_OUT)
    if shift.unconfirmed_count:
        found.append(Risk.UNCONFIRMED)
    if not shift.has_lead:
        found.append(Risk.LEAD_MISSING)
    return tuple(found)


def next_step(shift: Standing, risks: Sequence[Risk], *, now: datetime) -> RiskStep:
    """The one thing to do: ask while there is time, then put somebody on it; a started shift without anybody is off."""
    if shift.starts_at <= now and not shift.taken_count:
        return RiskStep.CANCEL
    is_asked = shift.asked_at is not None and shift.asked_at > now - ASK_AGAIN_AFTER
    has_gap = Risk.SHORT in risks or Risk.DROPPED_OUT in risks
    if has_gap and not is_asked and shift.starts_at - now > TOO_LATE_TO_ASK:
        return RiskStep.ASK
    return RiskStep.ASSIGN


# --- taking a place -----------------------------------------------------------------------------------------

# What a head may override with a reason. Two places at once, a promise that was not made, an age and a place that
# is not there can be overridden by nobody.
OVERRIDABLE = frozenset(
    {
        "no_rest",
        "too_long_in_a_day",
        "too_many_days",
        "skill_missing",
        "certificate_over",
        "newcomer_not_yet",
        "outside_cordon",
        "inside_cordon",
    }
)
# What a place that falls free can change: all else is a lasting no, and nobody waits in vain.
WAITED_FOR = frozenset({"shift_full", "skill_missing", "certificate_over"})
_NEWCOMERS = frozenset({VolunteerState.APPLIED, VolunteerState.ASKED_BACK})
_VOLUNTEERS = _NEWCOMERS | {VolunteerState.ACCEPTED}


@dataclass(frozen=True, slots=True)
class Taker:
    """What the rules know of somebody who would take a place.

    `state` is None for who is no volunteer. `skills` maps what they can do to the last day on which it counts:
    `date.max` without an end, `date.min` where the certificate is missing. `side` is the path of the sealed area
    they live in, or empty.
    """

    state: VolunteerState | None
    is_adult: bool = True
    pledges: frozenset[str] = frozenset()
    skills: Mapping[str, date] = field(default_factory=dict)
    side: str = ""


@dataclass(frozen=True, slots=True)
class SkillPlaces:
    """Places of a shift that are kept for a skill."""

    code: str
    needed: int
    taken: int

    @property
    def free(self) -> int:
        """How many of them nobody has yet."""
        return max(0, self.needed - self.taken)


@dataclass(frozen=True, slots=True)
class Opening:
    """What the rules know of a shift that somebody would take.

    `taken` counts all places that are held, offers that have lapsed left out; `side` is the path of the sealed
    area it lies in, or empty.
    """

    state: ShiftState
    stretch: Stretch
    maximum: int
    taken: int
    skills: tuple[SkillPlaces, ...] = ()
    handles_household_data: bool = False
    adults_only: bool = False
    newcomers_welcome: bool = True
    side: str = ""

    @property
    def general(self) -> int:
        """How many places are for anybody."""
        return self.maximum - sum(each.needed for each in self.skills)

    @property
    def general_free(self) -> int:
        """How many places for anybody nobody has yet."""
        return max(0, self.general - (self.taken - sum(each.taken for each in self.skills)))


def choose_place(taker: Taker, shift: Opening) -> str | None:
    """The skill whose place this person fills, or None for a place for anybody.

    Who has a needed skill fills a place kept for it first; who has none never takes one. Raises RuleBroken:
    shift_full, or where kept places are left skill_missing(skill), certificate_over(skill).
    """
    if shift.taken >= shift.maximum:
        raise RuleBroken("shift_full")
    lacking: RuleBroken | None = None
    is_newcomer = taker.state in _NEWCOMERS
    for places in shift.skills:
        if places.taken >= places.needed:
            continue
        until = taker.skills.get(places.code)
        if until is None or is_newcomer:
            lacking = lacking or RuleBroken("skill_missing", skill=places.code)
        elif until < shift.stretch.day:
            lacking = RuleBroken("certificate_over", skill=places.code)
        else:
            return places.code
    if not shift.skills or shift.general_free:
        return None
    raise lacking or RuleBroken("shift_full")


def broken_rules(
    taker: Taker, shift: Opening, taken: Sequence[Stretch], *, now: datetime
) -> Iterator[RuleBroken]:
    """Every reason why this person cannot have a place on this shift, the one to say first first.

    Codes: not_a_volunteer, shift_over, adults_only, pledge_missing, newcomer_not_yet, inside_cordon (the post is,
    the person is not), outside_cordon (the other way round), those of `ensure_time_allows`, then those of
    `choose_place`.
    """
    if taker.state not in _VOLUNTEERS:
        yield RuleBroken("not_a_volunteer")
        return
    if shift.state is not ShiftState.OPEN or shift.stretch.ends_at <= now:
        yield RuleBroken("shift_over")
        return
    if shift.adults_only and not taker.is_adult:
        yield RuleBroken("adults_only")
    if PledgeKind.HEALTH not in taker.pledges or (
        shift.handles_household_data and PledgeKind.CONFIDENTIALITY not in taker.pledges
    ):
        yield RuleBroken("pledge_missing")
    if taker.state in _NEWCOMERS and (shift.handles_household_data or not shift.newcomers_welcome):
        yield RuleBroken("newcomer_not_yet")
    if shift.side != taker.side:
        yield RuleBroken("inside_cordon" if shift.side else "outside_cordon")
    if taken:
        try:
            ensure_time_allows(shift.stretch, taken)
        except RuleBroken as broken:
            yield broken
    try:
        choose_place(taker, shift)
    except RuleBroken as broken:
        yield broken


def ensure_can_take(taker: Taker, shift: Opening, taken: Sequence[Stretch], *, now: datetime) -> str | None:
    """The place this person gets on the shift (see `choose_place`); raises the first of `broken_rules`."""
    for broken in broken_rules(taker, shift, taken, now=now):
        raise broken
    return choose_place(taker, shift)


def ensure_can_wait(taker: Taker, shift: Opening, taken: Sequence[Stretch], *, now: datetime) -> None:
    """Whether this person may stand in the queue of a full shift: all that lasts must be in order.

    Raises the first lasting one of `broken_rules`, or skill_missing where no place could ever be theirs.
    """
    for broken in broken_rules(taker, shift, taken, now=now):
        if broken.code not in WAITED_FOR:
            raise broken
        if shift.general <= 0 and not any(
            taker.skills.get(each.code, date.min) >= shift.stretch.day for each in shift.skills
        ):
            raise (
                broken
                if broken.code != "shift_full"
                else RuleBroken("skill_missing", skill=shift.skills[0].code)
            )


def can_wait(taker: Taker, shift: Opening, taken: Sequence[Stretch], *, now: datetime) -> bool:
    """Whether this person may stand in the queue of a full shift."""
    try:
        ensure_can_wait(taker, shift, taken, now=now)
    except RuleBroken:
        return False
    return True


def reason_against(
    taker: Taker, shift: Opening, taken: Sequence[Stretch], *, now: datetime
) -> RuleBroken | None:
    """The first reason why this person cannot have a place, None where they can."""
    return next(broken_rules(taker, shift, taken, now=now), None)


OFFER_LASTS = timedelta(hours=2)
OFFER_AT_LEAST = timedelta(minutes=15)
OFFER_ENDS_BEFORE = timedelta(hours=1)
NIGHT_BEGINS = time(21)
NIGHT_ENDS = time(8)
_ANSWERED_BY = time(9)


def is_night(wall: datetime) -> bool:
    """Whether nobody is written to, and nothing ends, at this wall-clock time: 21:00 to 08:00."""
    return not NIGHT_ENDS <= wall.time() < NIGHT_BEGINS


def by_day(now: datetime, *, zone: tzinfo) -> datetime:
    """Now, or 08:00 where it is night: when somebody is written to about what can wait."""
    wall = now.astimezone(zone)
    if not is_night(wall):
        return now
    morning = wall.date() if wall.time() < NIGHT_ENDS else wall.date() + timedelta(days=1)
    return datetime.combine(morning, NIGHT_ENDS, tzinfo=zone).astimezone(UTC)


def accept_until(*, now: datetime, starts_at: datetime, zone: tzinfo) -> datetime | None:
    """Until when an offer from the queue holds, None where there is no time left to ask anybody.

    Two hours; what would end at night ends at 09:00; never later than an hour before the start, and where that
    is at night, by 21:00 before it.
    """
    until = now + OFFER_LASTS
    wall = until.astimezone(zone)
    if is_night(wall):
        morning = wall.date() if wall.time() < NIGHT_BEGINS else wall.date() + timedelta(days=1)
        until = datetime.combine(morning, _ANSWERED_BY, tzinfo=zone)
    latest = (starts_at - OFFER_ENDS_BEFORE).astimezone(zone)
    if is_night(latest):
        evening = latest.date() if latest.time() >= NIGHT_BEGINS else latest.date() - timedelta(days=1)
        latest = datetime.combine(evening, NIGHT_BEGINS, tzinfo=zone) - timedelta(minutes=1)
    until = min(until, latest).astimezone(UTC)
    return until if until - now >= OFFER_AT_LEAST and not is_night(until.astimezone(zone)) else None


_EVENING_REMINDER = time(18)
_REMINDED_BEFORE = timedelta(hours=2)


def reminder_times(*, starts_at: datetime, zone: tzinfo) -> tuple[datetime, ...]:
    """When somebody is reminded of a shift: the evening before at 18:00, and two hours before unless that is at night."""
    wall = starts_at.astimezone(zone)
    evening = datetime.combine(wall.date() - timedelta(days=1), _EVENING_REMINDER, tzinfo=zone).astimezone(
        UTC
    )
    before = starts_at - _REMINDED_BEFORE
    return (evening,) if is_night(before.astimezone(zone)) else (evening, before)


def reminder_due(
    *, now: datetime, starts_at: datetime, since: datetime, reminded_at: datetime | None, zone: tzinfo
) -> bool:
    """Whether a reminder is to be written now: a time for one has passed, none was sent for it, it is day.

    `since` is when the person got or took the place: what they heard then is not said again.
    """
    if now >= starts_at or is_night(now.astimezone(zone)):
        return False
    passed = [at for at in reminder_times(starts_at=starts_at, zone=zone) if since < at <= now]
    return bool(passed) and (reminded_at is None or reminded_at < passed[-1])


# --- the day: when somebody came and went, and what counts of it --------------------------------------------

CHECK_IN_OPENS = timedelta(minutes=60)
CHECK_OUT_CLOSES = timedelta(hours=2)
PHONE_TIME_KEPT = timedelta(hours=12)
PHONE_CLOCK_SLACK = timedelta(minutes=2)
LATE_AFTER = timedelta(minutes=5)
SHOWN_BEFORE = timedelta(hours=24)
SHOWN_AFTER = timedelta(hours=12)
LEAVING_SOON = timedelta(minutes=30)
OLDEST_CODE = 50
CODE_LENGTH = 6
# No 0/O and 1/I: the code is read from a poster and typed by hand.
_CODE_SIGNS = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


def code_from(digest: bytes) -> str:
    """The check-in code 签到码 of a keyed hash: six signs, thirty bits, each from one byte of it."""
    return "".join(_CODE_SIGNS[byte % len(_CODE_SIGNS)] for byte in digest[:CODE_LENGTH])


def typed_code(text: str) -> str:
    """A code as it was typed or scanned: the end of an address, full-width or small letters, spaces, dashes."""
    last = unicodedata.normalize("NFKC", text).strip().rstrip("/").rpartition("/")[2]
    return "".join(sign for sign in last.upper() if sign.isalnum())[:20]


@dataclass(frozen=True)
class Told:
    """The instant that counts for a press on a phone; see `Attendance` for the two marks."""

    at: datetime
    was_offline: bool = False
    is_doubtful: bool = False


def believed(
    *, phone_at: datetime | None, now: datetime, opens_at: datetime, closes_at: datetime
) -> Told | None:
    """Which instant counts for a press that arrives now; None when neither clock lies in the window.

    The server's clock decides. The phone's own time counts only for what waited on the phone, and only if it lies
    in the window, not after its arrival and at most twelve hours before; else the arrival counts and is marked.
    """
    if phone_at is None or abs(now - phone_at) <= PHONE_CLOCK_SLACK:
        return Told(now) if opens_at <= now <= closes_at else None
    if opens_at <= phone_at <= min(now, closes_at) and now - phone_at <= PHONE_TIME_KEPT:
        return Told(phone_at, was_offline=True)
    if opens_at <= now <= closes_at:
        return Told(now, was_offline=True, is_doubtful=True)
    return None


def leaving(
    *, arrived_at: datetime | None, left_at: datetime | None, ends_at: datetime, now: datetime
) -> tuple[datetime | None, bool]:
    """When somebody left, and whether only the rule says so: two hours after the end, who forgot left at the end."""
    if left_at is None and arrived_at is not None and now >= ends_at + CHECK_OUT_CLOSES:
        return max(arrived_at, ends_at), True
    return left_at, False


def credited_minutes(
    *,
    mark: Mark,
    starts_at: datetime,
    ends_at: datetime,
    arrived_at: datetime | None,
    left_at: datetime | None,
) -> int:
    """The minutes that evidence gives, in real time also when clocks change; an early arrival counts from the start.

    Present without times (a tick of roll call or on paper) counts the planned stretch. Nobody present: nothing.
    """
    if mark is not Mark.PRESENT:
        return 0
    began = max(arrived_at or starts_at, starts_at)
    return max(0, int(((left_at or ends_at) - began).total_seconds() // 60))


def late_minutes(*, starts_at: datetime, arrived_at: datetime | None) -> int:
    """How late somebody came, in minutes; up to five are not late."""
    if arrived_at is None or arrived_at - starts_at <= LATE_AFTER:
        return 0
    return int((arrived_at - starts_at).total_seconds() // 60)


def time_inside(
    candidates: Iterable[datetime], *, opens_at: datetime, closes_at: datetime
) -> datetime | None:
    """Which of the instants that a written time may mean lies in the window: the first; None where none does."""
    return min((each for each in candidates if opens_at <= each <= closes_at), default=None)


# --- duty 值班 ------------------------------------------------------------------------------------------------

DUTY_NIGHT_BEGINS, DUTY_CHANGES = 18, 8
LONGEST_DUTY = timedelta(days=7)


def ensure_duty(new: Stretch, others: Iterable[Stretch], *, name: str, phone: str) -> None:
    """Whether a duty can stand beside the others of its kind and area.

    Raises RuleBroken: duty_name_missing, duty_phone_missing, duty_ends_before, duty_too_long(days),
    duty_overlaps(at) with the beginning of the one in the way.
    """
    if not name:
        raise RuleBroken("duty_name_missing", field="name")
    if not phone:
        raise RuleBroken("duty_phone_missing", field="phone")
    if new.ends_at <= new.starts_at:
        raise RuleBroken("duty_ends_before", field="ends_time")
    if new.length > LONGEST_DUTY:
        raise RuleBroken("duty_too_long", field="ends_on", days=LONGEST_DUTY.days)
    for each in others:
        if new.overlaps(each):
            raise RuleBroken("duty_overlaps", field="starts_on", at=each.starts_at)


def night_of(local: datetime) -> tuple[datetime, datetime] | None:
    """From now until the morning, on the county's clocks; None by day, when nobody has to look yet."""
    if local.hour >= DUTY_NIGHT_BEGINS:
        morning = local + timedelta(days=1)
    elif local.hour < DUTY_CHANGES:
        morning = local
    else:
        return None
    return local, morning.replace(hour=DUTY_CHANGES, minute=0, second=0, microsecond=0)


def is_covered(start: datetime, end: datetime, stretches: Iterable[Stretch]) -> bool:
    """Whether somebody is there at every moment from `start` to `end`."""
    reached = start
    for each in sorted(stretches):
        if each.starts_at > reached:
            break
        reached = max(reached, each.ends_at)
    return reached >= end


def state_after_leaving(state: SignupState, *, is_in_time: bool, was_given: bool) -> SignupState:
    """What becomes of a live sign-up that its person gives up.

    Who says no to an offer, or to a place that staff gave and they never confirmed, has dropped nothing.
    """
    if state is SignupState.WAITING:
        return SignupState.STOPPED_WAITING
    if state is SignupState.OFFERED or is_in_time or was_given:
        return SignupState.LEFT
    return SignupState.DROPPED_OUT
