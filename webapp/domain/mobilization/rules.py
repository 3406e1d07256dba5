"""Rules of the reserve and of call-ups: words, states, and what may follow what. Pure."""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from datetime import datetime, time, timedelta
from enum import StrEnum
from urllib.parse import urlsplit

from webapp.base.errors import Conflict, RuleBroken

HALF_DAY = timedelta(hours=12)


class Category(StrEnum):
    """Through which force somebody stands in the reserve 类别: a seconded cadre, or one of the five societies."""

    CADRE = "cadre"
    COMMUNITY = "community"
    SOCIAL_ORGANISATION = "social_organisation"
    SOCIAL_WORKER = "social_worker"
    VOLUNTEER = "volunteer"
    CHARITY = "charity"


class Readiness(StrEnum):
    """How ready somebody is 状态: ready, ready for some of it, resting after duty, away until a day."""

    READY = "ready"
    LIMITED = "limited"
    RESTING = "resting"
    AWAY = "away"


class EnrolSource(StrEnum):
    """How somebody came into the reserve: by their own tick, by staff, from a list."""

    SELF = "self"
    STAFF = "staff"
    IMPORT = "import"


class CallUpState(StrEnum):
    """Where a call-up stands.

    DRAFT is written and checked. RUNNING calls, or waits with all places full and calls again when one opens.
    PAUSED calls nobody. ENDED calls nobody any more; who said yes still musters. STOOD_DOWN 解除召集: nobody is
    needed any more. CLOSED: the books are closed, the report is final, history and fairness are written.
    """

    DRAFT = "draft"
    RUNNING = "running"
    PAUSED = "paused"
    ENDED = "ended"
    STOOD_DOWN = "stood_down"
    CLOSED = "closed"


class Certainty(StrEnum):
    """How surely the places are to fill 稳妥 / 一般 / 少打扰, against how many people are disturbed."""

    SURE = "sure"
    NORMAL = "normal"
    GENTLE = "gentle"


class SummonsState(StrEnum):
    """What came of a summons.

    WAITING for an answer · LATER said that they answer later · COMING holds a place · QUEUED said yes when all
    was full, and gets the first place that opens · CANNOT · DROPPED said yes and then cannot · MISSED did not
    answer within the window (an answer after it is kept and offered what is open) · STOOD_DOWN is not needed.
    """

    WAITING = "waiting"
    LATER = "later"
    COMING = "coming"
    QUEUED = "queued"
    CANNOT = "cannot"
    DROPPED = "dropped"
    MISSED = "missed"
    STOOD_DOWN = "stood_down"


# Who has not said no and was not let go: those whom a stand-down must reach, or who may still answer.
UNANSWERED = frozenset({SummonsState.WAITING, SummonsState.LATER, SummonsState.MISSED})
SAID_YES = frozenset({SummonsState.COMING, SummonsState.QUEUED})


class MusterState(StrEnum):
    """Where somebody who is coming has got to 已出发 · 已到 · 在岗 · 已离开 · 该到没到. No state: said yes, not seen."""

    EN_ROUTE = "en_route"
    ARRIVED = "arrived"
    ON_DUTY = "on_duty"
    DEPARTED = "departed"
    OVERDUE = "overdue"


class AnswerSource(StrEnum):
    """By which way an answer came."""

    LINK = "link"
    APP = "app"
    SMS = "sms"
    CALL_LIST = "call_list"
    UNIT = "unit"
    WALK_IN = "walk_in"


class CannotReason(StrEnum):
    """Why somebody cannot come; asked so that the forecast learns, never to judge."""

    ILL = "ill"
    AWAY = "away"
    WORK = "work"
    FAMILY = "family"
    OTHER_DUTY = "other_duty"
    LOCKED_IN = "locked_in"
    OTHER = "other"


class Stay(StrEnum):
    """Whether who comes can go home 能不能回家: as they like, between turns, or not until it is over."""

    FREE = "free"
    BETWEEN = "between"
    STAYS = "stays"


class UnitState(StrEnum):
    """What a team that was called as a unit answered."""

    WAITING = "waiting"
    COMING = "coming"
    CANNOT = "cannot"
    STOOD_DOWN = "stood_down"


class CallResult(StrEnum):
    """What a phone call of the call list 电话通知单 came to."""

    COMING = "coming"
    CANNOT = "cannot"
    LATER = "later"
    NO_ANSWER = "no_answer"
    WRONG_NUMBER = "wrong_number"


class EventKind(StrEnum):
    """A line of a call-up's timeline 时间线."""

    STARTED = "started"
    WAVE = "wave"
    TIER = "tier"
    UNIT = "unit"
    FULL = "full"
    REOPENED = "reopened"
    SHORT = "short"
    PAUSED = "paused"
    RESUMED = "resumed"
    CHANGED = "changed"
    HURRIED = "hurried"
    WIDENED = "widened"
    LISTED = "listed"
    ENDED = "ended"
    STOOD_DOWN = "stood_down"
    CLOSED = "closed"


class ShortBecause(StrEnum):
    """Why a role could not be filled 为什么不够."""

    NOBODY_CAN = "nobody_can"
    ALL_ASKED = "all_asked"
    ALL_BUSY = "all_busy"
    ALL_RESTING = "all_resting"
    WRONG_SIDE = "wrong_side"
    UNREACHABLE = "unreachable"
    NO_TIME = "no_time"
    QUIET_HOURS = "quiet_hours"


class Because(StrEnum):
    """Why somebody was chosen 为什么选中: where they live, what speaks for them, whose turn it is."""

    LIVES_HERE = "lives_here"
    NEXT_AREA = "next_area"
    FURTHER_AWAY = "further_away"
    HAS_SKILL = "has_skill"
    READY = "ready"
    LIMITED = "limited"
    AVAILABLE = "available"
    NEVER_CALLED = "never_called"
    LONG_NOT_CALLED = "long_not_called"
    # Their other skill is scarce: they are asked for this only because everybody else was.
    OTHERS_USED_UP = "others_used_up"
    # No message reaches them: they stand on the call list from the start.
    BY_PHONE = "by_phone"


class NotAsked(StrEnum):
    """Why somebody of the reserve is not asked for a role."""

    CATEGORY = "category"
    SKILL = "skill"
    ASKED = "asked"
    SUMMONED = "summoned"
    BUSY = "busy"
    AWAY = "away"
    RESTING = "resting"
    NOT_AVAILABLE = "not_available"
    WRONG_SIDE = "wrong_side"


class SheetKind(StrEnum):
    """A printed sheet: 花名册(集结点名签到表), 电话通知单, summary for the command, end report."""

    ROSTER = "roster"
    CALL_LIST = "call_list"
    SUMMARY = "summary"
    REPORT = "report"


class SheetCopy(StrEnum):
    """公示版 without phones, 工作版 with them."""

    WALL = "wall"
    WORKING = "working"


# --- answers ------------------------------------------------------------------------------------------------

# How long a link to a summons still shows how things stood, after the call-up's end.
LINK_LASTS = timedelta(days=7)
# "In so many minutes I am there"; the other choice is: at the start.
ETA_MINUTES = (10, 20, 30, 45)
# Whoever gets a place out of the queue had made other plans for the evening.
ETA_FROM_THE_QUEUE = timedelta(minutes=30)


class Reply(StrEnum):
    """What one can answer 能来 / 来不了 / 晚点答复."""

    COMING = "coming"
    CANNOT = "cannot"
    LATER = "later"


@dataclass(frozen=True)
class Answer:
    """An answer to a summons as it was given.

    `eta_minutes` None means: at the start. `knows_sealed` is the second tick 我知道暂时不能离开. `role` is the public
    id of another role of the same call-up, which was offered because the own one is full.
    """

    reply: Reply
    eta_minutes: int | None = None
    reason: CannotReason | None = None
    said: str = ""
    knows_sealed: bool = False
    role: str | None = None


def eta_of(minutes: int | None, *, now: datetime, starts_at: datetime) -> datetime:
    """When somebody who says "in so many minutes" (None: at the start) is expected."""
    return max(now, starts_at) if minutes is None else now + timedelta(minutes=minutes)


def ensure_may_say_no(state: SummonsState, muster: MusterState | None) -> SummonsState:
    """What a no makes of a summons; RuleBroken mustered_already for somebody who is there or was."""
    if muster in {MusterState.ARRIVED, MusterState.ON_DUTY, MusterState.DEPARTED}:
        raise RuleBroken("mustered_already")
    return (
        SummonsState.DROPPED if state in {SummonsState.COMING, SummonsState.DROPPED} else SummonsState.CANNOT
    )


def ensure_may_say_later(state: SummonsState, *, now: datetime, reply_by: datetime) -> None:
    """Raises RuleBroken answered_already after a yes or a no, later_too_late once the window is over."""
    if state not in UNANSWERED:
        raise RuleBroken("answered_already")
    if state is SummonsState.MISSED or now >= reply_by:
        raise RuleBroken("later_too_late")


def asks_again_at(*, answered_at: datetime, reply_by: datetime) -> datetime:
    """When somebody who said "later" is asked once more: half-way to the end of the window."""
    return answered_at + (reply_by - answered_at) / 2


# --- a call-up as it is written -----------------------------------------------------------------------------

MOST_ROLES = 8
MOST_PLACES = 2000
LONGEST_CALL_UP = timedelta(days=7)
FURTHEST_AHEAD = timedelta(days=30)
REPLY_MINUTES = (5, 10, 15, 30, 60)
# Between these nobody is called for what can wait; a person may override it with a reason, a drill may not.
QUIET_FROM, QUIET_UNTIL = time(21), time(8)


def quiet_ends(here: datetime) -> datetime | None:
    """When the quiet hours end in which this moment lies (on the county's clocks); None outside them."""
    if QUIET_UNTIL <= here.time() < QUIET_FROM:
        return None
    ends = here.replace(hour=QUIET_UNTIL.hour, minute=QUIET_UNTIL.minute, second=0, microsecond=0)
    return ends if here.time() < QUIET_UNTIL else ends + timedelta(days=1)


def ensure_may_call(*, here: datetime, starts_at: datetime, is_drill: bool, reason: str | None) -> None:
    """Whether a call-up that starts to call now has a way through the quiet hours.

    Raises RuleBroken: drill_never_at_night for a drill that would override them, quiet_reason_missing where the
    places begin before the hours end and nobody said why people are woken. Else it waits until the hours end.
    """
    if is_drill and reason:
        raise RuleBroken("drill_never_at_night", field="quiet_reason")
    ends = quiet_ends(here)
    if ends is None or reason or starts_at > ends:
        return
    if is_drill:
        raise RuleBroken("drill_never_at_night", field="start")
    raise RuleBroken("quiet_reason_missing", field="quiet_reason")


def ensure_not_quiet(*, here: datetime, is_drill: bool, reason: str | None) -> None:
    """Whether people may be called at this moment because a person presses.

    Raises RuleBroken: quiet_now in the quiet hours where nobody said why, drill_never_at_night in a drill.
    """
    if reason is None and quiet_ends(here) is not None:
        raise RuleBroken("drill_never_at_night" if is_drill else "quiet_now")


def ensure_times(*, starts_at: datetime, ends_at: datetime, reply_minutes: int, now: datetime) -> None:
    """Whether a call-up's times can be: to come, in order, and an answer before the start.

    Raises RuleBroken: start_in_the_past, start_too_far, call_up_ends_before_start, call_up_too_long, reply_after_start.
    """
    if starts_at <= now:
        raise RuleBroken("start_in_the_past", field="start")
    if starts_at > now + FURTHEST_AHEAD:
        raise RuleBroken("start_too_far", field="day", days=FURTHEST_AHEAD.days)
    if ends_at <= starts_at:
        raise RuleBroken("call_up_ends_before_start", field="hours")
    if ends_at - starts_at > LONGEST_CALL_UP:
        raise RuleBroken("call_up_too_long", field="hours", days=LONGEST_CALL_UP.days)
    if reply_minutes not in REPLY_MINUTES:
        raise RuleBroken("bad_request")
    if now + timedelta(minutes=reply_minutes) > starts_at:
        raise RuleBroken("reply_after_start", field="reply_minutes")


def ensure_places(counts: Sequence[int]) -> None:
    """Whether the numbers of the roles can be. Raises RuleBroken: call_up_roles_missing, too_many_roles, call_up_places_wrong."""
    if not counts:
        raise RuleBroken("call_up_roles_missing", field="count_1")
    if len(counts) > MOST_ROLES:
        raise RuleBroken("too_many_roles", field="count_1", maximum=MOST_ROLES)
    for number, count in enumerate(counts, 1):
        if not 0 < count <= MOST_PLACES:
            raise RuleBroken("call_up_places_wrong", field=f"count_{number}", maximum=MOST_PLACES)


def map_link(text: str) -> str | None:
    """A link to a map as it may stand in a message: https, a host, nothing that asks for a password.

    Raises RuleBroken("map_link_wrong").
    """
    text = text.strip()
    if not text:
        return None
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise RuleBroken("map_link_wrong", field="map_url") from error
    is_plain = parts.username is None and port in {None, 443} and not set(text) & set(' "<>\\^`{|}\t\r\n')
    if parts.scheme != "https" or "." not in (parts.hostname or "") or not is_plain or len(text) > 300:
        raise RuleBroken("map_link_wrong", field="map_url")
    return text


# What a person may do to a call-up, and in which states it makes sense.
STEPS: dict[str, frozenset[CallUpState]] = {
    "start": frozenset({CallUpState.DRAFT}),
    "pause": frozenset({CallUpState.RUNNING}),
    "resume": frozenset({CallUpState.PAUSED}),
    "hurry": frozenset({CallUpState.RUNNING}),
    "widen": frozenset({CallUpState.RUNNING, CallUpState.PAUSED}),
    "change": frozenset({CallUpState.RUNNING, CallUpState.PAUSED}),
    "end": frozenset({CallUpState.RUNNING, CallUpState.PAUSED}),
    "stand_down": frozenset({CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED}),
    "close": frozenset({CallUpState.RUNNING, CallUpState.PAUSED, CallUpState.ENDED, CallUpState.STOOD_DOWN}),
}


def can_step(step: str, state: CallUpState) -> bool:
    """Whether this step makes sense in this state."""
    return state in STEPS[step]


def ensure_step(step: str, state: CallUpState) -> None:
    """Raises Conflict("call_up_moved_on") when the call-up is past the state in which this makes sense."""
    if not can_step(step, state):
        raise Conflict("call_up_moved_on", state=state)


# --- the muster 集结点名 ----------------------------------------------------------------------------------------

GRACE = timedelta(minutes=15)
NEARLY_THERE = timedelta(minutes=15)
WELFARE_EVERY = timedelta(hours=4)
WELFARE_GRACE = timedelta(minutes=30)
LONG_DUTY = timedelta(hours=10)
BOOKS_CLOSE_AFTER = timedelta(hours=12)


class Mark(StrEnum):
    """What roll call says of somebody 到了 / 没到 / 还不知道. No mark is no no-show 没勾不等于没来."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


def due_at(*, eta_at: datetime | None, starts_at: datetime) -> datetime:
    """When somebody who said yes is awaited: when they said, else when it starts."""
    return eta_at or starts_at


def is_overdue(*, due: datetime, arrived_at: datetime | None, now: datetime) -> bool:
    """Whether somebody who said yes should have been there for more than the grace 该到没到."""
    return arrived_at is None and now > due + GRACE


def is_received(*, due: datetime, arrived_at: datetime | None, now: datetime) -> bool:
    """Whether a stand-down leaves somebody alone: who is there, or so near that a message would meet them at the gate.

    Near is due within 15 minutes, or due already and within the grace.
    """
    if arrived_at is not None:
        return True
    return due - NEARLY_THERE <= now <= due + GRACE


@dataclass(frozen=True)
class Figures:
    """The board's figures. 应到 = 实到 + 在路上 + 没消息, always.

    `expected` 应到 have a place (said yes, or joined on the spot); `unnamed` of them a unit has promised without
    names. `overdue` are those of the last two who should have been there by now.
    """

    wanted: int = 0
    expected: int = 0
    arrived: int = 0
    en_route: int = 0
    overdue: int = 0
    unnamed: int = 0
    on_duty: int = 0
    departed: int = 0
    extra: int = 0

    @property
    def silent(self) -> int:
        """没消息: said yes and has not been heard of since."""
        return self.expected - self.arrived - self.en_route

    @property
    def rate(self) -> int | None:
        """到位率 in percent of those expected, rounded down: it reads 100 only when all are there. None of nobody."""
        return None if not self.expected else self.arrived * 100 // self.expected

    def __add__(self, other: "Figures") -> "Figures":
        """The figures of two roles together."""
        return Figures(*(getattr(self, each.name) + getattr(other, each.name) for each in fields(self)))


def share(part: int, whole: int) -> int | None:
    """Percent, rounded to the nearest; None of nothing."""
    return None if not whole else (part * 200 + whole) // (2 * whole)


def curve(instants: Iterable[datetime], *, start: datetime, end: datetime) -> list[tuple[float, int]]:
    """How many by when: minutes since the start and the count from then on, as steps.

    It begins with (0, those at or before the start) and ends at the end; what comes after it is left out.
    """
    counted = Counter(max(start, each) for each in instants if each <= end)
    so_far = counted.pop(start, 0)
    points = [(0.0, so_far)]
    for at in sorted(counted):
        so_far += counted[at]
        points.append(((at - start).total_seconds() / 60, so_far))
    last = (end - start).total_seconds() / 60
    if points[-1][0] < last:
        points.append((last, so_far))
    return points


@dataclass(frozen=True)
class Score:
    """What a call-up, or a drill, came to: each figure of the one before it.

    `notified` of `summoned` were reached by some way; `acknowledged` of them answered within their time (an answer
    after it counts as missing); `said_yes` of those yes; `mustered` came. Without units and walk-ins, whom nobody
    notified.
    """

    summoned: int = 0
    notified: int = 0
    acknowledged: int = 0
    said_yes: int = 0
    mustered: int = 0

    @property
    def notified_share(self) -> int | None:
        """Percent notified of those summoned."""
        return share(self.notified, self.summoned)

    @property
    def acknowledged_share(self) -> int | None:
        """Percent answered in time of those notified."""
        return share(self.acknowledged, self.notified)

    @property
    def mustered_share(self) -> int | None:
        """Percent mustered of those who said yes in time."""
        return share(self.mustered, self.said_yes)


# --- the reserve --------------------------------------------------------------------------------------------

# How far ahead people say when they can come, and how long somebody may be away before they rather leave.
DAYS_AHEAD = 14
LONGEST_AWAY = timedelta(days=180)
UNIT_LENGTH = 80
RESERVE_NOTE_LENGTH = 200


def ensure_readiness(readiness: Readiness, *, away_until: datetime | None, now: datetime) -> datetime | None:
    """Until when somebody is away (None: they are not); raises RuleBroken where the day is missing or makes no sense."""
    if readiness is not Readiness.AWAY:
        return None
    if away_until is None:
        raise RuleBroken("away_until_missing", field="away_until")
    if away_until <= now:
        raise RuleBroken("away_until_past", field="away_until")
    if away_until > now + LONGEST_AWAY:
        raise RuleBroken("away_until_far", field="away_until", days=LONGEST_AWAY.days)
    return away_until


def readiness_now(readiness: Readiness, away_until: datetime | None, *, at: datetime) -> Readiness:
    """How ready somebody is at this instant: who was away until then is ready again without a word."""
    if readiness is Readiness.AWAY and away_until is not None and away_until <= at:
        return Readiness.READY
    return readiness


def is_frozen(begins_at: datetime, *, now: datetime, freeze: timedelta) -> bool:
    """Whether a half-day that begins then is so near that plans stand on what was said of it 48小时内不再改."""
    return begins_at < now + freeze


def ensure_days_open(
    begin: Iterable[datetime], *, now: datetime, freeze: timedelta, reason: str | None
) -> None:
    """Whether half-days that begin at these instants may be changed; a person of the office may with a reason.

    Raises RuleBroken("days_frozen") for who gives none, RuleBroken("day_past") for a half-day that is over.
    """
    for begins_at in begin:
        if begins_at < now - HALF_DAY:
            raise RuleBroken("day_past")
        if is_frozen(begins_at, now=now, freeze=freeze) and not reason:
            raise RuleBroken("days_frozen", hours=int(freeze.total_seconds() // 3600))


# --- answers by SMS -----------------------------------------------------------------------------------------

_SAYS_YES = (
    "1", "能来", "能", "来", "可以来", "我能来", "能到", "马上来", "马上到", "一定到", "准时到", "收到能来", "1能来",
    "能来1", "yes",
)  # fmt: skip
_SAYS_NO = (
    "2", "来不了", "不能来", "不能", "不来", "去不了", "我来不了", "我不能来", "来不成", "不行", "没空", "有事来不了", "2来不了",
    "来不了2", "2不能", "2不能来", "不能来2", "no",
)  # fmt: skip
_SAYS = dict.fromkeys(_SAYS_YES, Reply.COMING) | dict.fromkeys(_SAYS_NO, Reply.CANNOT)
_CODE_DIGITS = 4
_NO_WORD = re.compile(r"[^\w]+|_+")


def read_sms(text: str) -> tuple[tuple[Reply, str | None], ...]:
    """What an SMS can mean: each a reply and the code of the call-up it names (None: none); empty for anything else.

    回复 before it, full-width figures, spaces and full stops change nothing. "14071" may be 1 for 4071 or 1407 and 1:
    which of them is a call-up of this person decides whoever asks.
    """
    plain = unicodedata.normalize("NFKC", text).casefold()
    words = [word for word in _NO_WORD.split(plain) if word]
    joined = "".join(words)
    for prefix in ("回复", "答复", "回"):
        joined = joined.removeprefix(prefix)
    if joined in _SAYS:
        return ((_SAYS[joined], None),)
    found = []
    front, code = joined[:-_CODE_DIGITS], joined[-_CODE_DIGITS:]
    if front in _SAYS and code.isascii() and code.isdecimal():
        found.append((_SAYS[front], code))
    code, back = joined[:_CODE_DIGITS], joined[_CODE_DIGITS:]
    if back in _SAYS and code.isascii() and code.isdecimal():
        # "1 4071" was written apart: nobody means 1407 and 1.
        is_apart = len(words) > 1 and words[0] != code
        if not (found and is_apart):
            found.append((_SAYS[back], code))
    return tuple(found)
