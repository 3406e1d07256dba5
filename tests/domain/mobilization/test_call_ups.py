"""Call-ups as their head works with them: who sees which, what may be written, what stands before anything is sent."""

import pytest
from sqlalchemy import select

from webapp.base import db
from webapp.base.errors import NotAllowed, NotFound
from webapp.base.permissions import Permission
from webapp.domain.mobilization.models import CallUp, Reservist, Summons
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.rules import CallUpState

pytestmark = pytest.mark.db

CALL_UPS = CallUp.__table__
SUMMONSES = Summons.__table__
RESERVISTS = Reservist.__table__


@db.reading
def seen(actor, call_up):
    try:
        scope.find_call_up(actor, call_up.public_id)
    except NotFound:
        return False
    return True


@db.reading
def people_seen(actor):
    joined = SUMMONSES.join(CALL_UPS, CALL_UPS.c.id == SUMMONSES.c.call_up_id)
    return set(
        db.connection()
        .execute(select(SUMMONSES.c.person_id).select_from(joined).where(scope.visible_summonses(actor)))
        .scalars()
    )


def test_staff_see_the_call_ups_of_their_areas_and_nobody_else_does(make, cast, in_app):
    running = make.call_up(cast.community)
    for name in ("alice", "bob", "dora", "erin"):
        assert seen(cast.actor(name), running), name
    for name in ("charlie", "olga", "lead", "ruth", "vera", "adam", "tess"):
        assert not seen(cast.actor(name), running), name


def test_a_draft_is_seen_by_those_who_may_start_it(make, cast, in_app):
    draft = make.call_up(cast.community, state=CallUpState.DRAFT)
    for name in ("alice", "dora", "erin"):
        assert seen(cast.actor(name), draft), name
    for name in ("bob", "charlie", "olga", "tess"):
        assert not seen(cast.actor(name), draft), name


def test_a_towns_call_up_is_not_for_its_communities(make, cast, in_app):
    running = make.call_up(cast.town)
    for name in ("dora", "erin"):
        assert seen(cast.actor(name), running), name
    for name in ("alice", "bob", "charlie", "olga"):
        assert not seen(cast.actor(name), running), name


def test_a_teams_lead_sees_of_a_call_up_the_lines_of_the_team(make, cast, in_app):
    running = make.call_up(cast.community)
    vera, viktor = cast.reservists["vera"].person_id, cast.reservists["viktor"].person_id
    make.summons(running, vera)
    make.summons(running, viktor)
    tess = cast.actor("tess")
    assert seen(tess, running)
    assert people_seen(tess) == {vera}
    assert people_seen(cast.actor("bob")) == {vera, viktor}
    assert people_seen(cast.actor("charlie")) == set()
    with in_app.app_context():
        whole = db.reading(lambda name: scope.sees_whole(cast.actor(name), running.id))
        assert (whole("tess"), whole("bob"), whole("alice"), whole("charlie")) == (False, True, True, False)


def test_who_sees_a_call_up_may_not_yet_steer_it(make, cast, in_app):
    running = make.call_up(cast.community)
    steer = db.reading(scope.managed_call_up)
    for name in ("alice", "dora", "erin"):
        assert steer(cast.actor(name), running.public_id).id == running.id
    with pytest.raises(NotAllowed):
        steer(cast.actor("bob"), running.public_id)
    with pytest.raises(NotFound):
        steer(cast.actor("charlie"), running.public_id)
    find = db.reading(scope.find_call_up)
    assert find(cast.actor("bob"), running.public_id, Permission.CALL_LIST).id == running.id


def test_reservists_are_seen_by_home_or_by_team(cast, in_app):
    @db.reading
    def names(actor):
        return set(
            db.connection()
            .execute(select(RESERVISTS.c.name).where(scope.visible_reservists(actor)))
            .scalars()
        )

    assert names(cast.actor("alice")) == {"泰思", "薇拉", "维克", "鲍伯"}
    assert names(cast.actor("dora")) == names(cast.actor("alice")) | {"芬恩"}
    assert names(cast.actor("tess")) == {"泰思", "薇拉"}
    assert names(cast.actor("charlie")) == {"芬恩"}
    for name in ("olga", "bob", "ruth", "lead", "adam"):
        assert names(cast.actor(name)) == set(), name
