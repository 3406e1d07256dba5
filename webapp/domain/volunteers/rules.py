"""Rules of volunteers: words, states, age, and what makes a certificate count. Pure."""

from datetime import date
from enum import StrEnum

from webapp.base.errors import RuleBroken


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
