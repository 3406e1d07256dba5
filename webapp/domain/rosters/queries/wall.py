"""The wall page of a post: who is here, who leaves soon, who comes, what is open. Behind a secret address, for all to read."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select

from webapp.base import db
from webapp.base.db import reading
from webapp.base.errors import Gone
from webapp.domain.people.rules import mask_name
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Post, Shift
from webapp.domain.rosters.queries.day import DayShift, Line, lines_of, shift_columns, to_shift
from webapp.domain.rosters.queries.links import find_link
from webapp.domain.rosters.rules import LinkKind, Mark, ShiftState

_posts: Any = Post.__table__
_shifts: Any = Shift.__table__

LOOKED_AHEAD = timedelta(hours=12)
ARRIVING_WITHIN = timedelta(hours=2)


@dataclass(frozen=True)
class Shown:
    """Somebody on the wall: surname and star, and the time that matters."""

    name: str
    at: datetime


@dataclass(frozen=True)
class OpenPlaces:
    """A shift that still needs people."""

    starts_at: datetime
    ends_at: datetime
    missing: int


@dataclass(frozen=True)
class Wall:
    """What hangs at the post, or runs on its screen."""

    name: str
    name_en: str | None
    area_path: str
    here: tuple[Shown, ...]
    leaving: tuple[Shown, ...]
    arriving: tuple[Shown, ...]
    open_places: tuple[OpenPlaces, ...]


@reading
def get_wall(*, token: str, now: datetime) -> Wall:
    """The wall page behind a token. NotFound for a forged one, Gone for one that was taken back or a closed post."""
    link = find_link(token=token, kind=LinkKind.WALL)
    p = _posts.c
    connection = db.connection()
    post = connection.execute(
        select(p.name, p.name_en, p.area_path, p.closed_at).where(p.id == link.subject_id)
    ).one()
    if post.closed_at is not None:
        raise Gone("post_gone")
    rows = connection.execute(
        select(*shift_columns())
        .select_from(_shifts.join(_posts, p.id == _shifts.c.post_id))
        .where(
            _shifts.c.post_id == link.subject_id,
            _shifts.c.state == ShiftState.OPEN,
            _shifts.c.ends_at > now - rules.CHECK_OUT_CLOSES,
            _shifts.c.starts_at < now + LOOKED_AHEAD,
        )
        .order_by(_shifts.c.starts_at, _shifts.c.id)
    )
    shifts = {row.id: to_shift(row) for row in rows}
    here: list[Shown] = []
    leaving: list[Shown] = []
    arriving: list[Shown] = []
    for line in lines_of(list(shifts.values()), now=now) if shifts else []:
        shift = shifts[line.shift_id]
        shown = mask_name(line.name)
        if _is_here(shift, line, now):
            soon = shift.ends_at - now <= rules.LEAVING_SOON
            (leaving if soon else here).append(Shown(shown, shift.ends_at))
        elif _is_coming(shift, line, now):
            arriving.append(Shown(shown, shift.starts_at))
    return Wall(
        name=post.name,
        name_en=post.name_en,
        area_path=post.area_path,
        here=tuple(here),
        leaving=tuple(leaving),
        arriving=tuple(sorted(arriving, key=lambda each: each.at)),
        open_places=tuple(
            OpenPlaces(each.starts_at, each.ends_at, each.wanted_count - each.taken_count)
            for each in shifts.values()
            if each.ends_at > now and each.wanted_count > each.taken_count
        ),
    )


def _is_here(shift: DayShift, line: Line, now: datetime) -> bool:
    if line.mark is not Mark.PRESENT or line.left_at is not None:
        return False
    # A tick without times says nothing about after the shift.
    return line.arrived_at is not None or shift.starts_at <= now < shift.ends_at


def _is_coming(shift: DayShift, line: Line, now: datetime) -> bool:
    return (
        line.mark is Mark.UNKNOWN
        and line.relieved_at is None
        and now < shift.ends_at
        and shift.starts_at - now <= ARRIVING_WITHIN
    )
