"""Rules of rosters: words and states, the time rules that bind every click and every proposal. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import pairwise

from webapp.base import clock
from webapp.base.errors import RuleBroken

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
