"""Rules of volunteers: words, states, age, and what makes a certificate count. Pure."""

from collections.abc import Iterable
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from webapp.base.errors import Conflict, Gone, NotAllowed, RuleBroken


class Society(StrEnum):
    """The five societies of 五社联动: through which one somebody helps."""

    COMMUNITY = "community"
    SOCIAL_ORGANISATION = "social_organisation"
    SOCIAL_WORKER = "social_worker"
    VOLUNTEER = "volunteer"
    CHARITY = "charity"


class VolunteerState(StrEnum):
    """How far somebody is who offered help.

    APPLIED waits for the head and may already take what a newcomer may. ASKED_BACK owes the head an answer.
    ACCEPTED belongs. REFUSED was told why. LEFT went by themselves. MERGED was the same as another one.
    """

    APPLIED = "applied"
    ASKED_BACK = "asked_back"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    LEFT = "left"
    MERGED = "merged"


class AgeGroup(StrEnum):
    """How old somebody says they are; who is under 16 is refused and never stored."""

    ADULT = "adult"
    MINOR = "minor"


class PledgeKind(StrEnum):
    """What a volunteer promises: to be well, and to keep to themselves what they learn."""

    HEALTH = "health"
    CONFIDENTIALITY = "confidentiality"


class SkillKind(StrEnum):
    """TASK is one of the large ticks of the sign-up; CERTIFIED counts while a certificate is valid; LANGUAGE is spoken."""

    TASK = "task"
    CERTIFIED = "certified"
    LANGUAGE = "language"


class Half(StrEnum):
    """Half of a day: until noon, and from noon."""

    MORNING = "morning"
    AFTERNOON = "afternoon"


class Availability(StrEnum):
    """What is known of a half-day. No row is unknown; committed is read from the commitments."""

    UNKNOWN = "unknown"
    AVAILABLE = "available"
    NOT_AVAILABLE = "not_available"
    COMMITTED = "committed"


class CommitmentKind(StrEnum):
    """For what somebody's time is taken."""

    SHIFT = "shift"
    CALL_UP = "call_up"
    ERRAND = "errand"
    ESCORT = "escort"
    TRIP = "trip"


PLEDGE_VERSION = 1
MINIMUM_AGE = 16
ADULT_AGE = 18
NOON = 12


def age_on(*, born_on: date, day: date) -> int:
    """Full years on that day."""
    return day.year - born_on.year - ((day.month, day.day) < (born_on.month, born_on.day))


def ensure_old_enough(*, age: int | None, minors_allowed: bool, has_consent: bool) -> AgeGroup:
    """The age group of somebody of that age (None: an adult by their word).

    Raises RuleBroken: too_young under 16, minors_not_taken where the county takes none under 18,
    consent_missing where it does but no parent agreed (product.md, Volunteers and rosters).
    """
    if age is None or age >= ADULT_AGE:
        return AgeGroup.ADULT
    if age < MINIMUM_AGE:
        raise RuleBroken("too_young", field="age", minimum=MINIMUM_AGE)
    if not minors_allowed:
        raise RuleBroken("minors_not_taken", field="age", adult=ADULT_AGE)
    if not has_consent:
        raise RuleBroken("consent_missing", field="guardian_name")
    return AgeGroup.MINOR


# --- signing up ---------------------------------------------------------------------------------------------

NOTE_LENGTH = 200
SIGN_UPS_PER_DAY = 10
CERTIFICATES_EACH = 12
NUMBER_LENGTH = 60
GUARDIAN_LENGTH = 60


class AgeAnswer(StrEnum):
    """What somebody answers to the question how old they are: 18 or older, 16 or 17, younger."""

    ADULT = "adult"
    MINOR = "minor"
    CHILD = "child"


class Stretch(StrEnum):
    """When somebody can come, as coarsely as the sign-up asks."""

    WEEKDAY_MORNING = "weekday_morning"
    WEEKDAY_AFTERNOON = "weekday_afternoon"
    WEEKEND_MORNING = "weekend_morning"
    WEEKEND_AFTERNOON = "weekend_afternoon"


_AGES = {AgeAnswer.ADULT: ADULT_AGE, AgeAnswer.MINOR: MINIMUM_AGE, AgeAnswer.CHILD: MINIMUM_AGE - 1}
_WEEKDAYS, _WEEKEND = range(5), range(5, 7)
_STRETCHES = {
    Stretch.WEEKDAY_MORNING: (_WEEKDAYS, Half.MORNING),
    Stretch.WEEKDAY_AFTERNOON: (_WEEKDAYS, Half.AFTERNOON),
    Stretch.WEEKEND_MORNING: (_WEEKEND, Half.MORNING),
    Stretch.WEEKEND_AFTERNOON: (_WEEKEND, Half.AFTERNOON),
}


def answered_age(answer: AgeAnswer, *, born_on: date | None, today: date) -> int:
    """The age that counts: what the office knows of the birthday, else what was answered."""
    return _AGES[answer] if born_on is None else age_on(born_on=born_on, day=today)


def slots_of(stretches: Iterable[Stretch]) -> tuple[tuple[int, Half], ...]:
    """The half-days of the week (Monday is 0) that coarse answers stand for; raises RuleBroken for none."""
    found = {
        (weekday, half)
        for each in stretches
        for weekdays, half in (_STRETCHES[each],)
        for weekday in weekdays
    }
    if not found:
        raise RuleBroken("time_missing", field="when")
    return tuple(sorted(found, key=lambda slot: (slot[0], list(Half).index(slot[1]))))


def ensure_pledges(*, health: bool, confidentiality: bool) -> None:
    """Nobody is signed up without both promises."""
    if not health:
        raise RuleBroken("pledge_not_made", field="health")
    if not confidentiality:
        raise RuleBroken("pledge_not_made", field="confidentiality")


def ensure_tasks(chosen: Iterable[str], *, known: Iterable[str]) -> tuple[str, ...]:
    """The codes that were chosen, each once, as the table orders them; raises RuleBroken for none."""
    wanted = set(chosen)
    found = tuple(code for code in known if code in wanted)
    if not found:
        raise RuleBroken("skill_not_chosen", field="skills")
    return found


def ensure_text(text: str, *, field: str, missing: str, maximum: int = NOTE_LENGTH) -> str:
    """A line that somebody else will read, without outer spaces; raises RuleBroken(missing) for none."""
    text = " ".join(text.split())
    if not text:
        raise RuleBroken(missing, field=field)
    if len(text) > maximum:
        raise RuleBroken("text_too_long", field=field, maximum=maximum)
    return text


# --- deciding -----------------------------------------------------------------------------------------------


class Decision(StrEnum):
    """What a head decides of somebody who offered help."""

    ACCEPT = "accept"
    REFUSE = "refuse"
    ASK_BACK = "ask_back"


_DECIDED = {
    Decision.ACCEPT: (
        VolunteerState.ACCEPTED,
        frozenset({VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.REFUSED}),
    ),
    Decision.REFUSE: (
        VolunteerState.REFUSED,
        frozenset({VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.ACCEPTED}),
    ),
    Decision.ASK_BACK: (
        VolunteerState.ASKED_BACK,
        frozenset({VolunteerState.APPLIED, VolunteerState.ASKED_BACK}),
    ),
}
# Who counts as somebody who helps or wants to.
LIVE_STATES = (VolunteerState.APPLIED, VolunteerState.ASKED_BACK, VolunteerState.ACCEPTED)


def can_decide(state: VolunteerState, decision: Decision) -> bool:
    """Whether this decision is open about somebody in this state."""
    return state in _DECIDED[decision][1]


def decided(state: VolunteerState, decision: Decision) -> VolunteerState:
    """The state after a decision; raises Conflict("volunteer_decided") where it is not open any more."""
    if not can_decide(state, decision):
        raise Conflict("volunteer_decided")
    return _DECIDED[decision][0]


def ensure_not_oneself(*, person_id: int, actor_person_id: int | None) -> None:
    """Nobody decides about the own application."""
    if person_id == actor_person_id:
        raise NotAllowed("own_application")


def ensure_nothing_promised(*, count: int) -> None:
    """Who still stands on a roster is first taken off it, so that nobody waits for them in vain."""
    if count:
        raise Conflict("still_on_shifts", count=count)


# --- the profile --------------------------------------------------------------------------------------------


def ensure_valid_until(expires_on: date | None, *, today: date) -> None:
    """A certificate that is over is not taken; none says that it holds for good."""
    if expires_on is not None and expires_on < today:
        raise RuleBroken("certificate_ended", field="expires_on")


def is_valid(expires_on: date | None, *, today: date) -> bool:
    """Whether a certificate holds on this day, its last day included."""
    return expires_on is None or expires_on >= today


def halves_between(starts_at: datetime, ends_at: datetime) -> tuple[tuple[date, Half], ...]:
    """The half-days that a stretch of time touches; both instants on the county's clocks."""
    found = []
    day, half = starts_at.date(), Half.MORNING if starts_at.hour < NOON else Half.AFTERNOON
    while datetime.combine(day, time(0 if half is Half.MORNING else NOON), starts_at.tzinfo) < ends_at:
        found.append((day, half))
        if half is Half.AFTERNOON:
            day += timedelta(days=1)
        half = Half.AFTERNOON if half is Half.MORNING else Half.MORNING
    return tuple(found)


# --- teams and invitations ----------------------------------------------------------------------------------

NAME_LENGTH = 80
MOST_USES = 500
LONGEST_INVITATION = timedelta(days=60)


def ensure_invitation(*, days: int, use_limit: int) -> timedelta:
    """How long an invitation holds; raises RuleBroken outside 1 to 60 days and 1 to 500 people."""
    if not 1 <= days <= LONGEST_INVITATION.days:
        raise RuleBroken("invitation_days", field="days", maximum=LONGEST_INVITATION.days)
    if not 1 <= use_limit <= MOST_USES:
        raise RuleBroken("invitation_uses", field="use_limit", maximum=MOST_USES)
    return timedelta(days=days)


def ensure_invitation_holds(
    *,
    expires_at: datetime,
    revoked_at: datetime | None,
    used_count: int,
    use_limit: int,
    is_team_closed: bool,
    now: datetime,
) -> None:
    """Raises Gone with the reason why an invitation lets nobody in any more."""
    if revoked_at is not None:
        raise Gone("invitation_revoked")
    if is_team_closed:
        raise Gone("invitation_team_closed")
    if expires_at <= now:
        raise Gone("invitation_expired")
    if used_count >= use_limit:
        raise Gone("invitation_used_up")
