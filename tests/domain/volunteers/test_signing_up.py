"""Signing up: one row for each person, the age that counts, invitations counted once, lists that knew the number."""

from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from tests.conftest import Cast
from tests.factories import Factory, make_deed
from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, Gone, NotFound, RuleBroken, SignInRequired, TooMany
from webapp.domain.accounts.models import User
from webapp.domain.people.models import Person
from webapp.domain.people.rules import name_key
from webapp.domain.volunteers import services
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Pledge,
    TeamInvitation,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries.teams import token_of
from webapp.domain.volunteers.rules import AgeAnswer, AgeGroup, Society, Stretch, VolunteerState
from webapp.domain.volunteers.services import Answers

pytestmark = pytest.mark.db

_volunteers: Any = Volunteer.__table__
_invitations: Any = TeamInvitation.__table__
_people: Any = Person.__table__
_users: Any = User.__table__


def answers(cast: Cast, **changes: Any) -> Answers:
    return replace(
        Answers(
            name="某人",
            community=cast.community.public_id,
            building=cast.building.public_id,
            skills=("delivery", "driving"),
            when=(Stretch.WEEKEND_MORNING,),
            age=AgeAnswer.ADULT,
            guardian_name="",
            health=True,
            confidentiality=True,
        ),
        **changes,
    )


def sign_up(
    cast: Cast, who: str, *, key: str | None = None, invitation: str = "", minors: bool = False, **changes
):
    with cast.app.app_context():
        return services.sign_up(
            deed=make_deed(cast.actor(who), key=key),
            answers=answers(cast, **changes),
            minors_allowed=minors,
            invitation=invitation,
        )


def invite(cast: Cast, *, use_limit: int = 30, days: int = 7) -> str:
    with cast.app.app_context():
        public_id = services.make_invitation(
            deed=make_deed(cast.actor("alice")),
            team=cast.team.public_id,
            days=days,
            use_limit=use_limit,
        )
        return token_of(public_id)


def row_of(cast: Cast, who: str) -> Any:
    with cast.app.app_context():
        return db.reading(
            lambda: (
                db.connection()
                .execute(select(_volunteers).where(_volunteers.c.person_id == cast.people[who].person_id))
                .one()
            )
        )()


def count(cast: Cast, model: Any, *conditions: Any) -> int:
    table: Any = model.__table__
    with cast.app.app_context():
        return db.reading(
            lambda: (
                db.connection()
                .execute(select(func.count()).select_from(table).where(*conditions))
                .scalar_one()
            )
        )()


def change(cast: Cast, table: Any, condition: Any, **values: Any) -> None:
    with cast.app.app_context():
        db.writing(lambda: db.connection().execute(update(table).where(condition).values(**values)))()


def test_somebody_signs_up_and_waits_for_the_head(cast: Cast) -> None:
    got = sign_up(cast, "ruth")
    assert (got.state, got.is_new) == (VolunteerState.APPLIED, True)
    row = row_of(cast, "ruth")
    assert (row.name, row.area_path, row.society, row.team_id) == (
        "如诗",
        cast.building.path,
        Society.VOLUNTEER,
        None,
    )
    assert row.phone_tail == cast.people["ruth"].phone[-4:]
    assert count(cast, VolunteerSkill, VolunteerSkill.volunteer_id == row.id) == 2
    assert count(cast, AvailabilitySlot, AvailabilitySlot.volunteer_id == row.id) == 2
    assert count(cast, Pledge, Pledge.volunteer_id == row.id) == 2
    assert count(cast, AuditEntry, AuditEntry.verb == "sign_up", AuditEntry.object_id == row.id) == 1


def test_a_visitor_is_asked_to_sign_in(cast: Cast) -> None:
    with cast.app.app_context(), pytest.raises(SignInRequired):
        services.sign_up(deed=make_deed(Actor.anonymous("x")), answers=answers(cast), minors_allowed=False)


def test_the_same_key_is_one_deed(cast: Cast) -> None:
    first = sign_up(cast, "ruth", key="key-of-the-phone")
    again = sign_up(cast, "ruth", key="key-of-the-phone")
    assert first == again
    assert count(cast, AuditEntry, AuditEntry.verb == "sign_up") == 1


def test_a_second_sign_up_is_answered_with_the_first(cast: Cast) -> None:
    first = sign_up(cast, "ruth")
    second = sign_up(cast, "ruth", skills=("care",), name="另一个")
    assert second.public_id == first.public_id
    assert second.is_new is False
    row = row_of(cast, "ruth")
    assert count(cast, VolunteerSkill, VolunteerSkill.volunteer_id == row.id) == 2, "the first answers stand"


def test_two_accounts_of_one_person_are_one_volunteer(cast: Cast, make: Factory) -> None:
    second_phone = make.user("如诗")
    change(cast, _users, _users.c.id == second_phone.id, person_id=cast.people["ruth"].person_id)
    cast.people["ruth2"] = second_phone
    first = sign_up(cast, "ruth")
    assert sign_up(cast, "ruth2").public_id == first.public_id


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"community": "nothing"}, "community_missing", "community"),
        ({"building": "nothing"}, "building_unknown", "building"),
        ({"skills": ()}, "skill_not_chosen", "skills"),
        ({"skills": ("sampling",)}, "skill_not_chosen", "skills"),
        ({"when": ()}, "time_missing", "when"),
        ({"name": "  "}, "name_missing", "name"),
        ({"name": "张3"}, "name_unclear", "name"),
        ({"age": AgeAnswer.CHILD}, "too_young", "age"),
        ({"age": AgeAnswer.MINOR, "guardian_name": "妈妈"}, "minors_not_taken", "age"),
        ({"health": False}, "pledge_not_made", "health"),
        ({"confidentiality": False}, "pledge_not_made", "confidentiality"),
    ],
)
def test_what_is_refused_leaves_nothing(cast: Cast, changes: dict[str, Any], code: str, field: str) -> None:
    before = count(cast, Volunteer)
    with pytest.raises(RuleBroken) as caught:
        sign_up(cast, "nora", **changes)
    assert (caught.value.code, caught.value.field) == (code, field)
    assert count(cast, Volunteer) == before


def test_a_building_of_another_community_is_refused(cast: Cast) -> None:
    with pytest.raises(RuleBroken, match="building_unknown"):
        sign_up(cast, "nora", building=cast.foreign_building.public_id)


def test_sixteen_counts_where_the_county_allows_it_and_a_parent_agrees(cast: Cast) -> None:
    with pytest.raises(RuleBroken, match="consent_missing"):
        sign_up(cast, "nora", minors=True, age=AgeAnswer.MINOR, guardian_name=" ")
    sign_up(cast, "nora", minors=True, age=AgeAnswer.MINOR, guardian_name="诺妈妈")
    row = row_of(cast, "nora")
    assert (row.age_group, row.guardian_name) == (AgeGroup.MINOR, "诺妈妈")


def test_a_known_birthday_is_stronger_than_the_answer(cast: Cast) -> None:
    today = clock.day(clock.now())
    change(
        cast,
        _people,
        _people.c.id == cast.people["nora"].person_id,
        born_on=date(today.year - 15, 1, 1),
    )
    with pytest.raises(RuleBroken, match="too_young"):
        sign_up(cast, "nora", minors=True, age=AgeAnswer.ADULT)


def test_who_was_refused_is_told_why(cast: Cast) -> None:
    change(
        cast,
        _volunteers,
        _volunteers.c.id == cast.volunteers["zoe"].id,
        state=VolunteerState.REFUSED,
        decision_note="人已经够了",
    )
    with pytest.raises(Conflict) as caught:
        sign_up(cast, "zoe")
    assert (caught.value.code, caught.value.params["reason"]) == ("volunteer_refused_before", "人已经够了")


def test_who_left_comes_back_under_the_same_row(cast: Cast) -> None:
    change(cast, _volunteers, _volunteers.c.id == cast.volunteers["viktor"].id, state=VolunteerState.LEFT)
    got = sign_up(cast, "viktor", building=cast.building.public_id)
    row = row_of(cast, "viktor")
    assert (got.public_id, got.is_new) == (cast.volunteers["viktor"].public_id, True)
    assert (row.state, row.area_path) == (VolunteerState.APPLIED, cast.building.path)


def test_at_most_so_many_tries_a_day(cast: Cast) -> None:
    for _ in range(10):
        sign_up(cast, "ruth")
    with pytest.raises(TooMany):
        sign_up(cast, "ruth")


# --- from a list --------------------------------------------------------------------------------------------


def _listed(cast: Cast, make: Factory, name: str, phone: str) -> Any:
    """A volunteer who stands on an imported list: a person with a number, without an account and pledges."""
    somebody = make.user(name, phone=phone)
    made = make.volunteer(somebody, area=cast.community, pledges=())
    other = "13899990000"
    change(
        cast,
        _users,
        _users.c.id == somebody.id,
        person_id=None,
        phone_index=crypto.blind_index("phone", other),
    )
    change(cast, _people, _people.c.id == somebody.person_id, name_key=name_key(name))
    return made


def test_the_number_of_a_list_and_the_name_are_the_same_person(cast: Cast, make: Factory) -> None:
    listed = _listed(cast, make, "单新", "13711112222")
    newcomer = make.user("临时", phone="13622223333")
    change(
        cast,
        _users,
        _users.c.id == newcomer.id,
        person_id=None,
        phone=crypto.encrypt("13711112222"),
        phone_index=crypto.blind_index("phone", "13711112222"),
        phone_tail="2222",
    )
    cast.people["new"] = newcomer
    got = sign_up(cast, "new", name=" 单 新 ")
    assert (got.public_id, got.state) == (listed.public_id, VolunteerState.ACCEPTED)
    assert count(cast, Pledge, Pledge.volunteer_id == listed.id) == 2


def test_another_name_on_the_same_number_is_another_person(cast: Cast, make: Factory) -> None:
    listed = _listed(cast, make, "单新", "13711112222")
    newcomer = make.user("临时", phone="13622223333")
    change(
        cast,
        _users,
        _users.c.id == newcomer.id,
        person_id=None,
        phone=crypto.encrypt("13711112222"),
        phone_index=crypto.blind_index("phone", "13711112222"),
        phone_tail="2222",
    )
    cast.people["new"] = newcomer
    got = sign_up(cast, "new", name="单旧")
    assert got.public_id != listed.public_id
    assert got.state is VolunteerState.APPLIED


# --- invitations --------------------------------------------------------------------------------------------


def test_an_invitation_accepts_at_once_and_is_counted(cast: Cast) -> None:
    token = invite(cast, use_limit=2)
    assert sign_up(cast, "ruth", invitation=token).state is VolunteerState.ACCEPTED
    row = row_of(cast, "ruth")
    assert row.team_id == cast.team.id
    assert count(cast, TeamInvitation, TeamInvitation.used_count == 1) == 1


def test_the_last_use_is_given_once_and_who_comes_later_is_not_stored(cast: Cast) -> None:
    token = invite(cast, use_limit=1)
    sign_up(cast, "ruth", invitation=token)
    before = count(cast, Volunteer)
    with pytest.raises(Gone, match="invitation_used_up"):
        sign_up(cast, "rita", invitation=token)
    assert count(cast, Volunteer) == before


def test_a_repeat_of_who_came_through_it_is_not_counted_again(cast: Cast) -> None:
    token = invite(cast, use_limit=5)
    sign_up(cast, "ruth", invitation=token)
    sign_up(cast, "ruth", invitation=token)
    assert count(cast, TeamInvitation, TeamInvitation.used_count == 1) == 1


def test_an_invitation_that_is_over_says_which_way(cast: Cast) -> None:
    expired, revoked, closed = invite(cast), invite(cast), invite(cast)
    change(
        cast,
        _invitations,
        _invitations.c.public_id == expired[:22],
        expires_at=clock.now() - timedelta(seconds=1),
    )
    with pytest.raises(Gone, match="invitation_expired"):
        sign_up(cast, "ruth", invitation=expired)
    with cast.app.app_context():
        services.revoke_invitation(
            deed=make_deed(cast.actor("alice")), team=cast.team.public_id, public_id=revoked[:22]
        )
    with pytest.raises(Gone, match="invitation_revoked"):
        sign_up(cast, "ruth", invitation=revoked)
    with cast.app.app_context():
        services.close_team(
            deed=make_deed(cast.actor("alice")), public_id=cast.team.public_id, is_closed=True
        )
    with pytest.raises(Gone, match="invitation_team_closed"):
        sign_up(cast, "ruth", invitation=closed)


@pytest.mark.parametrize("forge", ["change", "cut", "swap", "empty"])
def test_a_forged_invitation_is_none(cast: Cast, forge: str) -> None:
    token = invite(cast)
    other = invite(cast)
    forged = {
        "change": token[:-1] + ("A" if token[-1] != "A" else "B"),
        "cut": token[:22],
        "swap": token[:22] + other[22:],
        "empty": "x",
    }[forge]
    with pytest.raises(NotFound, match="invitation_forged"):
        sign_up(cast, "ruth", invitation=forged)


def test_who_only_applied_is_accepted_by_the_invitation(cast: Cast) -> None:
    token = invite(cast)
    with cast.app.app_context():
        joined = services.join_team(deed=make_deed(cast.actor("zoe")), token=token)
        again = services.join_team(deed=make_deed(cast.actor("zoe")), token=token)
    row = row_of(cast, "zoe")
    assert (joined.is_new, again.is_new) == (True, False)
    assert (row.state, row.team_id) == (VolunteerState.ACCEPTED, cast.team.id)
    assert count(cast, TeamInvitation, TeamInvitation.used_count == 1) == 1


def test_who_belongs_to_another_team_is_sent_to_the_head(cast: Cast, make: Factory) -> None:
    token = invite(cast)
    other = make.team("另一队", area=cast.community)
    change(cast, _volunteers, _volunteers.c.id == cast.volunteers["viktor"].id, team_id=other.id)
    with cast.app.app_context(), pytest.raises(Conflict, match="in_another_team"):
        services.join_team(deed=make_deed(cast.actor("viktor")), token=token)
    with cast.app.app_context(), pytest.raises(Conflict, match="not_a_volunteer_yet"):
        services.join_team(deed=make_deed(cast.actor("nora")), token=token)
