"""What the pages of a call-up's head say, put into words before the template."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from flask import current_app, url_for
from markupsafe import Markup
from werkzeug.datastructures import MultiDict

from webapp.base import clock
from webapp.base.errors import LinliError
from webapp.blueprints.mobilization.call_up_typed import (
    DRILL_ANNOUNCED,
    DRILL_UNANNOUNCED,
    HOURS,
    usual_reply,
    usual_start,
)
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.queries.call_ups import (
    CallUpLine,
    CallUpView,
    Choice,
    Chosen,
    EventView,
    RoleView,
    TeamChoice,
    Terms,
    UnitView,
    WavesPage,
    WaveView,
)
from webapp.domain.mobilization.queries.units import Member, UnitPage
from webapp.domain.mobilization.rules import (
    MOST_ROLES,
    REPLY_MINUTES,
    Because,
    CallUpState,
    Category,
    Certainty,
    EventKind,
    NotAsked,
    ShortBecause,
    Stay,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.services.call_ups import ANYBODY
from webapp.domain.mobilization.services.engine import Plan, RolePlan, target_of
from webapp.domain.notifications.rules import Channel, WhyNot
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext

ROWS_SHOWN = 2

# --- words --------------------------------------------------------------------------------------------------


def joined(parts: Iterable[Any]) -> Any:
    """Parts of a line with a point between them; what is marked as Chinese stays marked."""
    return Markup(" · ").join(part for part in parts if part)


def state(of: CallUpState) -> tuple[str, str]:
    """Where a call-up stands, as a word and a tone."""
    return {
        CallUpState.DRAFT: (gettext("Not started"), "plain"),
        CallUpState.RUNNING: (gettext("Calling"), "good"),
        CallUpState.PAUSED: (gettext("Paused"), "warn"),
        CallUpState.ENDED: (gettext("Calling has ended"), "info"),
        CallUpState.STOOD_DOWN: (gettext("Stood down"), "plain"),
        CallUpState.CLOSED: (gettext("Books closed"), "plain"),
    }[of]


def certainty(of: Certainty) -> str:
    """稳妥 / 一般 / 少打扰."""
    return {
        Certainty.SURE: gettext("Rather too many"),
        Certainty.NORMAL: gettext("Balanced"),
        Certainty.GENTLE: gettext("Disturb few"),
    }[of]


def stay(of: Stay) -> str:
    """Whether one can go home."""
    return {
        Stay.FREE: gettext("Can go home"),
        Stay.BETWEEN: gettext("Home between turns only"),
        Stay.STAYS: gettext("Stays until it is over"),
    }[of]


def category(of: Category) -> str:
    """Through which force somebody stands in the reserve."""
    return {
        Category.CADRE: gettext("Seconded cadres"),
        Category.COMMUNITY: gettext("Community staff"),
        Category.SOCIAL_ORGANISATION: gettext("Social organisations"),
        Category.SOCIAL_WORKER: gettext("Social workers"),
        Category.VOLUNTEER: gettext("Volunteers"),
        Category.CHARITY: gettext("Charities"),
    }[of]


def because(code: str) -> str:
    """Why somebody was chosen."""
    return {
        Because.LIVES_HERE: gettext("lives here"),
        Because.NEXT_AREA: gettext("from the next area"),
        Because.FURTHER_AWAY: gettext("from further away"),
        Because.HAS_SKILL: gettext("can do it"),
        Because.READY: gettext("ready"),
        Because.LIMITED: gettext("ready for some of it"),
        Because.AVAILABLE: gettext("said they can at this time"),
        Because.NEVER_CALLED: gettext("never called before"),
        Because.LONG_NOT_CALLED: gettext("not called for long"),
        Because.OTHERS_USED_UP: gettext("kept for rarer work until all others were asked"),
        Because.BY_PHONE: gettext("to be called by phone"),
        "unit": gettext("named by the team's lead"),
    }.get(code, code)


def short(of: ShortBecause) -> str:
    """Why a role could not be filled."""
    return {
        ShortBecause.NOBODY_CAN: gettext("Nobody in the reserve here can do this."),
        ShortBecause.ALL_ASKED: gettext("Everybody who can was asked."),
        ShortBecause.ALL_BUSY: gettext("All others are on duty or at another call-up."),
        ShortBecause.ALL_RESTING: gettext("All others rest, are away, or cannot at this time."),
        ShortBecause.WRONG_SIDE: gettext("The others stand on the other side of the cordon."),
        ShortBecause.UNREACHABLE: gettext("No message reaches the others: please call them."),
        ShortBecause.NO_TIME: gettext("Too little time is left."),
        ShortBecause.QUIET_HOURS: gettext("Nobody is called in the quiet hours (21:00–08:00)."),
    }[of]


def not_asked(of: NotAsked) -> str:
    """Why somebody of the reserve is not asked."""
    return {
        NotAsked.CATEGORY: gettext("not among those who may be called"),
        NotAsked.SKILL: gettext("cannot do this"),
        NotAsked.ASKED: gettext("asked already"),
        NotAsked.SUMMONED: gettext("at another call-up"),
        NotAsked.BUSY: gettext("on duty at that time"),
        NotAsked.AWAY: gettext("away"),
        NotAsked.RESTING: gettext("resting"),
        NotAsked.NOT_AVAILABLE: gettext("said they cannot at that time"),
        NotAsked.WRONG_SIDE: gettext("on the other side of the cordon"),
    }[of]


def why_no_sms(of: WhyNot | None) -> str:
    """Why no message reaches somebody."""
    return {
        WhyNot.NO_PHONE: gettext("no number is known"),
        WhyNot.OPTED_OUT: gettext("wants no messages"),
        WhyNot.FAILING: gettext("messages do not arrive"),
        None: gettext("no message reaches them"),
    }[of]


def summons_state(of: SummonsState) -> tuple[str, str]:
    """What came of a summons, as a word and a tone."""
    return {
        SummonsState.WAITING: (gettext("No answer yet"), "plain"),
        SummonsState.LATER: (gettext("Answers later"), "warn"),
        SummonsState.COMING: (gettext("Coming"), "good"),
        SummonsState.QUEUED: (gettext("Would come"), "info"),
        SummonsState.CANNOT: (gettext("Cannot"), "plain"),
        SummonsState.DROPPED: (gettext("Cannot after all"), "bad"),
        SummonsState.MISSED: (gettext("Did not answer in time"), "warn"),
        SummonsState.STOOD_DOWN: (gettext("Not needed"), "plain"),
    }[of]


def unit_state(of: UnitView) -> tuple[str, str]:
    """What a unit answered."""
    return {
        UnitState.WAITING: (gettext("No answer yet"), "warn" if of.is_to_call else "plain"),
        UnitState.COMING: (gettext("%(count)s are coming", count=of.promised), "good"),
        UnitState.CANNOT: (gettext("Cannot"), "plain"),
        UnitState.STOOD_DOWN: (gettext("Not needed"), "plain"),
    }[of.state]


def area(choice: Choice) -> Any:
    """An area in the reader's language."""
    return words.said(choice.name, choice.name_en)


def role(of: RoleView) -> Any:
    """A role in the reader's language; one that is called as its skill has an English name."""
    if of.name == ANYBODY:
        return gettext("Hands")
    return words.said(of.name, of.skill_en if of.name == of.skill_zh else None)


def percent(share: float) -> str:
    """87 %."""
    return f"{round(share * 100)} %"


def span(starts_at: datetime, ends_at: datetime, now: datetime) -> str:
    """tonight 21:00–01:00."""
    end = clock.here(ends_at)
    text = f"{words.moment(starts_at, now=now)}–{words.clock_time(ends_at)}"
    if end.date() > clock.here(starts_at).date():
        return gettext("%(span)s (next day)", span=text)
    return text


def there(endpoint: str, **values: Any) -> str | None:
    """The address of a page of another part; None while that part is not there."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else None


# --- the list -----------------------------------------------------------------------------------------------


def line(each: CallUpLine, now: datetime) -> dict[str, Any]:
    """A call-up as a row."""
    word, tone = state(each.state)
    figures = (
        gettext("%(taken)s of %(wanted)s places", taken=each.taken, wanted=each.wanted)
        if each.taken is not None
        else None
    )
    return {
        "url": url_for("mobilization.show_call_up", public_id=each.public_id),
        "title": words.said(each.title),
        "is_drill": each.is_drill,
        "word": word,
        "tone": tone,
        "detail": joined(
            [
                span(each.starts_at, each.ends_at, now),
                words.said(each.area_name, each.area_name_en),
                words.said(each.muster_point),
                figures,
            ]
        ),
    }


# --- the form -----------------------------------------------------------------------------------------------

_PLAIN = (
    "title",
    "day",
    "start",
    "hours",
    "place",
    "muster_point",
    "landmark",
    "map_url",
    "bring",
    "stay",
    "sleeps",
    "eats",
    "caller_name",
    "phone",
    "certainty",
    "reply_minutes",
    "widest",
    "drill",
    "quiet_reason",
)


def _beginnings(terms: Terms, now: datetime, *, is_drill: bool) -> dict[str, Any]:
    """What stands in the form before anybody types: enough that title, a role and the time are all."""
    start = usual_start(now)
    return {
        "day": start.date().isoformat(),
        "start": f"{start:%H:%M}",
        "hours": "4",
        "stay": str(Stay.FREE),
        "caller_name": terms.caller_name,
        "phone": terms.phone,
        "certainty": str(Certainty.NORMAL),
        "reply_minutes": str(usual_reply(start, now)),
        "widest": terms.tiers[min(1, len(terms.tiers) - 1)].public_id,
        "drill": DRILL_ANNOUNCED if is_drill else "",
    }


def _standing(draft: CallUpView) -> dict[str, Any]:
    """A draft as the form shows it."""
    start = clock.here(draft.starts_at)
    drill = (DRILL_ANNOUNCED if draft.is_announced else DRILL_UNANNOUNCED) if draft.is_drill else ""
    return {
        "title": draft.title,
        "day": start.date().isoformat(),
        "start": f"{start:%H:%M}",
        "hours": str(round((draft.ends_at - draft.starts_at).total_seconds() / 3600)),
        "muster_point": draft.muster_point,
        "landmark": draft.landmark,
        "map_url": draft.map_url or "",
        "bring": draft.bring,
        "stay": str(draft.stay),
        "sleeps": draft.sleeps,
        "eats": draft.eats,
        "caller_name": draft.caller_name,
        "phone": draft.phone,
        "certainty": str(draft.certainty),
        "reply_minutes": str(draft.reply_minutes),
        "widest": draft.widest.public_id,
        "drill": drill,
        "quiet_reason": draft.quiet_reason or "",
    }


def form(
    terms: Terms,
    *,
    now: datetime,
    draft: CallUpView | None = None,
    place: str = "",
    typed: MultiDict[str, str] | None = None,
    error: LinliError | None = None,
    team_type: str = "",
    is_drill: bool = False,
) -> dict[str, Any]:
    """The form: what was typed, else the draft, else sensible beginnings with the roles of a kind of team."""
    chosen = next((each for each in terms.team_types if each.public_id == team_type), None)
    if typed is not None:
        value: Mapping[str, Any] = {name: typed.get(name, "") for name in _PLAIN}
        categories = typed.getlist("categories")
        rows = [
            {part: typed.get(f"{part}_{row}", "") for part in ("count", "skill", "role")}
            for row in range(1, MOST_ROLES + 1)
        ]
    else:
        value = _standing(draft) | {"place": place} if draft else _beginnings(terms, now, is_drill=is_drill)
        categories = sorted(draft.categories) if draft else []
        rows = []
        if draft is not None:
            rows = [
                {
                    "count": each.wanted,
                    "skill": each.skill or "",
                    "role": "" if each.name in {each.skill_zh, ANYBODY} else each.name,
                }
                for each in draft.roles
            ]
        elif chosen is not None:
            rows = [
                {"count": each.needed_count, "skill": each.skill_code or "", "role": each.name}
                for each in chosen.roles
            ][:MOST_ROLES]
        rows += [{"count": "", "skill": "", "role": ""}] * (MOST_ROLES - len(rows))
    filled = max((number for number, row in enumerate(rows, 1) if row["count"] or row["role"]), default=0)
    fields = {name: value.get(name, "") for name in _PLAIN}
    hours = sorted({*HOURS, int(fields["hours"])} if str(fields["hours"]).isdecimal() else HOURS)
    return {
        "title": (gettext("Change the call-up") if draft else gettext("New call-up")),
        "action": url_for("mobilization.save_call_up", public_id=draft.public_id)
        if draft
        else url_for("mobilization.make_call_up"),
        "back": url_for("mobilization.check_call_up", public_id=draft.public_id)
        if draft
        else url_for("mobilization.list_call_ups"),
        "area": terms.area,
        "area_name": words.said(terms.name, terms.name_en),
        "value": fields,
        "rows": list(enumerate(rows, 1)),
        "rows_shown": max(ROWS_SHOWN, filled),
        "skills": [("", gettext("anybody"))]
        + [(each.public_id, words.said(each.name, each.name_en)) for each in terms.skills],
        "team_types": [
            (
                words.said(each.name, each.name_en),
                url_for("mobilization.new_call_up", area=terms.area, team_type=each.public_id),
                [[one.skill_code or "", one.needed_count, one.name] for one in each.roles],
            )
            for each in terms.team_types
        ]
        if draft is None
        else [],
        "hours": [(str(each), gettext("%(count)s hours", count=each)) for each in hours],
        "places": [("", gettext("somewhere in %(area)s", area=words.said(terms.name, terms.name_en)))]
        + [(each.public_id, area(each)) for each in terms.places],
        "stays": [(str(each), stay(each)) for each in Stay],
        "categories": [(str(each), category(each)) for each in Category],
        "chosen_categories": [str(each) for each in categories],
        "certainties": [(str(each), certainty(each), _certainty_means(each)) for each in Certainty],
        "targets": [(certainty(each), percent(target_of(each))) for each in Certainty],
        "replies": [(str(each), gettext("%(count)s minutes", count=each)) for each in REPLY_MINUTES],
        "tiers": [
            (
                each.public_id,
                gettext("only %(area)s", area=area(each))
                if not number
                else gettext("then %(area)s", area=area(each)),
            )
            for number, each in enumerate(terms.tiers)
        ],
        "drills": [
            ("", gettext("No, this is real")),
            (DRILL_ANNOUNCED, gettext("A drill, announced")),
            (DRILL_UNANNOUNCED, gettext("A drill, not announced")),
        ],
        "is_quiet_near": _quiet_meets(now),
        "field": error.field if error else None,
        "said": sentence(error.code, **error.params) if error else None,
    }


def _certainty_means(of: Certainty) -> str:
    return {
        Certainty.SURE: gettext("the places fill almost surely; more people are asked"),
        Certainty.NORMAL: gettext("the usual choice"),
        Certainty.GENTLE: gettext("fewer are asked at once; it may take a wave more"),
    }[of]


def _quiet_meets(now: datetime) -> bool:
    """Whether the reason for calling in quiet hours should stand open: they are, or are within the hour."""
    here = clock.here(now)
    return rules.quiet_ends(here) is not None or here.hour == rules.QUIET_FROM.hour - 1


# --- 发出前检查 ----------------------------------------------------------------------------------------------


def told(of: UnitPage, now: datetime) -> list[tuple[str, Any]]:
    """The same for a team's lead, with whom to ask."""
    return [*facts(of, now), (gettext("Who calls"), words.said(of.caller_name))]


def member(each: Member) -> str | None:
    """What is known of a member of the team."""
    if each.is_named:
        return gettext("named, coming")
    if each.state is not None and each.state not in {SummonsState.WAITING, SummonsState.MISSED}:
        return summons_state(each.state)[0]
    return gettext("on duty elsewhere at that time") if each.is_busy else None


def may_tick(each: Member) -> bool:
    """Whether the lead can name them: who said no, said it themselves."""
    return not each.is_busy and each.state in {
        None,
        SummonsState.WAITING,
        SummonsState.LATER,
        SummonsState.MISSED,
        SummonsState.QUEUED,
    }


def facts(of: CallUpView | UnitPage, now: datetime) -> list[tuple[str, Any]]:
    """What everybody is told."""
    found: list[tuple[str, Any]] = [
        (gettext("When"), span(of.starts_at, of.ends_at, now)),
        (
            gettext("Where"),
            joined([words.said(of.muster_point), words.said(of.landmark) if of.landmark else ""]),
        ),
    ]
    if of.bring:
        found.append((gettext("To bring"), words.said(of.bring)))
    found.append((gettext("Going home"), stay(of.stay)))
    if of.sleeps:
        found.append((gettext("Sleeping"), words.said(of.sleeps)))
    if of.eats:
        found.append((gettext("Eating"), words.said(of.eats)))
    return found


def choices(of: CallUpView) -> list[tuple[str, Any]]:
    """How it is called."""
    who = (
        gettext(", ").join(category(each) for each in Category if each in of.categories)
        if of.categories
        else gettext("everybody in the reserve")
    )
    found: list[tuple[str, Any]] = [
        (gettext("Who may be called"), who),
        (gettext("How surely"), certainty(of.certainty)),
        (gettext("Time to answer"), gettext("%(count)s minutes", count=of.reply_minutes)),
        (
            gettext("How far"),
            area(of.tier)
            if of.tier_path == of.widest_path
            else joined([area(of.tier), gettext("if needed as far as %(area)s", area=area(of.widest))]),
        ),
        (gettext("Who calls"), joined([words.said(of.caller_name), of.phone])),
        (
            gettext("Number of the call-up"),
            joined([of.number, gettext("code for replies: %(code)s", code=of.code)]),
        ),
    ]
    if of.quiet_reason:
        found.append((gettext("Why in quiet hours"), words.said(of.quiet_reason)))
    if of.is_drill:
        found.append(
            (gettext("Drill"), gettext("announced") if of.is_announced else gettext("not announced"))
        )
    return found


def _first_wave(plan: Plan) -> str:
    """「先通知 48 人,预计 20:58 到齐;够了自动停。」"""
    expected = [each.expected_at for each in plan.roles if each.open > 0]
    if plan.asked and all(each is not None for each in expected) and expected:
        at = max(each for each in expected if each is not None)
        return gettext(
            "First %(count)s people are told; probably full at %(time)s. It stops by itself when there are enough.",
            count=plan.asked,
            time=words.clock_time(at),
        )
    if plan.asked:
        return gettext(
            "First %(count)s people are told; they will probably not be enough. It stops by itself when there are"
            " enough.",
            count=plan.asked,
        )
    return gettext("Nobody can be told by a message.")


def _role_plan(view: RoleView, plan: RolePlan) -> dict[str, Any]:
    reasons = sorted(plan.not_asked.items(), key=lambda each: -each[1])
    return {
        "name": role(view),
        "wanted": plan.wanted,
        "first": len(plan.by_message),
        "by_phone": len(plan.by_phone),
        "candidates": plan.candidates,
        "chance": percent(plan.chance),
        "is_likely": plan.chance >= plan.target,
        "short": short(plan.short_because) if plan.short_because else None,
        "is_more_than_all": plan.wanted > plan.candidates,
        "not_asked": [(not_asked(each), count) for each, count in reasons if count],
        "expected": words.clock_time(plan.expected_at) if plan.expected_at else None,
    }


def check(
    view: CallUpView,
    plan: Plan,
    *,
    now: datetime,
    names: Mapping[int, str],
    message: str | None,
    message_parts: int,
) -> dict[str, Any]:
    """The pre-flight: who would be told, who cannot be and why, what it costs, how surely it fills."""
    roles = {each.id: each for each in view.roles}
    why: dict[str, list[Any]] = {}
    for each in plan.by_phone:
        why.setdefault(why_no_sms(each.why_no_sms), []).append(each)
    ways = [
        (word, plan.channels.get(channel, 0))
        for channel, word in (
            (Channel.SMS, gettext("SMS")),
            (Channel.PUSH, gettext("notice on the phone")),
            (Channel.STAFF, gettext("staff channel")),
        )
        if plan.channels.get(channel, 0)
    ]
    return {
        "first_wave": _first_wave(plan),
        "is_enough": all(each.chance >= each.target for each in plan.roles),
        "roles": [_role_plan(roles[each.role_id], each) for each in plan.roles],
        "ways": ways,
        "sms": plan.sms_count,
        "sms_parts": plan.sms_count * message_parts,
        "by_phone": [
            (
                word,
                len(people),
                [words.said(names[each.person_id]) for each in people if each.person_id in names],
            )
            for word, people in why.items()
        ],
        "by_phone_count": len(plan.by_phone),
        "reply_by": words.clock_time(plan.reply_by),
        "quiet_until": words.moment(plan.quiet_until, now=now) if plan.quiet_until is not None else None,
        "message": message,
    }


# --- the running page ---------------------------------------------------------------------------------------


def figures(view: CallUpView) -> list[dict[str, Any]]:
    """Each role in figures."""
    return [
        {
            "name": role(each),
            "taken": each.taken,
            "wanted": each.wanted,
            "is_full": not each.is_open,
            "open": each.wanted - each.taken,
            "asked": each.asked,
            "arrived": each.arrived,
            "held": each.held,
            "silent": each.silent,
            "queued": each.queued,
            "cannot": each.cannot,
            "wave": view.latest[each.id].number if each.id in view.latest else 0,
            "short": short(each.short_because) if each.short_because and each.is_open else None,
        }
        for each in view.roles
    ]


def now_line(view: CallUpView, now: datetime) -> tuple[str, str]:
    """What goes on and what comes next, in one sentence, and its tone."""
    if view.state is CallUpState.PAUSED:
        return gettext("Paused: nobody else is told. Who was asked may still answer."), "warn"
    if view.state is CallUpState.ENDED:
        at = words.moment(view.ended_at or now, now=now)
        return gettext("Calling ended %(at)s. Who said yes still comes.", at=at), "info"
    if view.state is CallUpState.STOOD_DOWN:
        return gettext("Stood down. Nobody is needed any more."), "plain"
    if view.state is CallUpState.CLOSED:
        return gettext("Closed. The report is final."), "plain"
    if not any(each.is_open for each in view.roles):
        return gettext(
            "All places are taken. If somebody drops out, the next are told by themselves."
        ), "good"
    if not view.latest:
        quiet = rules.quiet_ends(clock.here(now))
        if quiet is not None and not view.quiet_reason:
            at = words.moment(quiet, now=now)
            return gettext("Quiet hours: the first are told %(at)s.", at=at), "warn"
        return gettext("The first people are being told."), "info"
    waves = [view.latest[each.id] for each in view.roles if each.is_open and each.id in view.latest]
    if not waves:
        return gettext("The next people are being told."), "info"
    last = max(waves, key=lambda each: each.reply_by)
    if last.reply_by <= now:
        quiet = rules.quiet_ends(clock.here(now))
        if quiet is not None and not view.quiet_reason:
            at = words.moment(quiet, now=now)
            return gettext("Quiet hours: nobody else is told before %(at)s.", at=at), "warn"
        return gettext("The time to answer is over; whoever is left is being told."), "info"
    return (
        gettext(
            "Wave %(number)s is out, answers until %(time)s. If places are open then, wave %(next)s goes out by"
            " itself.",
            number=last.number,
            time=words.clock_time(last.reply_by),
            next=last.number + 1,
        ),
        "info",
    )


def next_line(plan: Plan, view: CallUpView, names: Mapping[str, Choice]) -> str | None:
    """「20:53 第2批,再通知 14 人,镇里」; None where nobody would be asked."""
    asking = [each for each in plan.roles if each.chosen]
    if not asking:
        return None
    wave = 1 + max(
        (view.latest[each.role_id].number for each in asking if each.role_id in view.latest), default=0
    )
    widest = min((each.tier_path for each in asking), key=len)
    where = names.get(widest)
    return gettext(
        "%(time)s, wave %(number)s: %(count)s more people, %(area)s",
        time=words.clock_time(plan.now),
        number=wave,
        count=sum(len(each.chosen) for each in asking),
        area=area(where) if where else "",
    )


def units(found: Iterable[UnitView]) -> list[dict[str, Any]]:
    """The teams that were called."""
    rows = []
    for each in found:
        word, tone = unit_state(each)
        rows.append(
            {
                "public_id": each.public_id,
                "team": words.said(each.team, each.team_en),
                "lead": words.said(each.lead),
                "word": word,
                "tone": tone,
                "detail": joined(
                    [
                        words.said(each.role),
                        gettext("asked for %(count)s", count=each.asked),
                        gettext("%(count)s named", count=each.named) if each.named else None,
                        gettext("answer until %(time)s", time=words.clock_time(each.reply_by))
                        if each.state is UnitState.WAITING
                        else None,
                    ]
                ),
                "phone": each.phone,
                "is_to_call": each.is_to_call,
                "promised": each.promised,
            }
        )
    return rows


def teams(found: Iterable[TeamChoice]) -> list[tuple[str, Any, Any]]:
    """The teams that can be called."""
    return [
        (
            each.public_id,
            words.said(each.name, each.name_en),
            joined(
                [
                    gettext("%(count)s people", count=each.members),
                    words.said(each.lead) if each.lead else gettext("has no lead"),
                ]
            ),
        )
        for each in found
    ]


# --- waves and timeline -------------------------------------------------------------------------------------


def wave(each: WaveView, role_name: Any, tiers: Mapping[str, Choice], now: datetime) -> dict[str, Any]:
    """A wave with its figures."""
    where = tiers.get(each.tier_path)
    return {
        "id": each.public_id,
        "title": gettext("Wave %(number)s", number=each.number),
        "role": role_name,
        "detail": joined(
            [
                words.moment(each.sent_at, now=now),
                gettext("%(count)s told", count=each.asked),
                gettext("%(count)s places were open", count=each.open),
                area(where) if where else None,
                gettext("answers until %(time)s", time=words.clock_time(each.reply_by)),
            ]
        ),
        "chance": gettext(
            "Chance to fill: %(chance)s, wanted: %(target)s",
            chance=percent(each.chance_permille / 1000),
            target=percent(each.target_permille / 1000),
        ),
        "came": joined(
            [
                gettext("%(count)s yes", count=each.yes),
                gettext("%(count)s no", count=each.cannot),
                gettext("%(count)s silent", count=each.silent),
            ]
        ),
    }


def chosen(each: Chosen, roles: Mapping[int, Any]) -> dict[str, Any]:
    """Somebody who was asked, and why."""
    word, tone = summons_state(each.state)
    why = [because(code) for code in each.because]
    if each.is_walk_in:
        why = [gettext("came by themselves")]
    if each.unit:
        why.insert(0, words.said(each.unit))
    return {
        "name": words.said(each.person),
        "tail": each.phone_tail,
        "word": word,
        "tone": tone,
        "why": joined([roles.get(each.role_id), *why]),
        "chance": gettext("chance of a yes %(chance)s", chance=percent(each.chance_permille / 1000))
        if each.chance_permille is not None
        else None,
        "at": words.clock_time(each.answered_at) if each.answered_at else None,
    }


def event(each: EventView, roles: Mapping[int, Any], page: WavesPage, now: datetime) -> tuple[str, Any]:
    """A line of the timeline: when, and what happened."""
    what = _event_words(each, page)
    about = roles.get(each.role_id) if each.role_id else None
    reason = each.facts.get("reason")
    by = words.said(each.name) if each.name else None
    return words.moment(each.at, now=now), joined([about, what, words.said(reason) if reason else None, by])


def _event_words(each: EventView, page: WavesPage) -> Any:
    fact = each.facts.get
    if each.kind is EventKind.WAVE:
        return gettext(
            "Wave %(number)s: %(count)s people told", number=fact("number", "?"), count=fact("asked", "?")
        )
    if each.kind is EventKind.SHORT:
        code = str(fact("because", ""))
        return short(ShortBecause(code)) if code in set(ShortBecause) else gettext("Not enough people")
    if each.kind is EventKind.UNIT:
        if "promised" in each.facts:
            return gettext("A team's lead: %(count)s are coming", count=fact("promised"))
        if "named" in each.facts:
            return gettext("A team's lead named %(count)s people", count=fact("named"))
        return gettext("A team was asked for %(count)s people", count=fact("asked", "?"))
    if each.kind in {EventKind.TIER, EventKind.WIDENED}:
        where = page.tiers.get(str(fact("tier", "")))
        if where is not None:
            return gettext("Calling reaches further: %(area)s", area=area(where))
        return gettext("Calling reaches further")
    return {
        EventKind.STARTED: gettext("Started"),
        EventKind.FULL: gettext("All places are taken"),
        EventKind.REOPENED: gettext("Places are open again"),
        EventKind.PAUSED: gettext("Paused"),
        EventKind.RESUMED: gettext("Goes on"),
        EventKind.CHANGED: gettext("Other numbers"),
        EventKind.HURRIED: gettext("Next wave at once"),
        EventKind.LISTED: gettext("The silent are on the call list"),
        EventKind.ENDED: gettext("Calling ended"),
        EventKind.STOOD_DOWN: gettext("Stood down"),
        EventKind.CLOSED: gettext("Books closed"),
    }[each.kind]
