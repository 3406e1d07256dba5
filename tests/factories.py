"""Rows for tests: each factory writes one thing, in its own app context and transaction, and returns its ids."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from itertools import count
from typing import Any

from flask import Flask

from webapp.base import clock, crypto, db
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.files import StoredFile
from webapp.base.ids import hash_token, new_public_id, new_token
from webapp.base.permissions import Role
from webapp.domain.accounts.models import Appointment, SignIn, User
from webapp.domain.areas.models import Area
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.mobilization.models import CallUp, CallUpRole, Reservist, ReservistSkill, Summons, Wave
from webapp.domain.mobilization.rules import (
    CallUpState,
    Category,
    Certainty,
    EnrolSource,
    Readiness,
    Stay,
    SummonsState,
)
from webapp.domain.notifications.models import SmsReply
from webapp.domain.notifications.rules import ReplyState
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters.models import (
    Post,
    RosterSheet,
    Shift,
    ShiftSkill,
    ShiftTemplate,
    Signup,
    StandIn,
    TemplateSkill,
)
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    Copy,
    PostKind,
    Protection,
    RosterSheetKind,
    ShiftState,
    SignupSource,
    SignupState,
    StandInKind,
    StandInState,
)
from webapp.domain.supplies.models import (
    Bag,
    BagItem,
    DeliveryWindow,
    Round,
    RoundArea,
    RoundBag,
    RoundBuilding,
    RoundKind,
    RoundState,
)
from webapp.domain.volunteers.models import (
    Commitment,
    Organisation,
    Pledge,
    SkillCertificate,
    Team,
    TeamLead,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.rules import (
    PLEDGE_VERSION,
    AgeGroup,
    CommitmentKind,
    PledgeKind,
    Society,
    VolunteerState,
)

_serial = count(1)


@dataclass(frozen=True)
class MadeArea:
    id: int
    public_id: str
    path: str
    name: str


@dataclass(frozen=True)
class MadeUser:
    id: int
    public_id: str
    person_id: int
    token: str
    phone: str
    person_public_id: str


@dataclass(frozen=True)
class MadeHousehold:
    id: int
    public_id: str
    door_id: int | None
    building: MadeArea


@dataclass(frozen=True)
class MadeRound:
    id: int
    public_id: str
    bags: tuple[str, ...]
    """Public ids of the round's bags, in the order of `bags=`."""


@dataclass(frozen=True)
class MadeTeam:
    id: int
    public_id: str
    area: MadeArea


@dataclass(frozen=True)
class MadeVolunteer:
    id: int
    public_id: str
    person_id: int


@dataclass(frozen=True)
class MadeReservist:
    id: int
    public_id: str
    person_id: int


@dataclass(frozen=True)
class MadeCallUp:
    id: int
    public_id: str
    code: str
    roles: tuple[int, ...]
    """Ids of the roles, in the order of `roles=`."""


@dataclass(frozen=True)
class MadeSummons:
    id: int
    public_id: str
    token: str
    person_id: int


@dataclass(frozen=True)
class MadeSms:
    id: int
    public_id: str


@dataclass(frozen=True)
class MadePost:
    id: int
    public_id: str
    area: MadeArea


@dataclass(frozen=True)
class MadeTemplate:
    id: int
    public_id: str
    post: MadePost


@dataclass(frozen=True)
class MadeShift:
    id: int
    public_id: str
    post: MadePost


@dataclass(frozen=True)
class MadeSheet:
    id: int
    public_id: str


@dataclass(frozen=True)
class MadeSignup:
    id: int
    public_id: str


def make_deed(actor: Actor, *, key: str | None = None, **overrides: Any) -> Deed:
    """A deed with a fresh key; `fingerprint` is that of the same body unless it is given."""
    values = {"client_id": key or new_public_id(), "fingerprint": "body", "now": clock.now()} | overrides
    return Deed(actor=actor, **values)


class Factory:
    """Makes rows in the application's database."""

    def __init__(self, app: Flask) -> None:
        self.app = app

    def _write(self, build: Any) -> Any:
        with self.app.app_context():
            return db.writing(build)()

    def area(self, name: str, *, level: str, parent: MadeArea | None = None, **columns: Any) -> MadeArea:
        """An area below `parent`; its path is the parent's and a segment of its own."""

        def build() -> MadeArea:
            number = next(_serial)
            public_id = new_public_id()
            area = Area(
                public_id=public_id,
                code=columns.pop("code", f"T{number:06d}"),
                name=name,
                level=level,
                parent_id=parent.id if parent else None,
                path=f"{parent.path if parent else ''}{number:06d}.",
                sort_key=columns.pop("sort_key", f"{number:06d}"),
                **columns,
            )
            db.session().add(area)
            db.session().flush()
            return MadeArea(area.id, public_id, area.path, name)

        return self._write(build)

    def user(
        self,
        name: str,
        *,
        phone: str | None = None,
        roles: dict[Role, MadeArea] | None = None,
        **columns: Any,
    ) -> MadeUser:
        """A person with an account, signed in on one browser, holding `roles`."""

        def build() -> MadeUser:
            number = phone or f"139{next(_serial):08d}"
            now = clock.now()
            person = Person(
                public_id=new_public_id(),
                name=name,
                name_key=name,
                pinyin_key="",
                initials_key="",
                is_invented=True,
                created_at=now,
            )
            db.session().add(person)
            db.session().flush()
            db.session().add(
                PersonPhone(
                    person_id=person.id,
                    phone=crypto.encrypt(number),
                    phone_index=crypto.blind_index("phone", number),
                    phone_tail=number[-4:],
                    verified_at=now,
                )
            )
            user = User(
                public_id=new_public_id(),
                person_id=person.id,
                phone=crypto.encrypt(number),
                phone_index=crypto.blind_index("phone", number),
                phone_tail=number[-4:],
                created_at=now,
                **columns,
            )
            db.session().add(user)
            db.session().flush()
            token = new_token()
            db.session().add(
                SignIn(
                    token_hash=hash_token(token),
                    user_id=user.id,
                    created_at=now,
                    expires_at=now + timedelta(days=30),
                )
            )
            for role, area in (roles or {}).items():
                db.session().add(
                    Appointment(
                        public_id=new_public_id(),
                        user_id=user.id,
                        role=role,
                        area_id=area.id,
                        starts_at=now - timedelta(days=1),
                        made_by="test",
                    )
                )
            return MadeUser(user.id, user.public_id, person.id, token, number, person.public_id)

        return self._write(build)

    def phone(self, user: MadeUser, number: str) -> None:
        """Another phone of the user's person, as a list knows it: nobody has proved it."""

        def build() -> None:
            db.session().add(
                PersonPhone(
                    person_id=user.person_id,
                    phone=crypto.encrypt(number),
                    phone_index=crypto.blind_index("phone", number),
                    phone_tail=number[-4:],
                    position=1,
                )
            )

        self._write(build)

    def household(
        self,
        building: MadeArea,
        *,
        unit: str = "2",
        number: str = "501",
        state: HouseholdState = HouseholdState.LISTED,
        stated_door: str | None = None,
        members: dict[MadeUser, MemberState] | None = None,
    ) -> MadeHousehold:
        """A household behind a door of the building; a STATED one has no door, only `stated_door`."""

        def build() -> MadeHousehold:
            now = clock.now()
            door_id = None
            sort_key = f"{unit:>03}.{number:>05}"
            if state is not HouseholdState.STATED:
                door = Door(
                    public_id=new_public_id(),
                    building_id=building.id,
                    unit=unit,
                    floor=int(number[:-2] or 0) if number.isdigit() else None,
                    number=number,
                    sort_key=sort_key,
                )
                db.session().add(door)
                db.session().flush()
                door_id = door.id
            household = Household(
                public_id=new_public_id(),
                area_id=building.id,
                area_path=building.path,
                door_id=door_id,
                sort_key=sort_key,
                state=state,
                stated_door=stated_door,
                created_at=now,
            )
            db.session().add(household)
            db.session().flush()
            for position, (user, member_state) in enumerate((members or {}).items()):
                db.session().add(
                    Member(
                        public_id=new_public_id(),
                        household_id=household.id,
                        person_id=user.person_id,
                        state=member_state,
                        position=position,
                        joined_at=now,
                    )
                )
            return MadeHousehold(household.id, household.public_id, door_id, building)

        return self._write(build)

    def round(
        self,
        community: MadeArea,
        *,
        buildings: tuple[MadeArea, ...] = (),
        bags: tuple[dict[str, Any], ...] = ({"name": "蔬菜包A"},),
        **columns: Any,
    ) -> MadeRound:
        """An open round of the community with its bags: `capacity`, `price_fen`, `household_limit`, `is_basic` each."""

        def build() -> MadeRound:
            now: datetime = clock.now()
            values: dict[str, Any] = {
                "number": next(_serial),
                "kind": RoundKind.LIMITED
                if any("capacity" in bag for bag in bags)
                else RoundKind.REGISTRATION,
                "state": RoundState.OPEN,
                "delivers_on": date.fromisoformat((now + timedelta(days=1)).date().isoformat()),
                "delivery_window": DeliveryWindow.MORNING,
                "opens_at": now - timedelta(hours=1),
                "cuts_off_at": now + timedelta(hours=4),
                "household_limit": 2,
            } | columns
            made = Round(
                public_id=new_public_id(),
                area_id=community.id,
                area_path=community.path,
                created_at=now,
                **values,
            )
            db.session().add(made)
            db.session().flush()
            db.session().add(RoundArea(round_id=made.id, area_id=community.id, area_path=community.path))
            for building in buildings:
                db.session().add(
                    RoundBuilding(
                        round_id=made.id, area_id=building.id, sort_key=building.name, household_count=2
                    )
                )
            public_ids = []
            for position, facts in enumerate(bags):
                bag = Bag(
                    public_id=new_public_id(),
                    area_id=community.id,
                    area_path=community.path,
                    name=facts.get("name", "蔬菜包A"),
                    is_basic=facts.get("is_basic", position == 0),
                    position=position,
                    created_at=now,
                )
                db.session().add(bag)
                db.session().flush()
                db.session().add(
                    BagItem(bag_id=bag.id, position=0, name="土豆", spec="", unit="斤", quantity=2)
                )
                round_bag = RoundBag(
                    public_id=new_public_id(),
                    round_id=made.id,
                    bag_id=bag.id,
                    position=position,
                    price_fen=facts.get("price_fen", 3000),
                    capacity=facts.get("capacity"),
                    household_limit=facts.get("household_limit", 2),
                )
                db.session().add(round_bag)
                public_ids.append(round_bag.public_id)
            return MadeRound(made.id, made.public_id, tuple(public_ids))

        return self._write(build)

    def organisation(self, name: str, *, area: MadeArea, **columns: Any) -> MadeTeam:
        """An organisation of the area."""

        def build() -> MadeTeam:
            values = {"society": Society.SOCIAL_ORGANISATION, "created_at": clock.now()} | columns
            made = Organisation(
                public_id=new_public_id(), area_id=area.id, area_path=area.path, name=name, **values
            )
            db.session().add(made)
            db.session().flush()
            return MadeTeam(made.id, made.public_id, area)

        return self._write(build)

    def team(
        self, name: str, *, area: MadeArea, leads: tuple[MadeUser, ...] = (), **columns: Any
    ) -> MadeTeam:
        """A team of the area; `leads` lead it (the role TEAM_LEAD is given by `user(roles=)`)."""

        def build() -> MadeTeam:
            values = {"society": Society.VOLUNTEER, "created_at": clock.now()} | columns
            team = Team(public_id=new_public_id(), area_id=area.id, area_path=area.path, name=name, **values)
            db.session().add(team)
            db.session().flush()
            for lead in leads:
                db.session().add(TeamLead(team_id=team.id, person_id=lead.person_id, since=clock.now()))
            return MadeTeam(team.id, team.public_id, area)

        return self._write(build)

    def volunteer(
        self,
        user: MadeUser,
        *,
        area: MadeArea,
        team: MadeTeam | None = None,
        skills: tuple[str, ...] = (),
        certified: tuple[str, ...] = (),
        pledges: tuple[PledgeKind, ...] = tuple(PledgeKind),
        **columns: Any,
    ) -> MadeVolunteer:
        """An accepted adult volunteer who lives in the area; `certified` skills have a certificate for a year."""

        def build() -> MadeVolunteer:
            now = clock.now()
            person = db.session().get(Person, user.person_id)
            assert person is not None
            values = {
                "state": VolunteerState.ACCEPTED,
                "society": Society.VOLUNTEER,
                "age_group": AgeGroup.ADULT,
                "applied_at": now,
            } | columns
            volunteer = Volunteer(
                public_id=new_public_id(),
                person_id=user.person_id,
                name=person.name,
                pinyin_key=person.pinyin_key,
                phone_tail=user.phone[-4:],
                area_id=area.id,
                area_path=area.path,
                team_id=team.id if team else None,
                **values,
            )
            db.session().add(volunteer)
            db.session().flush()
            for code in skills + certified:
                db.session().add(VolunteerSkill(volunteer_id=volunteer.id, skill_code=code))
            for code in certified:
                db.session().add(
                    SkillCertificate(
                        public_id=new_public_id(),
                        volunteer_id=volunteer.id,
                        skill_code=code,
                        expires_on=clock.day(now) + timedelta(days=365),
                        created_at=now,
                    )
                )
            for kind in pledges:
                db.session().add(
                    Pledge(volunteer_id=volunteer.id, kind=kind, version=PLEDGE_VERSION, pledged_at=now)
                )
            return MadeVolunteer(volunteer.id, volunteer.public_id, user.person_id)

        return self._write(build)

    def reservist(
        self,
        user: MadeUser,
        *,
        area: MadeArea,
        team: MadeTeam | None = None,
        skills: tuple[str, ...] = (),
        **columns: Any,
    ) -> MadeReservist:
        """A reservist who is ready, lives in the area and was never called."""

        def build() -> MadeReservist:
            person = db.session().get(Person, user.person_id)
            assert person is not None
            values = {
                "category": Category.VOLUNTEER,
                "readiness": Readiness.READY,
                "source": EnrolSource.STAFF,
                "enrolled_at": clock.now(),
            } | columns
            reservist = Reservist(
                public_id=new_public_id(),
                person_id=user.person_id,
                name=person.name,
                pinyin_key=person.pinyin_key,
                phone_tail=user.phone[-4:],
                area_id=area.id,
                area_path=area.path,
                team_id=team.id if team else None,
                **values,
            )
            db.session().add(reservist)
            db.session().flush()
            for code in skills:
                db.session().add(ReservistSkill(reservist_id=reservist.id, skill_code=code))
            return MadeReservist(reservist.id, reservist.public_id, user.person_id)

        return self._write(build)

    def call_up(
        self,
        area: MadeArea,
        *,
        roles: tuple[tuple[str | None, int], ...] = ((None, 2),),
        state: CallUpState = CallUpState.RUNNING,
        widest: MadeArea | None = None,
        **columns: Any,
    ) -> MadeCallUp:
        """A call-up that starts in half an hour; `roles` are pairs of a skill's code (None: anybody) and places."""

        def build() -> MadeCallUp:
            now, serial = clock.now(), next(_serial)
            values = {
                "title": "搬运物资",
                "number": f"Z{serial:05d}",
                "code": f"{1000 + serial % 9000}",
                "starts_at": now + timedelta(minutes=30),
                "ends_at": now + timedelta(hours=4, minutes=30),
                "muster_point": "北门岗亭",
                "landmark": "菜鸟驿站旁",
                "stay": Stay.FREE,
                "caller_name": "艾丽",
                "phone": "0826-3220013",
                "certainty": Certainty.NORMAL,
                "reply_minutes": 10,
                "tier_path": area.path,
                "widest_path": (widest or area).path,
                "created_at": now,
                "created_by": "user:1",
                "started_at": None if state is CallUpState.DRAFT else now,
                "next_at": now if state is CallUpState.RUNNING else None,
            } | columns
            call_up = CallUp(
                public_id=new_public_id(), area_id=area.id, area_path=area.path, state=state, **values
            )
            db.session().add(call_up)
            db.session().flush()
            made = []
            for position, (skill, wanted) in enumerate(roles, 1):
                role = CallUpRole(
                    public_id=new_public_id(),
                    call_up_id=call_up.id,
                    position=position,
                    name=f"任务{position}",
                    skill_code=skill,
                    wanted_count=wanted,
                )
                db.session().add(role)
                db.session().flush()
                made.append(role.id)
            return MadeCallUp(call_up.id, call_up.public_id, call_up.code, tuple(made))

        return self._write(build)

    def summons(
        self,
        call_up: MadeCallUp,
        person_id: int,
        *,
        role: int = 0,
        state: SummonsState = SummonsState.WAITING,
        **columns: Any,
    ) -> MadeSummons:
        """A summons of the first wave; one who comes holds a place, and the time is taken."""

        def build() -> MadeSummons:
            now, public_id, role_id = clock.now(), new_public_id(), call_up.roles[role]
            wave = db.session().query(Wave).filter_by(role_id=role_id, number=1).one_or_none()
            the_call_up = db.session().get(CallUp, call_up.id)
            assert the_call_up is not None
            if wave is None:
                wave = Wave(
                    public_id=new_public_id(),
                    call_up_id=call_up.id,
                    role_id=role_id,
                    number=1,
                    tier_path=the_call_up.tier_path,
                    open_count=1,
                    asked_count=1,
                    target_permille=850,
                    chance_permille=850,
                    sent_at=now,
                    reply_by=now + timedelta(minutes=the_call_up.reply_minutes),
                )
                db.session().add(wave)
                db.session().flush()
            is_coming = state is SummonsState.COMING
            token = crypto.blind_index("summons", public_id)
            values = {
                "sent_at": now,
                "reply_by": wave.reply_by,
                "channel": "sms",
                "answered_at": None
                if state in {SummonsState.WAITING, SummonsState.MISSED, SummonsState.STOOD_DOWN}
                else now,
                "slip_code": public_id[-6:] if is_coming else None,
            } | columns
            summons = Summons(
                public_id=public_id,
                call_up_id=call_up.id,
                role_id=role_id,
                wave_id=wave.id,
                person_id=person_id,
                token_hash=hash_token(token),
                state=state,
                **values,
            )
            db.session().add(summons)
            db.session().flush()
            if is_coming:
                the_role = db.session().get(CallUpRole, role_id)
                assert the_role is not None
                the_role.taken_count += 1
                db.session().add(
                    Commitment(
                        person_id=person_id,
                        starts_at=the_call_up.starts_at,
                        ends_at=the_call_up.ends_at,
                        kind=CommitmentKind.CALL_UP,
                        reference_id=summons.id,
                    )
                )
            return MadeSummons(summons.id, public_id, token, person_id)

        return self._write(build)

    def sms_reply(
        self,
        area: MadeArea | None = None,
        *,
        text: str = "1",
        phone: str = "13800139999",
        state: ReplyState = ReplyState.UNCLEAR,
        **columns: Any,
    ) -> MadeSms:
        """An SMS that came in; with an area an unclear one that its staff read."""

        def build() -> MadeSms:
            public_id = new_public_id()
            values = {"received_at": clock.now(), "unclear_because": None} | columns
            if state is ReplyState.UNCLEAR:
                values["unclear_because"] = values["unclear_because"] or "not_understood"
            reply = SmsReply(
                public_id=public_id,
                gateway_id=f"in-{public_id}",
                phone=crypto.encrypt(phone),
                phone_index=crypto.blind_index("phone", phone),
                text=crypto.encrypt(text),
                state=state,
                area_path=area.path if area else None,
                **values,
            )
            db.session().add(reply)
            db.session().flush()
            return MadeSms(reply.id, public_id)

        return self._write(build)

    def post(
        self, area: MadeArea, *, name: str | None = None, team: MadeTeam | None = None, **columns: Any
    ) -> MadePost:
        """A post in the area that newcomers may help at."""

        def build() -> MadePost:
            values = {
                "kind": PostKind.GATE,
                "place": "北门岗亭",
                "protection": Protection.NONE,
                "created_at": clock.now(),
            } | columns
            post = Post(
                public_id=new_public_id(),
                area_id=area.id,
                area_path=area.path,
                team_id=team.id if team else None,
                name=name or f"北门卡口{next(_serial)}",
                **values,
            )
            db.session().add(post)
            db.session().flush()
            return MadePost(post.id, post.public_id, area)

        return self._write(build)

    def template(
        self, post: MadePost, *, skills: dict[str, int] | None = None, **columns: Any
    ) -> MadeTemplate:
        """A recurring shift of the post: every day from 07:00 to 12:00, one to three people."""

        def build() -> MadeTemplate:
            values: dict[str, Any] = {
                "weekdays": 127,
                "start_minute": 7 * 60,
                "length_minutes": 5 * 60,
                "minimum_count": 1,
                "wanted_count": 2,
                "maximum_count": 3,
            } | columns
            template = ShiftTemplate(
                public_id=new_public_id(), post_id=post.id, created_at=clock.now(), **values
            )
            db.session().add(template)
            db.session().flush()
            for code, needed in (skills or {}).items():
                db.session().add(TemplateSkill(template_id=template.id, skill_code=code, needed_count=needed))
            return MadeTemplate(template.id, template.public_id, post)

        return self._write(build)

    def shift(
        self,
        post: MadePost,
        *,
        starts_at: datetime | None = None,
        hours: float = 5,
        skills: dict[str, int] | None = None,
        **columns: Any,
    ) -> MadeShift:
        """An open shift of the post, tomorrow from 07:00 in the county unless said otherwise; one to two people."""

        def build() -> MadeShift:
            now = clock.now()
            tomorrow = clock.day(now) + timedelta(days=1)
            start = starts_at or clock.instant(datetime.combine(tomorrow, time(7)))
            values = {
                "minimum_count": 1,
                "wanted_count": 2,
                "maximum_count": 2,
                "state": ShiftState.OPEN,
                "ends_at": start + timedelta(hours=hours),
                "leave_by": start - timedelta(hours=12),
            } | columns
            shift = Shift(
                public_id=new_public_id(),
                post_id=post.id,
                area_path=post.area.path,
                day=clock.day(start),
                starts_at=start,
                created_at=now,
                **values,
            )
            db.session().add(shift)
            db.session().flush()
            for code, needed in (skills or {}).items():
                db.session().add(ShiftSkill(shift_id=shift.id, skill_code=code, needed_count=needed))
            return MadeShift(shift.id, shift.public_id, post)

        return self._write(build)

    def signup(self, shift: MadeShift, user: MadeUser, **columns: Any) -> MadeSignup:
        """The user's place on the shift with the commitment and the count that belong to it."""

        def build() -> MadeSignup:
            now = clock.now()
            values: dict[str, Any] = {
                "state": SignupState.PLACED,
                "source": SignupSource.SELF,
                "confirmed_at": now,
            } | columns
            made = db.session().get(Shift, shift.id)
            assert made is not None
            signup = Signup(
                public_id=new_public_id(),
                shift_id=shift.id,
                person_id=user.person_id,
                created_at=now,
                **values,
            )
            db.session().add(signup)
            db.session().flush()
            if signup.state in HOLDS_A_PLACE:
                db.session().add(
                    Commitment(
                        person_id=user.person_id,
                        starts_at=made.starts_at,
                        ends_at=made.ends_at,
                        kind=CommitmentKind.SHIFT,
                        reference_id=signup.id,
                    )
                )
                made.taken_count += 1
            elif signup.state is SignupState.WAITING:
                made.waiting_count += 1
            return MadeSignup(signup.id, signup.public_id)

        return self._write(build)

    def stand_in(
        self,
        signup: MadeSignup,
        *,
        kind: StandInKind = StandInKind.STAND_IN,
        to: MadeUser | None = None,
        wanted: MadeSignup | None = None,
    ) -> MadeSignup:
        """An open search for a stand-in, among all or put to one person."""

        def build() -> MadeSignup:
            search = StandIn(
                public_id=new_public_id(),
                signup_id=signup.id,
                kind=kind,
                state=StandInState.OPEN,
                to_person_id=to.person_id if to else None,
                wanted_signup_id=wanted.id if wanted else None,
                asked_at=clock.now(),
            )
            db.session().add(search)
            db.session().flush()
            return MadeSignup(search.id, search.public_id)

        return self._write(build)

    def roster_sheet(self, shift: MadeShift) -> MadeSheet:
        """The printed sign-in sheet of the shift's post and day, as its QR code names it."""

        def build() -> MadeSheet:
            made = db.session().get(Shift, shift.id)
            assert made is not None
            file = StoredFile(
                sha256=f"{next(_serial):064d}",
                kind="roster",
                size=1,
                owner_key="test",
                created_at=clock.now(),
            )
            db.session().add(file)
            db.session().flush()
            sheet = RosterSheet(
                public_id=new_public_id(),
                kind=RosterSheetKind.SIGN_IN,
                copy=Copy.WORKING,
                subject_key=f"sign_in:{shift.post.public_id}:{made.day}",
                area_path=made.area_path,
                post_id=made.post_id,
                day=made.day,
                language="zh_Hans",
                version=1,
                content_hash=f"{next(_serial):064d}",
                rows="[]",
                file_id=file.id,
                printed_at=clock.now(),
                printed_by="test",
            )
            db.session().add(sheet)
            db.session().flush()
            return MadeSheet(sheet.id, sheet.public_id)

        return self._write(build)
