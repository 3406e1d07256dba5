"""Rules of volunteers as tables: who is old enough, what coarse answers mean, which decision is open, what is taken."""

from datetime import UTC, date, datetime, timedelta

import pytest

from webapp.base.errors import Conflict, Gone, LinliError, NotAllowed, RuleBroken
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.rules import AgeAnswer, AgeGroup, Decision, Half, Stretch, VolunteerState

TODAY = date(2026, 5, 9)
NOON = datetime(2026, 5, 9, 12, tzinfo=UTC)


def code_of(function, *arguments, **values) -> str:
    try:
        function(*arguments, **values)
    except LinliError as error:
        return error.code
    return "fine"


@pytest.mark.parametrize(
    ("age", "minors_allowed", "has_consent", "wanted"),
    [
        (None, False, False, AgeGroup.ADULT),
        (18, False, False, AgeGroup.ADULT),
        (70, True, False, AgeGroup.ADULT),
        (17, True, True, AgeGroup.MINOR),
        (16, True, True, AgeGroup.MINOR),
        (17, True, False, "consent_missing"),
        (17, False, True, "minors_not_taken"),
        (15, True, True, "too_young"),
        (15, False, False, "too_young"),
    ],
)
def test_who_is_old_enough(age, minors_allowed, has_consent, wanted) -> None:
    try:
        got = rules.ensure_old_enough(age=age, minors_allowed=minors_allowed, has_consent=has_consent)
    except RuleBroken as error:
        got = error.code
    assert got == wanted


@pytest.mark.parametrize(
    ("answer", "born_on", "age"),
    [
        (AgeAnswer.ADULT, None, 18),
        (AgeAnswer.MINOR, None, 16),
        (AgeAnswer.CHILD, None, 15),
        (AgeAnswer.ADULT, date(2010, 5, 10), 15),
        (AgeAnswer.ADULT, date(2010, 5, 9), 16),
        (AgeAnswer.CHILD, date(2000, 1, 1), 26),
        (AgeAnswer.ADULT, date(2008, 2, 29), 18),
    ],
)
def test_a_known_birthday_counts_more_than_the_answer(answer, born_on, age) -> None:
    assert rules.answered_age(answer, born_on=born_on, today=TODAY) == age


def test_coarse_answers_are_half_days() -> None:
    assert rules.slots_of([Stretch.WEEKEND_MORNING]) == ((5, Half.MORNING), (6, Half.MORNING))
    assert len(rules.slots_of(list(Stretch))) == 14
    assert rules.slots_of([Stretch.WEEKEND_MORNING, Stretch.WEEKEND_AFTERNOON])[:2] == (
        (5, Half.MORNING),
        (5, Half.AFTERNOON),
    )
    assert code_of(rules.slots_of, []) == "time_missing"


def test_only_skills_of_the_table_count_and_one_is_needed() -> None:
    known = ["carrying", "delivery", "driving"]
    assert rules.ensure_tasks(["driving", "carrying", "juggling"], known=known) == ("carrying", "driving")
    assert code_of(rules.ensure_tasks, ["juggling"], known=known) == "skill_not_chosen"


@pytest.mark.parametrize(("health", "confidentiality"), [(True, False), (False, True), (False, False)])
def test_both_pledges_are_needed(health, confidentiality) -> None:
    with pytest.raises(RuleBroken) as caught:
        rules.ensure_pledges(health=health, confidentiality=confidentiality)
    assert caught.value.field == ("confidentiality" if health else "health")


OPEN = {
    VolunteerState.APPLIED: {Decision.ACCEPT, Decision.REFUSE, Decision.ASK_BACK},
    VolunteerState.ASKED_BACK: {Decision.ACCEPT, Decision.REFUSE, Decision.ASK_BACK},
    VolunteerState.ACCEPTED: {Decision.REFUSE},
    VolunteerState.REFUSED: {Decision.ACCEPT},
    VolunteerState.LEFT: set(),
    VolunteerState.MERGED: set(),
}


@pytest.mark.parametrize("state", list(VolunteerState))
@pytest.mark.parametrize("decision", list(Decision))
def test_which_decision_is_open(state, decision) -> None:
    assert rules.can_decide(state, decision) is (decision in OPEN[state])
    if decision in OPEN[state]:
        assert rules.decided(state, decision) in {
            VolunteerState.ACCEPTED,
            VolunteerState.REFUSED,
            VolunteerState.ASKED_BACK,
        }
    else:
        with pytest.raises(Conflict, match="volunteer_decided"):
            rules.decided(state, decision)


def test_nobody_decides_about_themselves() -> None:
    rules.ensure_not_oneself(person_id=1, actor_person_id=2)
    with pytest.raises(NotAllowed):
        rules.ensure_not_oneself(person_id=1, actor_person_id=1)


@pytest.mark.parametrize(
    ("expires_on", "is_valid"),
    [(None, True), (TODAY, True), (TODAY + timedelta(days=1), True), (TODAY - timedelta(days=1), False)],
)
def test_a_certificate_holds_on_its_last_day(expires_on, is_valid) -> None:
    assert rules.is_valid(expires_on, today=TODAY) is is_valid
    wanted = "fine" if is_valid else "certificate_ended"
    assert code_of(rules.ensure_valid_until, expires_on, today=TODAY) == wanted


@pytest.mark.parametrize(
    ("starts", "hours", "wanted"),
    [
        (7, 5, [(9, Half.MORNING)]),
        (7, 5.5, [(9, Half.MORNING), (9, Half.AFTERNOON)]),
        (12, 6, [(9, Half.AFTERNOON)]),
        (23, 8, [(9, Half.AFTERNOON), (10, Half.MORNING)]),
        (18, 6, [(9, Half.AFTERNOON)]),
        (0, 24, [(9, Half.MORNING), (9, Half.AFTERNOON)]),
    ],
)
def test_the_half_days_that_a_stretch_touches(starts, hours, wanted) -> None:
    begin = datetime(2026, 5, 9, starts, tzinfo=UTC)
    found = rules.halves_between(begin, begin + timedelta(hours=hours))
    assert [(day.day, half) for day, half in found] == wanted


@pytest.mark.parametrize(
    ("days", "uses", "wanted"),
    [
        (1, 1, "fine"),
        (60, 500, "fine"),
        (0, 1, "invitation_days"),
        (61, 1, "invitation_days"),
        (7, 0, "invitation_uses"),
        (7, 501, "invitation_uses"),
    ],
)
def test_how_long_and_for_how_many_an_invitation_is(days, uses, wanted) -> None:
    assert code_of(rules.ensure_invitation, days=days, use_limit=uses) == wanted


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, "fine"),
        ({"revoked_at": NOON}, "invitation_revoked"),
        ({"is_team_closed": True}, "invitation_team_closed"),
        ({"expires_at": NOON}, "invitation_expired"),
        ({"expires_at": NOON - timedelta(seconds=1)}, "invitation_expired"),
        ({"used_count": 3}, "invitation_used_up"),
        ({"used_count": 2}, "fine"),
    ],
)
def test_why_an_invitation_lets_nobody_in(changes, wanted) -> None:
    facts = {
        "expires_at": NOON + timedelta(days=1),
        "revoked_at": None,
        "used_count": 0,
        "use_limit": 3,
        "is_team_closed": False,
        "now": NOON,
    } | changes
    assert code_of(rules.ensure_invitation_holds, **facts) == wanted
    if wanted != "fine":
        with pytest.raises(Gone):
            rules.ensure_invitation_holds(**facts)
