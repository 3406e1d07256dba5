"""Zones with their history, and rule sets as data."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from tests.factories import make_deed
from webapp.base import db, remembered
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.domain.areas import queries, services
from webapp.domain.areas.models import RuleSet, ZoneClass

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]
RULES = Path("migrations/versions/0001_first_data.json")


def class_id(code: str) -> int:
    return next(choice.id for choice in queries.list_zone_classes() if choice.code == code)


def seal(cast, who="alice", area=None, code="sealed", **overrides):
    return services.set_zone(
        deed=overrides.pop("deed", None) or make_deed(cast.actor(who)),
        public_id=(area or cast.community).public_id,
        zone_class_id=class_id(code),
        reason="一例阳性",
        notice="第12号通告",
        **overrides,
    )


def test_a_zone_holds_for_all_below_until_one_nearer_says_otherwise(cast) -> None:
    assert queries.get_place(cast.building.path).zone is None
    seal(cast)
    assert queries.get_place(cast.building.path).zone.class_code == "sealed"
    assert queries.get_place(cast.town.path).zone is None
    seal(cast, area=cast.building, code="controlled")
    near = queries.get_place(cast.building.path).zone
    assert (near.class_code, near.area_name, near.notice) == ("controlled", "3栋", "第12号通告")
    assert queries.get_place(cast.other_building.path).zone.class_code == "sealed"
    assert near.means("zh_Hans")
    assert near.means("en") != near.means("zh_Hans")


def test_a_zone_is_shown_at_once_where_it_was_set_though_pages_remember_their_place(cast, request) -> None:
    remembered.configure(60)
    request.addfinalizer(queries.forget_places)
    request.addfinalizer(lambda: remembered.configure(0))
    assert queries.get_place(cast.building.path).zone is None
    seal(cast)
    assert queries.get_place(cast.building.path).zone.class_code == "sealed"


def test_the_place_of_a_building_is_one_statement(cast, queries_counter) -> None:
    seal(cast)
    queries_counter.statements.clear()
    place = queries.get_place(cast.building.path)
    assert queries_counter.count == 1
    assert (place.community_name, place.hotline, place.building_word) == ("北辰社区", "0826-3220013", "栋")
    assert place.unit_line == "邻水县鼎屏镇北辰社区居民委员会"


@pytest.fixture
def queries_counter(request):
    return request.getfixturevalue("queries")


def test_a_change_ends_the_old_zone_and_history_stays(cast) -> None:
    seal(cast)
    seal(cast, code="controlled")
    area = queries.get_area(actor=cast.actor("alice"), public_id=cast.community.public_id)
    now, before = queries.list_zones(area=area)
    assert (now.name_zh, now.ended_at) == ("管控区", None)
    assert before.name_zh == "封控区"
    assert before.ended_at is not None


def test_the_class_that_holds_is_refused_as_unchanged(cast) -> None:
    seal(cast)
    with pytest.raises(RuleBroken) as refusal:
        seal(cast)
    assert refusal.value.code == "zone_unchanged"


def test_the_same_request_twice_is_one_change(cast) -> None:
    deed = make_deed(cast.actor("alice"))
    assert seal(cast, deed=deed) == seal(cast, deed=deed)


def test_who_looked_at_another_zone_is_told(cast) -> None:
    seal(cast, seen="")
    with pytest.raises(Conflict) as refusal:
        seal(cast, code="controlled", seen="")
    assert refusal.value.code == "zone_changed_meanwhile"


@pytest.mark.parametrize(
    ("who", "error"), [("charlie", NotFound), ("olga", NotFound), ("bob", NotFound), ("adam", NotAllowed)]
)
def test_outsiders_do_not_find_it_and_insiders_without_the_right_may_not(cast, who, error) -> None:
    with pytest.raises(error):
        seal(cast, who=who)


def test_a_grid_worker_sees_her_grid_and_may_not_change_it(cast) -> None:
    with pytest.raises(NotAllowed):
        seal(cast, who="bob", area=cast.building)


def test_the_town_reaches_its_communities(cast) -> None:
    seal(cast, who="dora")
    assert queries.get_place(cast.building.path).zone is not None


def test_the_change_leaves_a_line_with_its_reason(cast) -> None:
    seal(cast)

    @db.reading
    def lines():
        found = db.session().scalars(select(AuditEntry).where(AuditEntry.verb == "set_zone"))
        return [(entry.reason, entry.area_path) for entry in found]

    assert lines() == [("一例阳性", cast.community.path)]


@pytest.fixture
def rules_put_back(in_app):
    yield
    everything = json.loads(RULES.read_text(encoding="utf-8"))

    @db.writing
    def disable():
        db.connection().execute(update(RuleSet.__table__).values(enabled_at=None, enabled_by=None))

    disable()
    services.load_rules(deed=make_deed(Actor.system("test")), data=everything)


@pytest.mark.usefixtures("rules_put_back")
def test_it_is_an_exercise_until_an_authority_enables_a_rule_set(cast) -> None:
    assert queries.is_exercise()
    assert queries.get_place(cast.building.path).is_exercise
    services.enable_rules(deed=make_deed(Actor.system("test")), code="9th", authority="邻水县指挥部")
    assert not queries.is_exercise()
    assert not queries.get_place(cast.building.path).is_exercise
    assert {choice.code for choice in queries.list_zone_classes()} == {"high", "medium", "low", "normal"}


def test_nobody_but_the_shell_enables_rules(cast) -> None:
    with pytest.raises(NotAllowed):
        services.enable_rules(deed=make_deed(cast.actor("adam")), code="9th", authority="x")
    with pytest.raises(NotFound):
        services.enable_rules(deed=make_deed(Actor.system("test")), code="10th", authority="x")
    with pytest.raises(RuleBroken):
        services.enable_rules(deed=make_deed(Actor.system("test")), code="9th", authority=" ")


@pytest.mark.usefixtures("rules_put_back")
def test_what_a_class_means_is_data(cast) -> None:
    seal(cast)

    @db.writing
    def say_otherwise():
        db.connection().execute(
            update(ZoneClass.__table__)
            .where(ZoneClass.__table__.c.code == "sealed")
            .values(means_zh="请等通知。")
        )

    say_otherwise()
    assert queries.get_place(cast.building.path).zone.means_zh == "请等通知。"


def test_the_rules_of_the_repository_are_those_of_the_first_migration() -> None:
    data = json.loads(RULES.read_text(encoding="utf-8"))
    assert str(services.load_rules(deed=make_deed(Actor.system("test")), data=data)) == (
        "added 0, changed 0, unchanged 16, rejected 0"
    )


def test_zones_end_no_earlier_than_they_began(cast) -> None:
    deed = make_deed(cast.actor("alice"))
    seal(cast, deed=deed)
    seal(cast, code="controlled", deed=make_deed(cast.actor("alice"), now=deed.now - timedelta(seconds=5)))
    area = queries.get_area(actor=cast.actor("alice"), public_id=cast.community.public_id)
    assert all(
        line.ended_at is None or line.ended_at >= line.started_at for line in queries.list_zones(area=area)
    )
    assert replace(deed) == deed
