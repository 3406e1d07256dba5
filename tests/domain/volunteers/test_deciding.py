"""Deciding about volunteers: whom one sees, what is open, what is told, and numbers that are shown with a reason."""

from typing import Any

import pytest
from sqlalchemy import select, update

from tests.conftest import Cast, QueryCounter
from tests.factories import Factory, make_deed
from webapp.base import db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, LinliError, NotAllowed, NotFound, RuleBroken
from webapp.base.outbox import OutboxMessage
from webapp.domain.people.models import Person
from webapp.domain.volunteers import services
from webapp.domain.volunteers.models import TeamLead, Volunteer
from webapp.domain.volunteers.queries import lists
from webapp.domain.volunteers.queries.lists import Filter
from webapp.domain.volunteers.rules import Society, VolunteerState

pytestmark = pytest.mark.db

_volunteers: Any = Volunteer.__table__
_people: Any = Person.__table__
_messages: Any = OutboxMessage.__table__
_audit: Any = AuditEntry.__table__
_leads: Any = TeamLead.__table__


def rows(cast: Cast, statement: Any) -> list[Any]:
    with cast.app.app_context():
        return db.reading(lambda: db.connection().execute(statement).all())()


def change(cast: Cast, table: Any, condition: Any, **values: Any) -> None:
    with cast.app.app_context():
        db.writing(lambda: db.connection().execute(update(table).where(condition).values(**values)))()


def of(cast: Cast, name: str) -> Any:
    return rows(cast, select(_volunteers).where(_volunteers.c.id == cast.volunteers[name].id))[0]


def do(cast: Cast, what: Any, who: str, name: str, *, version: int | None = None, **values: Any) -> Any:
    row = of(cast, name)
    with cast.app.app_context():
        return what(
            deed=make_deed(cast.actor(who)),
            public_id=row.public_id,
            version=row.version if version is None else version,
            **values,
        )


def seen(cast: Cast, who: str, **wanted: Any) -> set[str]:
    with cast.app.app_context():
        page = lists.list_volunteers(actor=cast.actor(who), wanted=Filter(**wanted))
    return {row.name for row in page.rows}


# --- whom one sees ------------------------------------------------------------------------------------------

HERE = {"泰思", "薇拉", "维克", "佐伊"}


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        ("alice", HERE),
        ("dora", HERE | {"芬恩"}),
        ("erin", HERE | {"芬恩"}),
        ("charlie", {"芬恩"}),
        ("olga", set()),
        ("tess", {"泰思", "薇拉"}),
        ("bob", set()),
        ("adam", set()),
        ("vera", set()),
        ("ruth", set()),
    ],
)
def test_the_scope_of_the_list(cast: Cast, who: str, wanted: set[str]) -> None:
    assert seen(cast, who) == wanted


def test_a_lead_without_the_row_or_of_a_closed_team_sees_nobody(cast: Cast, make: Factory) -> None:
    with cast.app.app_context():
        db.writing(lambda: db.connection().execute(_leads.delete()))()
    assert seen(cast, "tess") == set()


def test_somebody_from_elsewhere_in_a_team_here_is_seen_here(cast: Cast) -> None:
    change(cast, _volunteers, _volunteers.c.id == cast.volunteers["fern"].id, team_id=cast.team.id)
    assert "芬恩" in seen(cast, "alice")
    assert "芬恩" in seen(cast, "tess")
    assert "芬恩" in seen(cast, "charlie")


def test_search_by_name_pinyin_initials_tail_and_number(cast: Cast) -> None:
    change(
        cast,
        _people,
        _people.c.id == cast.people["vera"].person_id,
        pinyin_key="weila",
        initials_key="wl",
    )
    number = cast.people["vera"].phone
    for text in ("薇", "薇拉", "weil", "WL", "wl", number[-4:], number):
        assert "薇拉" in seen(cast, "alice", text=text), text
    for text in ("拉", "eila", number[:10], "%"):
        assert seen(cast, "alice", text=text) == set(), text


def test_filters(cast: Cast) -> None:
    assert seen(cast, "alice", state=VolunteerState.APPLIED) == {"佐伊"}
    assert seen(cast, "alice", team=cast.team.public_id) == {"泰思", "薇拉"}
    assert seen(cast, "alice", skill="delivery") == {"薇拉"}
    assert seen(cast, "alice", skill="sampling") == {"维克"}
    change(cast, _volunteers, _volunteers.c.id == cast.volunteers["zoe"].id, state=VolunteerState.LEFT)
    assert "佐伊" not in seen(cast, "alice")
    assert seen(cast, "alice", state=VolunteerState.LEFT) == {"佐伊"}


def test_pages_go_by_key_and_lose_nobody(cast: Cast) -> None:
    found: list[str] = []
    after = None
    with cast.app.app_context():
        actor = cast.actor("alice")
        while True:
            page = lists.list_volunteers(actor=actor, wanted=Filter(), after=after, limit=3)
            found += [row.public_id for row in page.rows]
            after = page.after
            if after is None:
                break
    assert len(found) == len(set(found)) == 4
    with cast.app.app_context(), pytest.raises(NotFound):
        lists.list_volunteers(
            actor=cast.actor("charlie"), wanted=Filter(), after=cast.volunteers["vera"].public_id
        )


def test_the_list_costs_the_same_with_one_and_with_twenty(
    cast: Cast, make: Factory, queries: QueryCounter
) -> None:
    def cost() -> int:
        with cast.app.app_context():
            actor = cast.actor("alice")
            queries.statements.clear()
            lists.list_volunteers(actor=actor, wanted=Filter())
        return queries.count

    before = cost()
    for number in range(20):
        make.volunteer(make.user(f"新人{number}"), area=cast.community, skills=("driving", "care"))
    assert cost() == before == 2


# --- decisions ----------------------------------------------------------------------------------------------


def templates(cast: Cast) -> list[str]:
    return [row.template for row in rows(cast, select(_messages.c.template).order_by(_messages.c.id))]


def test_accepting_tells_the_volunteer_once(cast: Cast) -> None:
    do(cast, services.accept, "alice", "zoe")
    assert of(cast, "zoe").state is VolunteerState.ACCEPTED
    assert templates(cast) == ["volunteer_accepted"]
    with pytest.raises(Conflict, match="volunteer_decided"):
        do(cast, services.accept, "alice", "zoe")
    assert templates(cast) == ["volunteer_accepted"]


def test_refusing_needs_a_reason_and_may_be_taken_back(cast: Cast) -> None:
    with pytest.raises(RuleBroken, match="reason_missing"):
        do(cast, services.refuse, "alice", "zoe", reason="  ")
    do(cast, services.refuse, "alice", "zoe", reason="人够了")
    row = of(cast, "zoe")
    assert (row.state, row.decision_note) == (VolunteerState.REFUSED, "人够了")
    do(cast, services.accept, "alice", "zoe")
    assert templates(cast) == ["volunteer_refused", "volunteer_accepted"]


def test_asked_back_answered_and_open_again(cast: Cast) -> None:
    do(cast, services.ask_back, "alice", "zoe", question="周末能来吗?")
    assert of(cast, "zoe").state is VolunteerState.ASKED_BACK
    with cast.app.app_context():
        services.answer_question(deed=make_deed(cast.actor("zoe")), text="可以")
    row = of(cast, "zoe")
    assert (row.state, row.answer) == (VolunteerState.APPLIED, "可以")
    with cast.app.app_context(), pytest.raises(Conflict, match="not_asked"):
        services.answer_question(deed=make_deed(cast.actor("zoe")), text="还可以")


def test_what_was_changed_meanwhile_is_looked_at_again(cast: Cast) -> None:
    do(cast, services.ask_back, "alice", "zoe", question="?")
    with pytest.raises(Conflict, match="volunteer_changed"):
        do(cast, services.accept, "alice", "zoe", version=1)


@pytest.mark.parametrize(
    ("who", "wanted"),
    [
        ("dora", NotAllowed),
        ("tess", NotAllowed),
        ("charlie", NotFound),
        ("ruth", NotFound),
        ("olga", NotFound),
    ],
)
def test_who_may_not_decide(cast: Cast, who: str, wanted: type[LinliError]) -> None:
    name = "vera" if who == "tess" else "zoe"
    with pytest.raises(wanted):
        do(cast, services.refuse, who, name, reason="不行")


def test_nobody_accepts_themselves(cast: Cast, make: Factory) -> None:
    cast.volunteers["alice"] = make.volunteer(
        cast.people["alice"], area=cast.community, state=VolunteerState.APPLIED
    )
    with pytest.raises(NotAllowed, match="own_application"):
        do(cast, services.accept, "alice", "alice")


def test_who_still_has_a_shift_is_taken_off_it_first(cast: Cast, make: Factory) -> None:
    make.signup(make.shift(make.post(cast.community)), cast.people["vera"])
    with pytest.raises(Conflict) as caught:
        do(cast, services.refuse, "alice", "vera", reason="不合适")
    assert (caught.value.code, caught.value.params["count"]) == ("still_on_shifts", 1)
    with cast.app.app_context(), pytest.raises(Conflict, match="still_on_shifts"):
        services.leave(deed=make_deed(cast.actor("vera")))


# --- where one belongs --------------------------------------------------------------------------------------


def test_a_team_brings_society_and_organisation(cast: Cast, make: Factory) -> None:
    organisation = make.organisation("红十字会", area=cast.county)
    team = make.team("救援队", area=cast.community, organisation_id=organisation.id, society=Society.CHARITY)
    do(cast, services.place_volunteer, "alice", "viktor", team=team.public_id)
    row = of(cast, "viktor")
    assert (row.team_id, row.organisation_id, row.society) == (team.id, organisation.id, Society.CHARITY)
    do(cast, services.place_volunteer, "alice", "viktor", society=Society.SOCIAL_WORKER)
    row = of(cast, "viktor")
    assert (row.team_id, row.organisation_id, row.society) == (None, None, Society.SOCIAL_WORKER)


def test_a_team_of_elsewhere_or_a_closed_one_is_refused(cast: Cast, make: Factory) -> None:
    foreign = make.team("外队", area=cast.other_community)
    for team in (foreign.public_id, "nothing"):
        with pytest.raises(RuleBroken, match="team_missing"):
            do(cast, services.place_volunteer, "alice", "viktor", team=team)


def test_who_leaves_the_team_leads_it_no_more(cast: Cast) -> None:
    do(cast, services.place_volunteer, "alice", "tess")
    assert seen(cast, "tess") == set()
    assert rows(cast, select(_leads)) == []
    assert cast.actor("tess").grants == ()


# --- numbers ------------------------------------------------------------------------------------------------


def test_a_number_is_shown_for_a_reason_and_the_look_is_written_down(cast: Cast) -> None:
    public_id = cast.volunteers["vera"].public_id
    with cast.app.app_context():
        with pytest.raises(RuleBroken, match="reason_missing"):
            services.reveal_phone(deed=make_deed(cast.actor("tess")), public_id=public_id, reason="")
        got = services.reveal_phone(
            deed=make_deed(cast.actor("tess")), public_id=public_id, reason="今晚的班"
        )
        with pytest.raises(NotFound):
            services.reveal_phone(
                deed=make_deed(cast.actor("tess")),
                public_id=cast.volunteers["zoe"].public_id,
                reason="看看",
            )
    assert got.phone == cast.people["vera"].phone
    lines = rows(cast, select(_audit).where(_audit.c.verb == "reveal_phone"))
    assert [(line.object_id, line.reason) for line in lines] == [(cast.volunteers["vera"].id, "今晚的班")]
    assert got.phone not in lines[0].facts
