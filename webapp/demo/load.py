"""Load the demo: files through the importers, people and orders through the services, in the order of a real start.

What is done stays done: each step may be repeated, and a load that was interrupted goes on with the time at which
it had begun.
"""

import csv
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, select

from webapp.base import clock, db, outbox, requests
from webapp.base.actor import Actor
from webapp.base.db import reading, writing
from webapp.base.errors import RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState
from webapp.base.permissions import Role
from webapp.base.requests import Request
from webapp.demo import mobilization, residents, rosters, rounds, volunteers
from webapp.demo.community import COMMUNITY_CODE
from webapp.demo.make_files import AREAS, FOLDER, HOUSEHOLDS, RESERVE, STAFF, VOLUNTEERS, compound_code
from webapp.demo.rounds import deed
from webapp.domain.accounts import queries as account_queries
from webapp.domain.accounts import services as accounts
from webapp.domain.areas import queries as area_queries
from webapp.domain.areas import services as areas
from webapp.domain.areas.models import Area
from webapp.domain.households.services import imports
from webapp.domain.people import services as people

DIVISIONS = FOLDER / "divisions_linshui_511623.csv"
SYSTEM = Actor.system("demo")
SEALED = ("北辰花园", "邮政家属院")
Say = Callable[[str], None]


@dataclass(frozen=True)
class SignIns:
    """One account of each role, and how to sign in with it."""

    staff: tuple[tuple[Role, str, str], ...]
    password: str


@reading
def is_empty() -> bool:
    """Whether nothing has been written into this database yet."""
    return not db.connection().execute(select(exists(select(Area.id)))).scalar_one()


@reading
def began_at() -> datetime | None:
    """When a load of the demo began here; None when none did."""
    return _claimed_at("begin")


@reading
def is_done() -> bool:
    """Whether the whole demo is here."""
    return _claimed_at("done") is not None


@reading
def is_step_done(key: str) -> bool:
    """Whether this step of the load came to its end."""
    return _claimed_at(key) is not None


def _claimed_at(key: str) -> datetime | None:
    found: datetime | None = (
        db.connection()
        .execute(
            select(Request.claimed_at).where(
                Request.actor_key == SYSTEM.key, Request.client_id == f"demo-{key}"
            )
        )
        .scalar()
    )
    return found


@writing
def _mark(key: str, now: datetime) -> None:
    claim = requests.claim(deed(SYSTEM, key, now))
    if not claim.is_repeat:
        requests.settle(claim, outcome=key, object_id=None)


def load(*, say: Say) -> SignIns:
    """Load everything that is not here yet, and say what is being done."""
    now = began_at() or clock.now()
    _mark("begin", now)
    say("areas 区划")
    import_areas(DIVISIONS, now)
    import_areas(AREAS, now)
    say("households 住户")
    _import_households(now)
    say("staff 工作人员")
    sign_ins = _register_staff(now)
    head = _sign_in_head(sign_ins)
    community = _area_id(COMMUNITY_CODE)
    _set_zones(head, now)
    say("residents 居民")
    customers = residents.sign_up(head=head, now=now)
    if not is_step_done("rosters"):
        say("volunteers 志愿者")
        loaded = volunteers.load(head=head, area=community, file=VOLUNTEERS, refuse=_refuse, now=now)
        say("shifts 排班")
        rosters.load(head=head, area=community, loaded=loaded, now=now)
        _mark("rosters", now)
    if not is_step_done("mobilization"):
        say("reserve and call-ups 储备与召集")
        mobilization.load(head=head, area=community, file=RESERVE, refuse=_refuse, now=now)
        _mark("mobilization", now)
    say("orders 订菜")
    bags = rounds.save_bags(head=head, area=community, now=now - timedelta(days=2))
    rounds.deliver_today(head=head, area=community, bags=bags, customers=customers.first, now=now)
    rounds.take_orders_for_tomorrow(head=head, area=community, bags=bags, customers=customers.second, now=now)
    _deliver_messages(now)
    accounts.sign_out_everywhere(deed=deed(head, new_public_id(), now))
    _mark("done", now)
    return sign_ins


def import_areas(path: Any, now: datetime) -> None:
    """Take one of the demo's area files; what is there stays."""
    with path.open("rb") as file:
        areas.import_areas(deed=deed(SYSTEM, path.stem, now), file=file, reject=_refuse)


def _import_households(now: datetime) -> None:
    with HOUSEHOLDS.open("rb") as file:
        imports.import_households(
            deed=deed(SYSTEM, "households", now),
            community_code=COMMUNITY_CODE,
            file=file,
            reject=_refuse,
            is_invented=True,
        )


def _refuse(_sheet: Any, row: Any, problem: Any) -> None:
    """The demo's own files have no bad rows; one would be our mistake."""
    raise RuntimeError(f"line {row.line}: {problem.code} {dict(problem.params)}")


def _staff() -> Iterator[dict[str, str]]:
    with STAFF.open(encoding="utf-8-sig", newline="") as file:
        yield from csv.DictReader(file)


def _register_staff(now: datetime) -> SignIns:
    """All staff; the first of each role gets the demo's password, the others sign in with a code."""
    password = f"{secrets.token_hex(3)}-{secrets.token_hex(3)}"
    shown: dict[Role, tuple[Role, str, str]] = {}
    for row in _staff():
        role = Role(row["role"])
        is_first = role not in shown
        shown.setdefault(role, (role, row["name"], row["phone"]))
        people.register_staff(
            # A new key each time: what is there stays, and the password becomes the one that is shown.
            deed=deed(SYSTEM, new_public_id(), now),
            name=row["name"],
            phone=row["phone"],
            role=role,
            area_code=row["area_code"],
            password=password if is_first else None,
            is_invented=True,
        )
    return SignIns(staff=tuple(shown.values()), password=password)


def _sign_in_head(sign_ins: SignIns) -> Actor:
    phone = next(phone for role, _name, phone in sign_ins.staff if role is Role.COMMUNITY_HEAD)
    moment = clock.now()
    signed_in = accounts.sign_in_with_password(
        deed=deed(Actor.anonymous("demo"), new_public_id(), moment),
        phone=phone,
        password=sign_ins.password,
        address="demo",
    )
    found = account_queries.load_signed_in(token=signed_in.token, now=moment)
    assert found is not None  # noqa: S101 - signed in the statement before
    return found.actor


@reading
def _area_id(code: str) -> str:
    public_id: str = db.connection().execute(select(Area.public_id).where(Area.code == code)).scalar_one()
    return public_id


def _set_zones(head: Actor, now: datetime) -> None:
    """The community is controlled, two of its compounds are sealed; no authority has enabled the rules."""
    classes = {choice.code: choice.id for choice in area_queries.list_zone_classes()}
    plan = [(COMMUNITY_CODE, "controlled", 4)] + [(compound_code(name), "sealed", 3) for name in SEALED]
    for code, zone_class, days in plan:
        try:
            areas.set_zone(
                deed=deed(head, f"zone-{code}", now - timedelta(days=days)),
                public_id=_area_id(code),
                zone_class_id=classes[zone_class],
                reason="演练",
                notice="演练通告第1号" if zone_class == "controlled" else "演练通告第2号",
            )
        except RuleBroken as error:
            if error.code != "zone_unchanged":
                raise


def _deliver_messages(now: datetime) -> None:
    """The demo is its own SMS gateway: what was written to invented phones counts as sent and is not printed."""
    while messages := outbox.take_due(now=clock.now(), limit=500, may_repeat=True):
        for message in messages:
            outbox.settle(message=message, state=MessageState.SENT, now=now)
