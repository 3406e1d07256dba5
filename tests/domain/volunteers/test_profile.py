"""A volunteer's own cards: skills, languages, certificates, half-days with what is taken, leaving."""

from datetime import datetime, time, timedelta

import pytest

from tests.conftest import Cast
from tests.factories import Factory, make_deed
from webapp.base import clock
from webapp.base.errors import NotFound, RuleBroken
from webapp.domain.volunteers import services
from webapp.domain.volunteers.queries import profile
from webapp.domain.volunteers.rules import Availability, Half, PledgeKind, SkillKind, VolunteerState

pytestmark = pytest.mark.db


def do(cast: Cast, what, who: str = "vera", **values):
    with cast.app.app_context():
        return what(deed=make_deed(cast.actor(who)), **values)


def own(cast: Cast, who: str = "vera"):
    with cast.app.app_context():
        return profile.get_own(actor=cast.actor(who))


def certificates(cast: Cast, who: str = "vera"):
    with cast.app.app_context():
        return profile.list_certificates(volunteer_id=cast.volunteers[who].id, today=clock.day(clock.now()))


def week(cast: Cast, now: datetime | None = None, who: str = "vera"):
    with cast.app.app_context():
        found = profile.list_half_days(
            volunteer_id=cast.volunteers[who].id,
            person_id=cast.people[who].person_id,
            now=now or clock.now(),
        )
    return {(each.weekday, each.half): each for each in found}


def test_who_never_signed_up_is_none_and_changes_nothing(cast: Cast) -> None:
    assert own(cast, "ruth") is None
    for what, values in (
        (services.set_skills, {"kind": SkillKind.TASK, "codes": ["care"]}),
        (services.set_half_days, {"said": {}}),
        (services.leave, {}),
        (services.answer_question, {"text": "是"}),
    ):
        with pytest.raises(NotFound, match="not_a_volunteer"):
            do(cast, what, "ruth", **values)


def test_tasks_and_languages_do_not_disturb_each_other(cast: Cast) -> None:
    do(cast, services.set_skills, kind=SkillKind.LANGUAGE, codes=["yi", "english", "klingon"])
    do(cast, services.set_skills, kind=SkillKind.TASK, codes=["care"])
    assert own(cast).skills == {"yi", "english", "care"}
    do(cast, services.set_skills, kind=SkillKind.LANGUAGE, codes=[])
    assert own(cast).skills == {"care"}
    with pytest.raises(RuleBroken, match="skill_not_chosen"):
        do(cast, services.set_skills, kind=SkillKind.TASK, codes=[])
    with pytest.raises(RuleBroken, match="certificate_needed"):
        do(cast, services.set_skills, kind=SkillKind.CERTIFIED, codes=["nursing"])


def test_a_certificate_brings_its_skill_and_takes_it_along(cast: Cast) -> None:
    today = clock.day(clock.now())
    first = do(cast, services.add_certificate, skill="nursing", number="A 1", expires_on=today)
    do(
        cast,
        services.add_certificate,
        skill="nursing",
        number=" A  1 ",
        expires_on=today + timedelta(days=30),
    )
    found = certificates(cast)
    assert [(each.number, each.expires_on) for each in found] == [("A 1", today + timedelta(days=30))]
    assert "nursing" in own(cast).skills
    with pytest.raises(NotFound):
        do(cast, services.remove_certificate, "viktor", public_id=first)
    do(cast, services.remove_certificate, public_id=first)
    assert "nursing" not in own(cast).skills


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"skill": "delivery"}, "skill_not_chosen"),
        ({"number": "9" * 61}, "text_too_long"),
        ({"days": -1}, "certificate_ended"),
    ],
)
def test_certificates_that_are_refused(cast: Cast, values, code) -> None:
    ends = clock.day(clock.now()) + timedelta(days=values.pop("days", 1))
    given = {"skill": "nursing", "number": "", "expires_on": ends} | values
    with pytest.raises(RuleBroken, match=code):
        do(cast, services.add_certificate, **given)
    assert certificates(cast) == ()


def test_at_most_a_dozen_certificates(cast: Cast) -> None:
    for number in range(12):
        do(cast, services.add_certificate, skill="nursing", number=str(number), expires_on=None)
    with pytest.raises(RuleBroken, match="too_many_certificates"):
        do(cast, services.add_certificate, skill="nursing", number="12", expires_on=None)


def test_the_week_has_four_states(cast: Cast, make: Factory) -> None:
    do(
        cast,
        services.set_half_days,
        said={
            (0, Half.MORNING): Availability.AVAILABLE,
            (0, Half.AFTERNOON): Availability.NOT_AVAILABLE,
            (1, Half.MORNING): Availability.UNKNOWN,
        },
    )
    days = week(cast)
    assert days[0, Half.MORNING].state is Availability.AVAILABLE
    assert days[0, Half.AFTERNOON].state is Availability.NOT_AVAILABLE
    assert days[1, Half.MORNING].state is Availability.UNKNOWN
    assert len(days) == 14
    tomorrow = clock.day(clock.now()) + timedelta(days=1)
    starts = clock.instant(datetime.combine(tomorrow, time(18)))
    make.signup(make.shift(make.post(cast.community), starts_at=starts, hours=10), cast.people["vera"])
    days = week(cast)
    taken = {key: each.taken_on for key, each in days.items() if each.state is Availability.COMMITTED}
    assert taken == {
        (tomorrow.weekday(), Half.AFTERNOON): (tomorrow,),
        ((tomorrow.weekday() + 1) % 7, Half.MORNING): (tomorrow + timedelta(days=1),),
    }
    assert not any(each.taken_on for each in week(cast, clock.now() + timedelta(days=4)).values())


def test_leaving_keeps_the_row_and_lets_the_team_go(cast: Cast) -> None:
    do(cast, services.leave, "tess")
    left = own(cast, "tess")
    assert (left.state, left.team_id) == (VolunteerState.LEFT, None)
    assert cast.actor("tess").grants == ()
    with pytest.raises(NotFound, match="not_a_volunteer"):
        do(cast, services.leave, "tess")


def test_who_came_from_a_list_makes_the_pledges(cast: Cast, make: Factory) -> None:
    somebody = make.user("名单")
    cast.people["listed"] = somebody
    make.volunteer(somebody, area=cast.community, pledges=())
    assert own(cast, "listed").pledges == frozenset()
    with pytest.raises(RuleBroken, match="pledge_not_made"):
        do(cast, services.make_pledges, "listed", health=True, confidentiality=False)
    do(cast, services.make_pledges, "listed", health=True, confidentiality=True)
    do(cast, services.make_pledges, "listed", health=True, confidentiality=True)
    assert own(cast, "listed").pledges == frozenset(PledgeKind)
