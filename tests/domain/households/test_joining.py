"""Joining a household: stated, waiting, decided."""

import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken, SignInRequired, TooMany
from webapp.domain.accounts.models import User
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.households.queries import get_place_of, joining, list_own
from webapp.domain.households.services import joining as services
from webapp.domain.people.models import PersonPhone

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


def state(cast, who="nora", **overrides):
    values = {
        "deed": make_deed(cast.actor(who)),
        "name": "诺拉",
        "community": cast.community.public_id,
        "building": cast.building.public_id,
        "unit": "2",
        "number": "501",
    } | overrides
    return services.state_household(**values)


def row_of(public_id: str) -> Household:
    @db.reading
    def load():
        return db.session().scalars(select(Household).where(Household.public_id == public_id)).one()

    return load()


def members_of(household_id: int) -> list[tuple[int, MemberState]]:
    @db.reading
    def load():
        found = db.session().scalars(
            select(Member).where(Member.household_id == household_id).order_by(Member.id)
        )
        return [(member.person_id, member.state) for member in found]

    return load()


def verbs() -> list[str]:
    @db.reading
    def load():
        return list(db.session().scalars(select(AuditEntry.verb).order_by(AuditEntry.id)))

    return load()


# --- stating ------------------------------------------------------------------------------------------------


def test_whoever_says_where_they_live_waits_and_may_do_little(cast) -> None:
    public_id = state(cast)
    own = list_own(actor=cast.actor("nora"))
    assert [(home.public_id, home.door_text, home.is_confirmed, home.lead_name) for home in own] == [
        (public_id, "3栋2单元501", False, "楼*")
    ]
    assert own[0].lead_phone == cast.people["lead"].phone
    assert get_place_of(actor=cast.actor("nora")).community_name == "北辰社区"
    assert members_of(cast.household.id) == [
        (cast.people["ruth"].person_id, MemberState.CONFIRMED),
        (cast.people["ralf"].person_id, MemberState.CONFIRMED),
    ]
    assert verbs() == ["state_household"]


def test_somebody_new_gets_a_person_with_a_proved_number(cast) -> None:
    user = cast.people["nora"]

    @db.writing
    def forget():
        db.connection().execute(User.__table__.update().where(User.id == user.id).values(person_id=None))

    forget()
    state(cast, name=" 诺 拉 ")
    actor = cast.actor("nora")
    assert actor.person_id not in {None, user.person_id}

    @db.reading
    def phones():
        return [
            phone.verified_at is not None
            for phone in db.session().scalars(
                select(PersonPhone).where(PersonPhone.person_id == actor.person_id)
            )
        ]

    assert phones() == [True]


def test_my_home_is_not_in_the_list_is_no_dead_end(cast) -> None:
    public_id = state(cast, building="", unit="", number="", stated_door="老粮站后面第二家")
    household = row_of(public_id)
    assert (household.door_id, household.area_path, household.stated_door) == (
        None,
        cast.community.path,
        "老粮站后面第二家",
    )
    assert list_own(actor=cast.actor("nora"))[0].door_text == "老粮站后面第二家"


def test_own_words_that_name_a_door_of_the_list_find_it(cast) -> None:
    public_id = state(cast, unit="", number="", stated_door="二单元五楼501")
    assert row_of(public_id).door_id == cast.household.door_id


@pytest.mark.parametrize(
    ("wrong", "code", "field"),
    [
        ({"name": " "}, "name_missing", "name"),
        ({"name": "诺拉1"}, "name_unclear", "name"),
        ({"community": "nowhere"}, "community_missing", "community"),
        ({"building": "nowhere"}, "building_unknown", "building"),
        ({"number": ""}, "home_missing", "number"),
        ({"building": "", "number": ""}, "home_missing", "building"),
        ({"unit": "3"}, "door_not_listed", "stated_door"),
        ({"stated_door": "x" * 61}, "text_too_long", "stated_door"),
    ],
)
def test_what_is_missing_is_said_on_its_field(cast, wrong, code, field) -> None:
    with pytest.raises(RuleBroken) as refusal:
        state(cast, **wrong)
    assert (refusal.value.code, refusal.value.field) == (code, field)
    assert list_own(actor=cast.actor("nora")) == ()


def test_a_building_of_another_community_is_unknown(cast) -> None:
    with pytest.raises(RuleBroken) as refusal:
        state(cast, building=cast.foreign_building.public_id)
    assert refusal.value.code == "building_unknown"


def test_the_same_request_and_the_same_door_twice_are_one_household(cast) -> None:
    deed = make_deed(cast.actor("nora"))
    first = state(cast, deed=deed)
    assert state(cast, deed=deed) == first
    assert state(cast) == first
    assert len(list_own(actor=cast.actor("nora"))) == 1


def test_who_belongs_there_already_is_told(cast) -> None:
    with pytest.raises(RuleBroken) as refusal:
        state(cast, "ruth")
    assert refusal.value.code == "already_in_household"


def test_nobody_waits_for_more_than_three_homes(cast) -> None:
    for words in ("甲", "乙", "丙"):
        state(cast, building="", number="", stated_door=words)
    with pytest.raises(RuleBroken) as refusal:
        state(cast, building="", number="", stated_door="丁")
    assert refusal.value.code == "too_many_waiting"


def test_trying_has_a_limit_per_day(cast) -> None:
    for _ in range(10):
        state(cast)
    with pytest.raises(TooMany):
        state(cast)


def test_signed_out_nobody_joins(cast) -> None:
    with pytest.raises(SignInRequired):
        state(cast, deed=make_deed(Actor.anonymous("x")))


# --- deciding -----------------------------------------------------------------------------------------------


@pytest.fixture
def stated(cast) -> str:
    return state(cast)


def test_the_lead_sees_who_waits_oldest_first_and_whether_the_phone_is_known(cast, stated) -> None:
    page = joining.list_waiting(actor=cast.actor("lead"))
    assert [(row.name, row.door_text, row.is_phone_in_list) for row in page.rows] == [
        ("王等", "3栋1单元302", False),
        ("诺拉", "3栋2单元501", False),
    ]
    assert page.rows[1].phone == cast.people["nora"].phone
    first = joining.list_waiting(actor=cast.actor("lead"), limit=1)
    second = joining.list_waiting(actor=cast.actor("lead"), limit=1, after=first.after)
    assert [row.name for row in (*first.rows, *second.rows)] == ["王等", "诺拉"]
    assert second.after is None


def test_a_phone_of_the_list_at_that_door_is_only_a_hint(cast, stated) -> None:
    from webapp.base import crypto  # noqa: PLC0415

    number = cast.people["nora"].phone

    @db.writing
    def put_into_the_list():
        db.session().add(
            PersonPhone(
                person_id=cast.people["ralf"].person_id,
                phone=crypto.encrypt(number),
                phone_index=crypto.blind_index("phone", number),
                phone_tail=number[-4:],
            )
        )

    put_into_the_list()
    page = joining.list_waiting(actor=cast.actor("lead"))
    assert [row.is_phone_in_list for row in page.rows] == [False, True]
    assert not list_own(actor=cast.actor("nora"))[0].is_confirmed


@pytest.mark.parametrize("who", ["lead", "bob", "alice"])
def test_confirmed_into_the_household_of_the_list(cast, stated, who) -> None:
    services.confirm_into(deed=make_deed(cast.actor(who)), public_id=stated, into=cast.household.public_id)
    own = list_own(actor=cast.actor("nora"))
    assert [(home.id, home.is_confirmed) for home in own] == [(cast.household.id, True)]
    merged = row_of(stated)
    assert (merged.state, merged.merged_into_id) == (HouseholdState.MERGED, cast.household.id)
    assert members_of(merged.id) == [(cast.people["nora"].person_id, MemberState.ENDED)]
    assert verbs()[-1] == "confirm_into"


def test_the_name_of_the_list_gives_way_to_the_person_who_was_confirmed(cast, stated, make) -> None:
    from webapp.domain.people.models import Person  # noqa: PLC0415

    @db.writing
    def list_her():
        person = Person(
            public_id="listed",
            name="诺拉",
            name_key="诺拉",
            pinyin_key="",
            initials_key="",
            created_at=clock.now(),
        )
        db.session().add(person)
        db.session().flush()
        db.session().add(
            Member(
                public_id="m",
                household_id=cast.household.id,
                person_id=person.id,
                state="listed",
                joined_at=clock.now(),
            )
        )
        return person.id

    listed = list_her()
    services.confirm_into(deed=make_deed(cast.actor("lead")), public_id=stated, into=cast.household.public_id)
    assert dict(members_of(cast.household.id))[listed] is MemberState.ENDED


def test_confirmed_as_a_household_of_its_own_behind_the_same_door(cast, stated) -> None:
    services.confirm_own(deed=make_deed(cast.actor("lead")), public_id=stated)
    household = row_of(stated)
    assert (household.state, household.split_no) == (HouseholdState.LISTED, 2)
    home = list_own(actor=cast.actor("nora"))[0]
    assert (home.is_confirmed, home.door_text) == (True, "3栋2单元501(2)")


def test_a_door_that_is_not_in_the_list_is_added_when_it_is_confirmed(cast) -> None:
    stated = state(cast, building="", number="", stated_door="老粮站后面第二家")
    deed = make_deed(cast.actor("alice"))
    with pytest.raises(RuleBroken) as refusal:
        services.confirm_own(deed=deed, public_id=stated)
    assert refusal.value.code == "door_needed"
    services.confirm_own(
        deed=deed, public_id=stated, building=cast.other_building.public_id, door="1单元1302"
    )
    household = row_of(stated)
    assert (household.area_path, household.split_no) == (cast.other_building.path, 1)

    @db.reading
    def door():
        return db.session().get(Door, household.door_id)

    assert (door().unit, door().number, door().floor) == ("1", "1302", 13)
    assert list_own(actor=cast.actor("nora"))[0].door_text == "10栋1单元1302"


def test_refused_with_a_reason_that_the_resident_reads(cast, stated) -> None:
    with pytest.raises(RuleBroken):
        services.refuse(deed=make_deed(cast.actor("lead")), public_id=stated, reason="  ")
    services.refuse(deed=make_deed(cast.actor("lead")), public_id=stated, reason="501 没有这个人,请核对房号")
    assert list_own(actor=cast.actor("nora")) == ()
    refusal = joining.list_refusals(actor=cast.actor("nora"), since=clock.now().replace(year=2000))[0]
    assert (refusal.door_text, refusal.reason) == ("3栋2单元501", "501 没有这个人,请核对房号")
    assert verbs()[-1] == "refuse_residence"


def test_what_is_decided_is_not_decided_again(cast, stated) -> None:
    deed = make_deed(cast.actor("lead"))
    services.refuse(deed=deed, public_id=stated, reason="不住这里")
    services.refuse(deed=deed, public_id=stated, reason="不住这里")
    for again in (
        lambda: services.confirm_own(deed=make_deed(cast.actor("lead")), public_id=stated),
        lambda: services.confirm_into(
            deed=make_deed(cast.actor("lead")), public_id=stated, into=cast.household.public_id
        ),
        lambda: joining.get_waiting(actor=cast.actor("lead"), public_id=stated),
    ):
        with pytest.raises(Conflict) as refusal:
            again()
        assert refusal.value.code == "already_decided"


def test_nobody_is_confirmed_into_a_household_of_another_area(cast, stated) -> None:
    for target in (cast.foreign_household, cast.neighbours, cast.waiting_household):
        with pytest.raises(NotFound):
            services.confirm_into(deed=make_deed(cast.actor("lead")), public_id=stated, into=target.public_id)


@pytest.mark.parametrize(
    ("who", "error"),
    [
        ("charlie", NotFound),
        ("olga", NotFound),
        ("ruth", NotFound),
        ("nora", NotFound),
        ("adam", NotFound),
        ("dora", NotAllowed),
        ("erin", NotAllowed),
    ],
)
def test_who_may_not_decide(cast, stated, who, error) -> None:
    for decide in (
        lambda deed: services.confirm_own(deed=deed, public_id=stated),
        lambda deed: services.refuse(deed=deed, public_id=stated, reason="x"),
        lambda deed: services.confirm_into(deed=deed, public_id=stated, into=cast.household.public_id),
    ):
        with pytest.raises(error):
            decide(make_deed(cast.actor(who)))
    assert row_of(stated).state is HouseholdState.STATED


def test_a_building_lead_reaches_the_own_building_only(cast) -> None:
    elsewhere = state(cast, building=cast.other_building.public_id, unit="1", number="1203")
    with pytest.raises(NotFound):
        services.confirm_own(deed=make_deed(cast.actor("lead")), public_id=elsewhere)


def test_nobody_confirms_the_own_home(cast) -> None:
    own = state(cast, "lead", name="楼栋长")
    with pytest.raises(NotAllowed) as refusal:
        services.confirm_own(deed=make_deed(cast.actor("lead")), public_id=own)
    assert refusal.value.code == "own_residence"
    services.confirm_own(deed=make_deed(cast.actor("alice")), public_id=own)


def test_what_the_list_says_at_the_door_is_for_those_who_confirm_there(cast) -> None:
    door_id = cast.household.door_id
    listed = joining.list_listed_at(actor=cast.actor("lead"), door_id=door_id)
    assert [(household.door_text, household.names) for household in listed] == [
        ("3栋2单元501", ("如诗", "如富"))
    ]
    for who in ("charlie", "nora", "dora"):
        assert joining.list_listed_at(actor=cast.actor(who), door_id=door_id) == ()
