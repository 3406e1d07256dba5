"""Who may have a place, who may wait for one, how long an offer holds, when somebody is reminded."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from webapp.base.errors import RuleBroken
from webapp.domain.areas.rules import cordons, side_of
from webapp.domain.rosters import rules
from webapp.domain.rosters.rules import Opening, ShiftState, SignupState, SkillPlaces, Stretch, Taker
from webapp.domain.volunteers.rules import PledgeKind, VolunteerState

ZONE = ZoneInfo("Asia/Shanghai")
DAY = date(2026, 11, 26)
BOTH = frozenset(PledgeKind)


def wall(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=ZONE).astimezone(UTC)


NOW = wall(24, 10)
SHIFT = Stretch(wall(26, 14), wall(26, 18), DAY)


def taker(**values):
    return Taker(**({"state": VolunteerState.ACCEPTED, "pledges": BOTH} | values))


def opening(**values):
    return Opening(**({"state": ShiftState.OPEN, "stretch": SHIFT, "maximum": 3, "taken": 0} | values))


def codes(person, shift, taken=(), now=NOW):
    return [broken.code for broken in rules.broken_rules(person, shift, list(taken), now=now)]


@pytest.mark.parametrize(
    ("person", "shift", "said"),
    [
        (taker(), opening(), []),
        (taker(state=None), opening(), ["not_a_volunteer"]),
        (taker(state=VolunteerState.REFUSED), opening(), ["not_a_volunteer"]),
        (taker(state=VolunteerState.LEFT), opening(), ["not_a_volunteer"]),
        (taker(), opening(state=ShiftState.CANCELLED), ["shift_over"]),
        (taker(), opening(stretch=Stretch(wall(24, 5), wall(24, 10), date(2026, 11, 24))), ["shift_over"]),
        (taker(), opening(taken=3), ["shift_full"]),
        (taker(is_adult=False), opening(adults_only=True), ["adults_only"]),
        (taker(is_adult=False), opening(), []),
        (taker(pledges=frozenset()), opening(), ["pledge_missing"]),
        (taker(pledges=frozenset({PledgeKind.HEALTH})), opening(), []),
        (
            taker(pledges=frozenset({PledgeKind.HEALTH})),
            opening(handles_household_data=True),
            ["pledge_missing"],
        ),
        (taker(state=VolunteerState.APPLIED), opening(), []),
        (taker(state=VolunteerState.ASKED_BACK), opening(), []),
        (taker(state=VolunteerState.APPLIED), opening(newcomers_welcome=False), ["newcomer_not_yet"]),
        (taker(state=VolunteerState.APPLIED), opening(handles_household_data=True), ["newcomer_not_yet"]),
        (taker(), opening(side="a.b."), ["inside_cordon"]),
        (taker(side="a.b."), opening(), ["outside_cordon"]),
        (taker(side="a.b."), opening(side="a.b."), []),
        (taker(side="a.b."), opening(side="a.c."), ["inside_cordon"]),
    ],
)
def test_what_keeps_somebody_from_a_place(person, shift, said):
    assert codes(person, shift) == said


def test_every_reason_that_lasts_is_said_before_that_it_is_full():
    person = taker(is_adult=False, side="a.")
    assert codes(person, opening(adults_only=True, taken=3)) == [
        "adults_only",
        "outside_cordon",
        "shift_full",
    ]


def test_time_that_is_taken_is_a_reason():
    other = Stretch(wall(26, 12), wall(26, 15), DAY)
    assert codes(taker(), opening(), [other]) == ["overlaps"]
    early = Stretch(wall(27, 4), wall(27, 8), date(2026, 11, 27))
    assert codes(taker(), opening(), [early]) == ["no_rest"]


def kept(*places: tuple[str, int, int]):
    return tuple(SkillPlaces(*each) for each in places)


@pytest.mark.parametrize(
    ("person", "shift", "place"),
    [
        (taker(), opening(), None),
        # Who can do it fills the place that is kept for it first.
        (taker(skills={"care": date.max}), opening(skills=kept(("care", 1, 0))), "care"),
        (taker(skills={"care": date.max}), opening(skills=kept(("care", 1, 1)), taken=1), None),
        (taker(), opening(skills=kept(("care", 1, 0)), taken=1), None),
        # Of two needed skills the one that is still empty.
        (
            taker(skills={"care": date.max, "desk": date.max}),
            opening(skills=kept(("care", 1, 1), ("desk", 1, 0)), taken=1),
            "desk",
        ),
        (taker(skills={"sampling": DAY}), opening(skills=kept(("sampling", 1, 0))), "sampling"),
    ],
)
def test_which_place_somebody_gets(person, shift, place):
    assert rules.choose_place(person, shift) == place
    assert rules.ensure_can_take(person, shift, [], now=NOW) == place


@pytest.mark.parametrize(
    ("person", "shift", "code"),
    [
        # Two of three places are for anybody and taken; the third is kept.
        (taker(), opening(skills=kept(("care", 1, 0)), taken=2), "skill_missing"),
        (taker(), opening(skills=kept(("care", 3, 0))), "skill_missing"),
        (taker(), opening(skills=kept(("care", 1, 1)), taken=3), "shift_full"),
        (
            taker(skills={"sampling": DAY - timedelta(days=1)}),
            opening(skills=kept(("sampling", 3, 0))),
            "certificate_over",
        ),
        (taker(skills={"sampling": date.min}), opening(skills=kept(("sampling", 3, 0))), "certificate_over"),
        # A newcomer's skill has been looked at by nobody yet.
        (
            taker(state=VolunteerState.APPLIED, skills={"care": date.max}),
            opening(skills=kept(("care", 3, 0))),
            "skill_missing",
        ),
    ],
)
def test_a_kept_place_is_for_who_has_the_skill(person, shift, code):
    with pytest.raises(RuleBroken) as refused:
        rules.ensure_can_take(person, shift, [], now=NOW)
    assert refused.value.code == code


@pytest.mark.parametrize(
    ("person", "shift", "may"),
    [
        (taker(), opening(taken=3), True),
        (taker(), opening(skills=kept(("care", 1, 0)), taken=2), True),
        # Every place is kept for a skill that this person lacks: waiting would be in vain.
        (taker(), opening(skills=kept(("care", 3, 3)), taken=3), False),
        (taker(skills={"care": date.max}), opening(skills=kept(("care", 3, 3)), taken=3), True),
        (taker(side="a."), opening(taken=3), False),
        (taker(state=None), opening(taken=3), False),
    ],
)
def test_who_may_wait(person, shift, may):
    assert rules.can_wait(person, shift, [], now=NOW) is may


@pytest.mark.parametrize(
    ("now", "starts_at", "until"),
    [
        (wall(24, 10), wall(26, 14), wall(24, 12)),
        # What would end at night ends at nine in the morning.
        (wall(24, 20), wall(26, 14), wall(25, 9)),
        (wall(24, 23), wall(26, 14), wall(25, 9)),
        (wall(24, 3), wall(26, 14), wall(24, 9)),
        (wall(24, 18, 59), wall(26, 14), wall(24, 20, 59)),
        # Never later than an hour before the start,
        (wall(26, 12), wall(26, 14), wall(26, 13)),
        # and where that is at night, before it.
        (wall(24, 20), wall(25, 7), wall(24, 20, 59)),
        # No time to ask anybody: the place is for whoever comes.
        (wall(24, 22), wall(25, 7), None),
        (wall(26, 12, 50), wall(26, 14), None),
        (wall(26, 15), wall(26, 14), None),
    ],
)
def test_how_long_an_offer_holds(now, starts_at, until):
    assert rules.accept_until(now=now, starts_at=starts_at, zone=ZONE) == until


def test_no_offer_ends_at_night_whenever_it_is_made():
    for minutes in range(0, 48 * 60, 7):
        for hours in range(1, 60, 3):
            now = wall(24, 0) + timedelta(minutes=minutes)
            starts_at = now + timedelta(hours=hours)
            until = rules.accept_until(now=now, starts_at=starts_at, zone=ZONE)
            if until is not None:
                assert not rules.is_night(until.astimezone(ZONE))
                assert now + rules.OFFER_AT_LEAST <= until <= starts_at - rules.OFFER_ENDS_BEFORE


@pytest.mark.parametrize(
    ("now", "since", "reminded_at", "is_due"),
    [
        (wall(25, 17, 59), wall(20, 9), None, False),
        (wall(25, 18), wall(20, 9), None, True),
        (wall(25, 20), wall(20, 9), wall(25, 18), False),
        (wall(26, 11, 59), wall(20, 9), wall(25, 18), False),
        (wall(26, 12), wall(20, 9), wall(25, 18), True),
        (wall(26, 12, 30), wall(20, 9), wall(26, 12), False),
        # The worker stood still over the first time: one reminder, not two.
        (wall(26, 12), wall(20, 9), None, True),
        # Who took it an hour ago needs no reminder of what they just did.
        (wall(26, 12, 1), wall(26, 12), None, False),
        (wall(26, 14), wall(20, 9), None, False),
        (wall(25, 21), wall(20, 9), None, False),
    ],
)
def test_when_a_reminder_is_due(now, since, reminded_at, is_due):
    found = rules.reminder_due(
        now=now, starts_at=wall(26, 14), since=since, reminded_at=reminded_at, zone=ZONE
    )
    assert found is is_due


def test_an_early_shift_is_reminded_of_the_evening_before_only():
    assert rules.reminder_times(starts_at=wall(26, 7), zone=ZONE) == (wall(25, 18),)
    assert rules.reminder_times(starts_at=wall(26, 14), zone=ZONE) == (wall(25, 18), wall(26, 12))


@pytest.mark.parametrize(
    ("state", "is_in_time", "was_given", "becomes"),
    [
        (SignupState.PLACED, True, False, SignupState.LEFT),
        (SignupState.PLACED, False, False, SignupState.DROPPED_OUT),
        (SignupState.PLACED, False, True, SignupState.LEFT),
        (SignupState.OFFERED, False, False, SignupState.LEFT),
        (SignupState.WAITING, False, False, SignupState.STOPPED_WAITING),
    ],
)
def test_what_becomes_of_who_leaves(state, is_in_time, was_given, becomes):
    assert rules.state_after_leaving(state, is_in_time=is_in_time, was_given=was_given) is becomes


def test_what_can_wait_is_written_by_day():
    assert rules.by_day(wall(24, 12), zone=ZONE) == wall(24, 12)
    assert rules.by_day(wall(24, 21), zone=ZONE) == wall(25, 8)
    assert rules.by_day(wall(25, 3), zone=ZONE) == wall(25, 8)


def test_the_side_of_the_cordon_is_the_innermost_sealed_area():
    cordon = cordons([("a.", True), ("a.b.", False), ("a.b.c.", True), ("d.", False)])
    assert [side_of(path, cordon) for path in ("a.x.", "a.b.y.", "a.b.c.z.", "d.e.", "f.")] == [
        "a.",
        "",
        "a.b.c.",
        "",
        "",
    ]
