"""Rules of households: how a door is said, who may join, what a decision needs."""

from webapp.base.errors import Conflict, NotAllowed, RuleBroken
from webapp.domain.areas.rules import building_key

WAITING_LIMIT = 3
NAME_LENGTH = 30
STATED_LENGTH = 60
REASON_LENGTH = 200
JOINS_PER_DAY = 10
# A household that somebody only stated gets a number behind its door from here on, so that it never stands in
# the way of those in the list.
STATED_SPLIT = 100


def unit_label(unit: str) -> str:
    """A stairwell as people say it: 2单元; nothing where there is none."""
    return f"{unit}单元" if unit and unit.isalnum() and unit.isascii() else unit


def door_label(building: str, unit: str, number: str, *, split_no: int = 1) -> str:
    """A door as people say it: 3栋2单元501, 3栋501 without stairwells; a second household adds (2)."""
    said = f"{building}{unit_label(unit)}{number}"
    return f"{said}({split_no})" if 1 < split_no < STATED_SPLIT else said


def door_short(building: str, unit: str, number: str, *, split_no: int = 1) -> str:
    """A door in lists: 3-2-501."""
    said = "-".join(part for part in (building_key(building).upper(), unit, number) if part)
    return f"{said}({split_no})" if 1 < split_no < STATED_SPLIT else said


def door_sort_key(unit: str, floor: int | None, number: str) -> str:
    """Sorts the doors of a building by stairwell, floor and number; what is below ground comes first."""
    stairwell = unit.casefold().zfill(4)
    return f"{stairwell}.{(floor if floor is not None else 0) + 100:03d}.{number.casefold().zfill(12)}"


def ensure_name(name: str) -> str:
    """A person's name as it was typed, without outer spaces; raises RuleBroken."""
    name = " ".join(name.split())
    if not name:
        raise RuleBroken("name_missing", field="name")
    if len(name) > NAME_LENGTH or any(sign.isdigit() or not sign.isprintable() for sign in name):
        raise RuleBroken("name_unclear", field="name")
    return name


def ensure_can_wait(*, waiting_count: int) -> None:
    """Nobody waits for more than a few homes at once."""
    if waiting_count >= WAITING_LIMIT:
        raise RuleBroken("too_many_waiting", maximum=WAITING_LIMIT)


def ensure_undecided(*, state: str) -> None:
    """What somebody has decided is not decided again."""
    if state != "stated":
        raise Conflict("already_decided")


def ensure_not_own(*, person_ids: tuple[int, ...], actor_person_id: int | None) -> None:
    """Nobody confirms the own residence."""
    if actor_person_id is not None and actor_person_id in person_ids:
        raise NotAllowed("own_residence")


def ensure_refusal_reason(reason: str) -> str:
    """The reason that the resident will read; raises RuleBroken when there is none."""
    reason = " ".join(reason.split())
    if not reason:
        raise RuleBroken("refusal_reason_missing", field="reason")
    if len(reason) > REASON_LENGTH:
        raise RuleBroken("text_too_long", field="reason", maximum=REASON_LENGTH)
    return reason
