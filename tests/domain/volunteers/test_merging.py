"""Two volunteers who are one person: found, merged with all they have, or told apart for good."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from tests.factories import make_deed
from webapp.base import clock, crypto, db
from webapp.base.audit import AuditEntry
from webapp.base.errors import Conflict, NotAllowed, NotFound, RuleBroken
from webapp.domain.accounts.models import User
from webapp.domain.households.models import Member, MemberState
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters.models import Attendance, HoursEntry, SecretLink, Shift, Signup, StandIn
from webapp.domain.rosters.rules import (
    EntryKind,
    EntryState,
    Evidence,
    LinkKind,
    Mark,
    SignupState,
    StandInKind,
    StandInState,
)
from webapp.domain.volunteers.models import (
    AvailabilitySlot,
    Commitment,
    NotTheSame,
    Pledge,
    SkillCertificate,
    TeamLead,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries import lists
from webapp.domain.volunteers.queries import merging as queries
from webapp.domain.volunteers.rules import Availability, Half, VolunteerState
from webapp.domain.volunteers.services import merging
from webapp.domain.volunteers.services.merging import columns_to, handled_columns

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


@db.reading
def rows(statement):
    return db.connection().execute(statement).all()


def one(model, **values):
    [row] = rows(select(model.__table__).filter_by(**values))
    return row


@db.writing
def add(model, **values):
    row = model(**values)
    db.session().add(row)
    db.session().flush()
    return row.id if hasattr(row, "id") else None


@pytest.fixture
def pair(cast, make):
    """vera, and the same woman once more: imported under another number, which vera has too."""
    twin = make.user("薇拉")
    made = make.volunteer(twin, area=cast.building, skills=("carrying", "delivery"), certified=("nursing",))
    make.phone(cast.people["vera"], twin.phone)
    return cast.volunteers["vera"], made, twin


def merge(cast, stays, goes, actor="alice") -> None:
    merging.merge_volunteers(deed=make_deed(cast.actor(actor)), stays=stays.public_id, goes=goes.public_id)


def test_pairs_with_a_phone_in_common_are_found_in_the_own_area_only(cast, make, pair) -> None:
    found = queries.list_duplicates(actor=cast.actor("alice")).pairs
    assert [(each.first, each.second, each.is_same_name) for each in found] == [
        (pair[0].public_id, pair[1].public_id, True)
    ]
    make.phone(cast.people["fern"], pair[2].phone)
    assert len(queries.list_duplicates(actor=cast.actor("alice")).pairs) == 1
    for person in ("charlie", "bob", "dora", "tess"):
        assert queries.list_duplicates(actor=cast.actor(person)).pairs == ()


def test_pairs_are_paged_by_key(cast, make) -> None:
    users = [make.user(f"家人{number}") for number in range(4)]
    for user in users:
        make.volunteer(user, area=cast.building)
    for user in users[1:]:
        make.phone(user, users[0].phone)
    alice = cast.actor("alice")
    seen, after = [], None
    while True:
        page = queries.list_duplicates(actor=alice, after=after, limit=2)
        seen += [(each.first, each.second) for each in page.pairs]
        if page.after is None:
            break
        after = page.after
    assert len(seen) == len(set(seen)) == 6


def test_everything_of_both_comes_together(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    one_shift, other_shift = (make.shift(make.post(cast.community), starts_at=_at(days)) for days in (2, 3))
    make.signup(one_shift, cast.people["vera"])
    make.signup(other_shift, twin_user)
    add(
        AvailabilitySlot,
        volunteer_id=twin.id,
        weekday=5,
        half=Half.MORNING,
        state=Availability.AVAILABLE,
    )
    merge(cast, vera, twin)
    phones = [
        crypto.decrypt(row.phone)
        for row in rows(select(PersonPhone.phone).where(PersonPhone.person_id == vera.person_id))
    ]
    assert sorted(phones) == sorted([cast.people["vera"].phone, twin_user.phone])
    users = rows(select(User.id).where(User.person_id == vera.person_id))
    assert {row.id for row in users} == {cast.people["vera"].id, twin_user.id}
    assert {
        row.skill_code
        for row in rows(select(VolunteerSkill.skill_code).where(VolunteerSkill.volunteer_id == vera.id))
    } == {
        "delivery",
        "carrying",
        "nursing",
    }
    assert len(rows(select(SkillCertificate.id).where(SkillCertificate.volunteer_id == vera.id))) == 1
    assert len(rows(select(Pledge.kind).where(Pledge.volunteer_id == vera.id))) == 2
    assert len(rows(select(AvailabilitySlot.weekday).where(AvailabilitySlot.volunteer_id == vera.id))) == 1
    assert len(rows(select(Signup.id).where(Signup.person_id == vera.person_id))) == 2
    assert len(rows(select(Commitment.id).where(Commitment.person_id == vera.person_id))) == 2
    gone = one(Volunteer, id=twin.id)
    assert (gone.state, gone.merged_into_id) == (VolunteerState.MERGED, vera.id)
    assert one(Person, id=twin.person_id).merged_into_id == vera.person_id
    for table, column in columns_to("people.id"):
        if table.name not in {"volunteers", "people"}:
            left = rows(select(func.count()).select_from(table).where(table.c[column] == twin.person_id))
            assert left[0][0] == 0, f"{table.name}.{column}"
    [entry] = rows(select(AuditEntry.verb, AuditEntry.object_id).where(AuditEntry.verb == "merge_volunteers"))
    assert entry.object_id == vera.id
    assert queries.list_duplicates(actor=cast.actor("alice")).pairs == ()


def _at(days: int, hours: int = 0):
    moment = clock.now() + timedelta(days=days, hours=hours)
    return moment.replace(minute=0, second=0, microsecond=0)


def test_old_links_lead_on_also_over_two_merges(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    third_user = make.user("薇拉")
    third = make.volunteer(third_user, area=cast.building)
    make.phone(third_user, twin_user.phone)
    alice = cast.actor("alice")
    merge(cast, twin, third)
    merge(cast, vera, twin)
    for old in (twin, third):
        assert lists.get_volunteer(actor=alice, public_id=old.public_id).public_id == vera.public_id
    assert one(Volunteer, id=third.id).merged_into_id == vera.id
    assert one(Person, id=third.person_id).merged_into_id == vera.person_id


def test_on_a_shift_where_both_stand_one_place_stays(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    shift = make.shift(make.post(cast.community), starts_at=_at(2), skills=None)
    make.signup(shift, cast.people["vera"])
    make.signup(shift, twin_user)
    merge(cast, vera, twin)
    signups = rows(select(Signup.state).where(Signup.person_id == vera.person_id).order_by(Signup.id))
    assert [row.state for row in signups] == [SignupState.PLACED, SignupState.REMOVED]
    assert one(Shift, id=shift.id).taken_count == 1
    assert len(rows(select(Commitment.id).where(Commitment.person_id == vera.person_id))) == 1


def test_of_a_place_and_a_wait_the_place_stays(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    shift = make.shift(make.post(cast.community), starts_at=_at(2), maximum_count=2)
    make.signup(shift, cast.people["vera"], state=SignupState.WAITING, waiting_since=clock.now())
    make.signup(shift, twin_user)
    merge(cast, vera, twin)
    states = {row.state for row in rows(select(Signup.state).where(Signup.person_id == vera.person_id))}
    assert states == {SignupState.PLACED, SignupState.STOPPED_WAITING}
    shift_now = one(Shift, id=shift.id)
    assert (shift_now.taken_count, shift_now.waiting_count) == (1, 0)


def test_a_freed_place_is_offered_to_who_waits(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    shift = make.shift(make.post(cast.community), starts_at=_at(3), maximum_count=2)
    make.signup(shift, cast.people["vera"])
    make.signup(shift, twin_user)
    make.signup(shift, cast.people["viktor"], state=SignupState.WAITING, waiting_since=clock.now())
    merge(cast, vera, twin)
    assert one(Signup, person_id=cast.people["viktor"].person_id).state == SignupState.OFFERED


def test_two_promises_for_the_same_time_stop_the_merge(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    first, second = (make.shift(make.post(cast.community), starts_at=_at(2, hours)) for hours in (0, 2))
    make.signup(first, cast.people["vera"])
    make.signup(second, twin_user)
    with pytest.raises(RuleBroken) as refusal:
        merge(cast, vera, twin)
    assert refusal.value.code == "merge_overlaps"
    assert one(Volunteer, id=twin.id).state == VolunteerState.ACCEPTED
    assert len(rows(select(Signup.id).where(Signup.person_id == twin.person_id))) == 1


def _evidence(shift, user, minutes: int) -> None:
    now = clock.now()
    attendance = add(
        Attendance,
        public_id=f"att-{shift.id}-{user.id}",
        shift_id=shift.id,
        person_id=user.person_id,
        mark=Mark.PRESENT,
        arrived_at=now - timedelta(minutes=minutes),
        arrived_from=Evidence.CHECK_IN,
        left_at=now,
        left_from=Evidence.CHECK_IN,
        marked_at=now,
    )
    add(
        HoursEntry,
        public_id=f"hrs-{shift.id}-{user.id}",
        attendance_id=attendance,
        person_id=user.person_id,
        kind=EntryKind.EVIDENCE,
        state=EntryState.STANDS,
        minutes=minutes,
        worked_on=clock.day(now),
        area_path=shift.post.area.path,
        written_by="test",
        written_at=now,
    )


def test_hours_of_both_add_up_and_those_of_one_shift_count_once(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    together, alone = (make.shift(make.post(cast.community), starts_at=_at(-2)) for _ in range(2))
    _evidence(together, cast.people["vera"], 300)
    _evidence(together, twin_user, 290)
    _evidence(alone, twin_user, 120)
    merge(cast, vera, twin)
    total = rows(select(func.sum(HoursEntry.minutes)).where(HoursEntry.person_id == vera.person_id))
    assert total[0][0] == 420
    assert len(rows(select(Attendance.id).where(Attendance.person_id == vera.person_id))) == 2


def test_a_swap_between_the_two_is_withdrawn(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    first, second = (make.shift(make.post(cast.community), starts_at=_at(days)) for days in (2, 4))
    mine, theirs = make.signup(first, cast.people["vera"]), make.signup(second, twin_user)
    add(
        StandIn,
        public_id="a-swap-between-the-two",
        signup_id=mine.id,
        kind=StandInKind.SWAP,
        state=StandInState.OPEN,
        to_person_id=twin.person_id,
        wanted_signup_id=theirs.id,
        asked_at=clock.now(),
    )
    merge(cast, vera, twin)
    assert one(StandIn, signup_id=mine.id).state == StandInState.WITHDRAWN


def test_a_calendar_address_goes_on_to_who_stays(cast, pair) -> None:
    vera, twin, _user = pair
    for kind, subject in ((LinkKind.CALENDAR_VOLUNTEER, twin.id), (LinkKind.CALENDAR_TEAM, twin.id)):
        add(
            SecretLink,
            public_id=f"link-{kind}"[:22],
            kind=kind,
            subject_id=subject,
            token_hash=f"hash-{kind}",
            token_start="abcdef",
            made_by="test",
            made_at=clock.now(),
        )
    merge(cast, vera, twin)
    assert one(SecretLink, kind=LinkKind.CALENDAR_VOLUNTEER).subject_id == vera.id
    assert one(SecretLink, kind=LinkKind.CALENDAR_TEAM).subject_id == twin.id


def test_in_a_household_of_both_the_surer_row_stays(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    home = make.household(
        cast.building,
        number="901",
        members={cast.people["vera"]: MemberState.LISTED, twin_user: MemberState.CONFIRMED},
    )
    merge(cast, vera, twin)
    members = rows(
        select(Member.person_id, Member.state).where(Member.household_id == home.id).order_by(Member.id)
    )
    assert [tuple(row) for row in members] == [
        (vera.person_id, MemberState.ENDED),
        (vera.person_id, MemberState.CONFIRMED),
    ]


def test_who_leads_a_team_twice_leads_it_once(cast, make, pair) -> None:
    vera, twin, _twin_user = pair
    for person in (vera, twin):
        add(TeamLead, team_id=cast.team.id, person_id=person.person_id, since=clock.now())
    merge(cast, vera, twin)
    assert len(rows(select(TeamLead.team_id).where(TeamLead.person_id == vera.person_id))) == 1


@db.writing
def _set(model, row_id, **values):
    row = db.session().get(model, row_id)
    for name, value in values.items():
        setattr(row, name, value)


def test_an_id_number_moves_and_two_different_ones_are_two_people(cast, make, pair) -> None:
    vera, twin, _user = pair
    number = "11010519491231002X"
    index = crypto.blind_index("id", number)
    _set(Person, twin.person_id, id_number=crypto.encrypt(number), id_index=index)
    _set(Person, vera.person_id, id_number=crypto.encrypt("x"), id_index=crypto.blind_index("id", "x"))
    with pytest.raises(RuleBroken) as refusal:
        merge(cast, vera, twin)
    assert refusal.value.code == "id_numbers_differ"
    _set(Person, vera.person_id, id_number=None, id_index=None)
    merge(cast, vera, twin)
    assert one(Person, id=vera.person_id).id_index == index
    assert one(Person, id=twin.person_id).id_index is None


def test_who_applied_is_accepted_when_the_other_one_was(cast, make, pair) -> None:
    _vera, twin, twin_user = pair
    newer = make.user("薇拉")
    applied = make.volunteer(newer, area=cast.community, state=VolunteerState.APPLIED)
    make.phone(newer, twin_user.phone)
    merge(cast, applied, twin)
    row = one(Volunteer, id=applied.id)
    assert (row.state, row.area_id) == (VolunteerState.ACCEPTED, cast.building.id)


def test_two_people_are_told_apart_for_good_also_after_a_merge(cast, make, pair) -> None:
    vera, twin, twin_user = pair
    sister_user = make.user("薇娜")
    sister = make.volunteer(sister_user, area=cast.building)
    make.phone(sister_user, twin_user.phone)
    alice = cast.actor("alice")
    merging.keep_apart(deed=make_deed(alice), first=sister.public_id, second=twin.public_id)
    merging.keep_apart(deed=make_deed(alice), first=twin.public_id, second=sister.public_id)
    pairs = {frozenset((each.first, each.second)) for each in queries.list_duplicates(actor=alice).pairs}
    assert frozenset((sister.public_id, twin.public_id)) not in pairs
    assert len(pairs) == 2
    merge(cast, vera, twin)
    assert queries.list_duplicates(actor=alice).pairs == ()
    assert [tuple(row) for row in rows(select(NotTheSame.volunteer_id, NotTheSame.other_id))] == [
        (vera.id, sister.id)
    ]


def test_what_was_merged_is_not_merged_again(cast, pair) -> None:
    vera, twin, _user = pair
    merge(cast, vera, twin)
    for stays, goes in ((vera, twin), (twin, vera)):
        with pytest.raises(Conflict) as refusal:
            merge(cast, stays, goes)
        assert refusal.value.code == "merged_already"
    with pytest.raises(RuleBroken) as broken:
        merge(cast, vera, vera)
    assert broken.value.code == "merge_with_itself"


def test_only_who_decides_there_merges(cast, make, pair) -> None:
    vera, twin, _user = pair
    for person, refusal in (
        ("charlie", NotFound),
        ("bob", NotFound),
        ("tess", NotFound),
        ("ruth", NotFound),
        ("dora", NotAllowed),
    ):
        with pytest.raises(refusal):
            merge(cast, vera, twin, actor=person)
        with pytest.raises(refusal):
            merging.keep_apart(
                deed=make_deed(cast.actor(person)), first=vera.public_id, second=twin.public_id
            )
    with pytest.raises(NotFound):
        queries.get_pair(
            actor=cast.actor("charlie"), first=vera.public_id, second=twin.public_id, now=clock.now()
        )


def test_both_sides_are_shown_with_masked_phones(cast, pair) -> None:
    vera, twin, twin_user = pair
    sides = queries.get_pair(
        actor=cast.actor("alice"), first=vera.public_id, second=twin.public_id, now=clock.now()
    )
    assert [side.public_id for side in sides] == [vera.public_id, twin.public_id]
    assert f"{twin_user.phone[:3]}****{twin_user.phone[-4:]}" in sides[0].phones
    assert sides[1].certificate_count == 1
    assert {name for name, _english in sides[1].skills} == {"搬运装卸", "送菜上门", "医护"}


def test_every_column_that_names_a_person_is_moved_by_somebody() -> None:
    """A table with a rule that two rows would break needs a mover of its own; a join table loses the second row."""
    own = {"person_phones.person_id", "members.person_id", "volunteers.person_id"}
    for table, column in columns_to("people.id"):
        name = f"{table.name}.{column}"
        beside = [key for key in merging._unique_beside(table, column) if key]
        is_join = column in {each.name for each in table.primary_key.columns}
        if beside and not is_join:
            assert name in own | handled_columns(), name
    assert {f"{table.name}.{column}" for table, column in columns_to("people.id")} >= handled_columns()
