"""Organisations and teams: made, renamed, closed; leads named and ended with their role; what a lead reaches."""

from typing import Any

import pytest
from sqlalchemy import select, update

from tests.conftest import Cast, QueryCounter
from tests.factories import Factory, make_deed
from webapp.base import db
from webapp.base.errors import Conflict, LinliError, NotAllowed, NotFound, RuleBroken
from webapp.base.permissions import Role
from webapp.domain.accounts.models import Appointment, User
from webapp.domain.volunteers import services
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.queries import teams
from webapp.domain.volunteers.rules import Society
from webapp.domain.volunteers.services import Name

pytestmark = pytest.mark.db

_volunteers: Any = Volunteer.__table__
_appointments: Any = Appointment.__table__
_users: Any = User.__table__


def name(text: str = "新队", society: Society = Society.VOLUNTEER) -> Name:
    return Name(text, "", society)


def do(cast: Cast, what: Any, who: str = "alice", **values: Any) -> Any:
    with cast.app.app_context():
        return what(deed=make_deed(cast.actor(who)), **values)


def roles(cast: Cast, who: str) -> list[Role]:
    return [grant.role for grant in cast.actor(who).grants]


def listed(cast: Cast, who: str, **values: Any) -> list[str]:
    with cast.app.app_context():
        return [row.name for row in teams.list_teams(actor=cast.actor(who), **values).rows]


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        ("alice", {"红马甲", "另一队"}),
        ("dora", {"红马甲", "另一队", "外队"}),
        ("charlie", {"外队"}),
        ("tess", {"红马甲"}),
        ("olga", set()),
        ("vera", set()),
        ("adam", set()),
    ],
)
def test_the_scope_of_teams(cast: Cast, make: Factory, who: str, wanted: set[str]) -> None:
    make.team("另一队", area=cast.community)
    make.team("外队", area=cast.other_community)
    assert set(listed(cast, who)) == wanted


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        ("alice", {"县协会", "本社区"}),
        ("charlie", {"县协会"}),
        ("olga", {"县协会"}),
        ("dora", {"县协会", "本社区"}),
        ("tess", set()),
        ("ruth", set()),
    ],
)
def test_the_scope_of_organisations(cast: Cast, make: Factory, who: str, wanted: set[str]) -> None:
    make.organisation("县协会", area=cast.county)
    make.organisation("本社区", area=cast.community)
    with cast.app.app_context():
        page = teams.list_organisations(actor=cast.actor(who))
    assert {row.name for row in page.rows} == wanted


def test_pages_of_teams_go_by_key(cast: Cast, make: Factory, queries: QueryCounter) -> None:
    for number in range(8):
        make.team(f"队{number}", area=cast.community)
    found: list[str] = []
    after = None
    with cast.app.app_context():
        actor = cast.actor("dora")
        while True:
            queries.statements.clear()
            page = teams.list_teams(actor=actor, after=after, limit=4)
            assert queries.count == (1 if after is None else 2)
            found += [row.name for row in page.rows]
            after = page.after
            if after is None:
                break
    assert len(found) == len(set(found)) == 9


def test_a_team_is_made_renamed_closed_and_opened_again(cast: Cast) -> None:
    public_id = do(cast, services.make_team, area=cast.community.public_id, named=name())
    with pytest.raises(RuleBroken, match="name_taken"):
        do(cast, services.make_team, area=cast.community.public_id, named=name(" 新队 "))
    with pytest.raises(RuleBroken, match="name_taken"):
        do(cast, services.rename_team, public_id=public_id, named=name("红马甲"))
    do(cast, services.rename_team, public_id=public_id, named=name("新新队"))
    do(cast, services.close_team, public_id=public_id, is_closed=True)
    assert "新新队" not in listed(cast, "alice")
    assert "新新队" in listed(cast, "alice", with_closed=True)
    do(cast, services.close_team, public_id=public_id, is_closed=False)
    assert "新新队" in listed(cast, "alice", text="新新")
    for text, code in (("", "name_missing"), ("队" * 81, "text_too_long")):
        with pytest.raises(RuleBroken, match=code):
            do(cast, services.rename_team, public_id=public_id, named=name(text))


def test_the_members_follow_the_society_of_their_team(cast: Cast) -> None:
    do(cast, services.rename_team, public_id=cast.team.public_id, named=name("红马甲", Society.CHARITY))
    with cast.app.app_context():
        found = db.reading(
            lambda: (
                db.connection()
                .execute(select(_volunteers.c.society).where(_volunteers.c.team_id == cast.team.id))
                .scalars()
                .all()
            )
        )()
    assert set(found) == {Society.CHARITY}


@pytest.mark.parametrize(
    ("who", "wanted"), [("charlie", NotFound), ("dora", NotAllowed), ("tess", NotAllowed), ("ruth", NotFound)]
)
def test_who_may_not_manage_a_team(cast: Cast, who: str, wanted: type[LinliError]) -> None:
    deeds = (
        (services.rename_team, {"public_id": cast.team.public_id, "named": name()}),
        (services.close_team, {"public_id": cast.team.public_id, "is_closed": True}),
        (services.make_invitation, {"team": cast.team.public_id, "days": 1, "use_limit": 1}),
        (
            services.name_lead,
            {"team": cast.team.public_id, "volunteer": cast.volunteers["vera"].public_id},
        ),
    )
    for what, values in deeds:
        with pytest.raises(wanted):
            do(cast, what, who, **values)


def test_a_team_is_made_only_in_the_own_area(cast: Cast) -> None:
    for area in (cast.other_community.public_id, cast.county.public_id, "nothing"):
        with pytest.raises(RuleBroken, match="area_missing"):
            do(cast, services.make_team, area=area, named=name())


def test_a_lead_gets_the_role_and_loses_it_with_the_last_team(cast: Cast, make: Factory) -> None:
    vera = cast.volunteers["vera"].public_id
    second = make.team("第二队", area=cast.community, leads=(cast.people["vera"],))
    do(cast, services.name_lead, team=cast.team.public_id, volunteer=vera)
    do(cast, services.name_lead, team=cast.team.public_id, volunteer=vera)
    assert roles(cast, "vera") == [Role.TEAM_LEAD]
    assert set(listed(cast, "vera")) == {"红马甲", "第二队"}
    do(cast, services.end_lead, team=cast.team.public_id, volunteer=vera)
    assert roles(cast, "vera") == [Role.TEAM_LEAD], "the second team is still led"
    do(cast, services.close_team, public_id=second.public_id, is_closed=True)
    assert roles(cast, "vera") == []
    with pytest.raises(NotFound):
        do(cast, services.end_lead, team=cast.team.public_id, volunteer=vera)


def test_only_an_accepted_member_with_an_account_leads(cast: Cast, make: Factory) -> None:
    team = cast.team.public_id
    with pytest.raises(RuleBroken, match="not_in_team"):
        do(cast, services.name_lead, team=team, volunteer=cast.volunteers["viktor"].public_id)
    listed_only = make.user("无号")
    made = make.volunteer(listed_only, area=cast.community, team=cast.team)
    with cast.app.app_context():
        db.writing(
            lambda: db.connection().execute(
                update(_users).where(_users.c.id == listed_only.id).values(person_id=None)
            )
        )()
    with pytest.raises(RuleBroken, match="lead_without_account"):
        do(cast, services.name_lead, team=team, volunteer=made.public_id)
    do(cast, services.close_team, public_id=team, is_closed=True)
    with pytest.raises(Conflict, match="team_closed"):
        do(cast, services.name_lead, team=team, volunteer=cast.volunteers["vera"].public_id)
    assert roles(cast, "tess") == []


def test_an_organisation_of_the_county_is_seen_and_not_changed_by_a_community(
    cast: Cast, make: Factory
) -> None:
    made = make.organisation("县协会", area=cast.county)
    with pytest.raises(NotAllowed):
        do(cast, services.rename_organisation, public_id=made.public_id, named=name())
    team = do(
        cast,
        services.make_team,
        area=cast.community.public_id,
        named=name(),
        organisation=made.public_id,
    )
    with cast.app.app_context():
        assert teams.get_team(actor=cast.actor("alice"), public_id=team).organisation_name == "县协会"
