"""Rules of rosters: words and states, the time rules that bind every click and every proposal. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

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
    """A proposal of the solver: asked for, being solved, there to be looked at, published, put aside, or failed."""

    ASKED = "asked"
    SOLVING = "solving"
    PROPOSED = "proposed"
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
