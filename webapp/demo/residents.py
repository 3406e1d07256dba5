"""Residents of the demo: they sign in with a code, say where they live and are confirmed, like anybody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import select

from webapp.base import clock, db, outbox
from webapp.base.actor import Actor
from webapp.base.db import reading
from webapp.base.errors import Conflict, NotFound, RuleBroken, TooMany
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState
from webapp.demo.community import COMMUNITY_CODE, SEED, Family, Resident, families
from webapp.demo.make_files import building_code
from webapp.demo.rounds import Customer, deed
from webapp.domain.accounts import queries as account_queries
from webapp.domain.accounts import services as accounts
from webapp.domain.accounts.services import Preferences
from webapp.domain.areas.models import Area
from webapp.domain.households import queries
from webapp.domain.households.models import Door, Household
from webapp.domain.households.services import joining

# Households that order with their own phone; for all others the office orders.
ON_THEIR_PHONE = 60
FIRST_ROUND = 300
SECOND_ROUND = 140
# In this building most have ordered, so that there is something to look at and to print.
BUSY_BUILDING = ("北辰花园", 3)


@dataclass(frozen=True)
class Told:
    """A resident of the story: who signs in, in which home, and whether it is confirmed."""

    name: str
    phone: str
    home: tuple[str, int, int, str]
    is_confirmed: bool = True
    orders_second: bool = False


STORY = (
    Told("张桂芳", "15400000101", ("北辰花园", 3, 2, "501")),
    Told("陈䶮", "15400000105", ("北辰花园", 3, 1, "601"), orders_second=True),
    Told("陈光明", "15400000106", ("北辰花园", 3, 1, "601")),
    Told("吴𬭎", "15400000107", ("北辰花园", 3, 3, "402"), orders_second=True),
    Told("周明华", "15400000104", ("北辰花园", 3, 1, "302"), is_confirmed=False),
    Told("郑小燕", "15400000108", ("北辰花园", 3, 2, "702"), is_confirmed=False),
)
NAMES = {each.phone: each.name for each in STORY}


@dataclass(frozen=True)
class Home:
    """A household of the list with the ids by which it is named."""

    family: Family
    household: str
    building: str


@dataclass(frozen=True)
class Customers:
    """Who orders in the first and in the second round."""

    first: list[Customer]
    second: list[Customer]


def sign_up(*, head: Actor, now: datetime) -> Customers:
    """Everybody of the story and some others get their accounts; returns who orders in which round."""
    random = Random(f"{SEED} residents")  # noqa: S311 - the same residents each time
    homes = _homes()
    told = {family.family.door: family for family in homes}
    community = _community()
    actors: dict[str, Actor] = {}
    ordering_again: set[str] = set()
    story_homes = {each.home for each in STORY}
    for each in STORY:
        home = told[each.home]
        person = Resident(each.name, (each.phone,))
        actor = _join(person, home, community=community, now=now, head=head if each.is_confirmed else None)
        if each.is_confirmed and actor is not None:
            actors[home.household] = actor
            if each.orders_second:
                ordering_again.add(home.household)
    others = [home for home in homes if home.family.door not in story_homes]
    with_phone = [home for home in others if home.family.members[0].phones and home.family.split == 1]
    for home in random.sample(with_phone, ON_THEIR_PHONE):
        actor = _join(home.family.members[0], home, community=community, now=now, head=head)
        if actor is not None:
            actors[home.household] = actor
    busy = [home for home in others if home.family.door[:2] == BUSY_BUILDING and random.random() < 0.7]
    first = [home.household for home in random.sample(others, FIRST_ROUND)]
    second = [home.household for home in random.sample(others, SECOND_ROUND)]
    first += [home.household for home in busy] + list(actors)
    second += [home.household for home in busy if random.random() < 0.5] + sorted(ordering_again)
    return Customers(_customers(first, actors, head, random), _customers(second, actors, head, random))


def _customers(
    households: list[str], actors: dict[str, Actor], head: Actor, random: Random
) -> list[Customer]:
    once = list(dict.fromkeys(households))
    random.shuffle(once)
    return [Customer(household, actors.get(household, head)) for household in once]


@reading
def _homes() -> list[Home]:
    rows = db.connection().execute(
        select(
            Area.code,
            Area.public_id.label("building"),
            Door.unit,
            Door.number,
            Household.split_no,
            Household.public_id,
        )
        .select_from(Household)
        .join(Door, Door.id == Household.door_id)
        .join(Area, Area.id == Door.building_id)
    )
    found = {(row.code, row.unit, row.number, row.split_no): (row.public_id, row.building) for row in rows}
    homes = []
    for family in families():
        code = building_code(family.compound.name, family.building)
        household, building = found[code, str(family.unit), family.number, family.split]
        homes.append(Home(family, household, building))
    return homes


@reading
def _community() -> str:
    found: str = (
        db.connection().execute(select(Area.public_id).where(Area.code == COMMUNITY_CODE)).scalar_one()
    )
    return found


def _join(person: Resident, home: Home, *, community: str, now: datetime, head: Actor | None) -> Actor | None:
    """Sign in, say where one lives, be confirmed by the head if there is one; None where that cannot be now."""
    token = sign_in(person.phones[0])
    if token is None:
        return None
    actor = actor_of(token)
    if not queries.list_own(actor=actor):
        key = f"{home.household}-{person.phones[0][-6:]}"
        try:
            stated = joining.state_household(
                deed=deed(actor, f"state-{key}", now - timedelta(days=2)),
                name=person.name,
                community=community,
                building=home.building,
                unit=str(home.family.unit),
                number=home.family.number,
            )
            if head is not None:
                joining.confirm_into(
                    deed=deed(head, f"confirm-{key}", now - timedelta(days=2)),
                    public_id=stated,
                    into=home.household,
                )
        except (Conflict, NotFound, RuleBroken):
            # Somebody has decided about it between two halves of the loading.
            return None
        actor = actor_of(token)
    accounts.sign_out_everywhere(deed=deed(actor, new_public_id(), clock.now()))
    return actor


def actor_of(token: str) -> Actor:
    """Who acts in this session."""
    found = account_queries.load_signed_in(token=token, now=clock.now())
    assert found is not None  # noqa: S101 - the token is of a sign-in made just before
    return found.actor


def sign_in(phone: str) -> str | None:
    """A session by one-time code; the demo reads the code from the outbox, where its phones would get it from."""
    now = clock.now()
    visitor = Actor.anonymous(f"demo-{phone}")
    try:
        accounts.request_code(
            deed=deed(visitor, new_public_id(), now),
            phone=phone,
            language="zh_Hans",
            address="demo",
            per_address=10_000,
        )
    except TooMany:
        return None
    code = None
    for message in outbox.take_due(now=now, limit=500, may_repeat=True):
        if message.template == "code" and message.address == phone:
            code = message.secret
        outbox.settle(message=message, state=MessageState.SENT, now=now)
    if code is None:
        return None
    signed_in = accounts.sign_in_with_code(
        deed=deed(visitor, new_public_id(), now),
        phone=phone,
        code=code,
        address="demo",
        preferences=Preferences(),
    )
    return signed_in.token
