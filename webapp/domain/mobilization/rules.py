"""Rules of the reserve and of call-ups: words, states, and what may follow what. Pure."""

from datetime import timedelta
from enum import StrEnum

AVAILABILITY_FREEZES = timedelta(hours=48)


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
