"""What stands in a calendar feed of a volunteer, a team or a post.

A volunteer's feed names nobody else, and no feed carries a phone number: calendars are copied to other people's servers.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import case, func, or_, select

from webapp.base import db
from webapp.base.db import is_any, reading
from webapp.base.errors import Gone
from webapp.domain.areas.queries import get_place
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import Post, Shift, Signup
from webapp.domain.rosters.queries.links import FoundLink
from webapp.domain.rosters.rules import LinkKind, Protection, ShiftState, SignupState
from webapp.domain.volunteers.models import Team, Volunteer

_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_signups: Any = Signup.__table__
_people: Any = Person.__table__
_teams: Any = Team.__table__
_volunteers: Any = Volunteer.__table__

BEFORE, AFTER = timedelta(days=31), timedelta(days=120)
# Whoever is in one of these states had a place once; whoever only waited never did.
_HAD_A_PLACE = (
    SignupState.PLACED,
    SignupState.LEFT,
    SignupState.DROPPED_OUT,
    SignupState.REPLACED,
    SignupState.REMOVED,
    SignupState.CANCELLED,
)


@dataclass(frozen=True)
class FeedEvent:
    """A shift in a calendar. `uid` stays the same for ever, `sequence` rises with each change."""

    uid: str
    sequence: int
    shift: str
    post: str
    post_en: str | None
    place: str
    instructions: str
    protection: Protection
    starts_at: datetime
    ends_at: datetime
    changed_at: datetime
    is_cancelled: bool
    minimum: int = 0
    taken: int = 0
    names: tuple[str, ...] = ()


@dataclass(frozen=True)
class Feed:
    """A calendar: whose it is, and its events in the order of time."""

    kind: LinkKind
    name: str
    name_en: str | None
    community: str
    community_en: str | None
    events: tuple[FeedEvent, ...]


_shift_columns = (
    _shifts.c.id,
    _shifts.c.public_id,
    _shifts.c.starts_at,
    _shifts.c.ends_at,
    _shifts.c.state,
    _shifts.c.version,
    _shifts.c.created_at,
    _shifts.c.cancelled_at,
    _shifts.c.minimum_count,
    _posts.c.name,
    _posts.c.name_en,
    _posts.c.place,
    _posts.c.instructions,
    _posts.c.protection,
)


@reading
def get_feed(*, link: FoundLink, now: datetime) -> Feed:
    """The calendar behind a live address. Raises Gone where what it was about is no more."""
    if link.kind is LinkKind.CALENDAR_VOLUNTEER:
        return _volunteer_feed(link.subject_id, now)
    if link.kind is LinkKind.CALENDAR_TEAM:
        return _team_feed(link.subject_id, now)
    return _post_feed(link.subject_id, now)


def _near(now: datetime) -> Any:
    return (
        _shifts.c.ends_at > now - BEFORE,
        _shifts.c.starts_at < now + AFTER,
        is_any(_shifts.c.state, ShiftState.OPEN, ShiftState.CANCELLED),
    )


def _volunteer_feed(volunteer_id: int, now: datetime) -> Feed:
    v, g = _volunteers.c, _signups.c
    connection = db.connection()
    # A row that was merged goes on as the one it was merged into.
    real = select(func.coalesce(v.merged_into_id, v.id)).where(v.id == volunteer_id).scalar_subquery()
    own = connection.execute(
        select(v.public_id, v.person_id, v.name, v.area_path).where(v.id == real)
    ).one_or_none()
    if own is None:
        raise Gone("link_revoked")
    placed = func.sum(case((g.state == SignupState.PLACED, 1), else_=0))
    rows = connection.execute(
        select(
            *_shift_columns,
            func.count().label("signups"),
            placed.label("placed"),
            func.max(g.created_at).label("signed_at"),
            func.max(g.ended_at).label("ended_at"),
        )
        .select_from(
            _signups.join(_shifts, _shifts.c.id == g.shift_id).join(_posts, _posts.c.id == _shifts.c.post_id)
        )
        .where(g.person_id == own.person_id, is_any(g.state, *_HAD_A_PLACE), *_near(now))
        .group_by(*_shift_columns)
        .order_by(_shifts.c.starts_at, _shifts.c.id)
    )
    events = tuple(
        _event(
            row,
            uid=f"{row.public_id}-{own.public_id}",
            steps=2 * row.signups - row.placed - 1,
            changes=(row.signed_at, row.ended_at),
            is_off=not row.placed,
        )
        for row in rows
    )
    return _feed(LinkKind.CALENDAR_VOLUNTEER, own.name, None, own.area_path, events)


def _event(
    row: Any,
    *,
    uid: str,
    steps: int,
    changes: Iterable[datetime | None],
    is_off: bool = False,
    names: tuple[str, ...] = (),
) -> FeedEvent:
    """`steps`: how many things happened to the people of the event; `is_off`: it stands for nobody any more."""
    known = [moment for moment in (row.created_at, row.cancelled_at, *changes) if moment is not None]
    return FeedEvent(
        uid=uid,
        sequence=row.version - 1 + steps,
        shift=row.public_id,
        post=row.name,
        post_en=row.name_en,
        place=row.place,
        instructions=row.instructions,
        protection=row.protection,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        changed_at=max(known),
        is_cancelled=is_off or row.state is ShiftState.CANCELLED,
        minimum=row.minimum_count,
        taken=len(names),
        names=names,
    )


def _feed(kind: LinkKind, name: str, name_en: str | None, path: str, events: tuple[FeedEvent, ...]) -> Feed:
    place = get_place(path)
    return Feed(
        kind, name, name_en, place.community_name or place.area_name or "", place.community_name_en, events
    )


def _team_feed(team_id: int, now: datetime) -> Feed:
    t = _teams.c
    team = (
        db.connection()
        .execute(select(t.name, t.name_en, t.area_path).where(t.id == team_id, t.closed_at.is_(None)))
        .one_or_none()
    )
    if team is None:
        raise Gone("link_revoked")
    members = select(_volunteers.c.person_id).where(_volunteers.c.team_id == team_id)
    with_members = select(_signups.c.shift_id).where(
        _signups.c.person_id.in_(members), is_any(_signups.c.state, *_HAD_A_PLACE)
    )
    events = _shift_events(
        or_(_posts.c.team_id == team_id, _shifts.c.id.in_(with_members)),
        now,
        only=members,
        suffix=f"t{team_id}",
    )
    return _feed(LinkKind.CALENDAR_TEAM, team.name, team.name_en, team.area_path, events)


def _post_feed(post_id: int, now: datetime) -> Feed:
    p = _posts.c
    post = (
        db.connection()
        .execute(select(p.name, p.name_en, p.area_path).where(p.id == post_id, p.closed_at.is_(None)))
        .one_or_none()
    )
    if post is None:
        raise Gone("link_revoked")
    events = _shift_events(p.id == post_id, now, only=None, suffix=f"p{post_id}")
    return _feed(LinkKind.CALENDAR_POST, post.name, post.name_en, post.area_path, events)


def _shift_events(which: Any, now: datetime, *, only: Any, suffix: str) -> tuple[FeedEvent, ...]:
    """Shifts with those who stand there: everybody, or `only` the members of a team."""
    connection, g = db.connection(), _signups.c
    joined = _shifts.join(_posts, _posts.c.id == _shifts.c.post_id)
    shifts = connection.execute(
        select(*_shift_columns, _posts.c.team_id)
        .select_from(joined)
        .where(which, *_near(now))
        .order_by(_shifts.c.starts_at, _shifts.c.id)
    ).all()
    statement = (
        select(g.shift_id, g.state, g.created_at, g.ended_at, _people.c.name)
        .select_from(
            _signups.join(_shifts, _shifts.c.id == g.shift_id)
            .join(_posts, _posts.c.id == _shifts.c.post_id)
            .join(_people, _people.c.id == g.person_id)
        )
        .where(which, *_near(now), is_any(g.state, *_HAD_A_PLACE))
        .order_by(_people.c.pinyin_key, g.id)
    )
    if only is not None:
        statement = statement.where(g.person_id.in_(only))
    people: dict[int, list[Any]] = {}
    for row in connection.execute(statement):
        people.setdefault(row.shift_id, []).append(row)
    events = []
    for shift in shifts:
        rows = people.get(shift.id, [])
        names = tuple(row.name for row in rows if row.state is SignupState.PLACED)
        # A shift elsewhere stands in a team's calendar for its members alone.
        is_theirs = only is None or f"t{shift.team_id}" == suffix
        events.append(
            _event(
                shift,
                uid=f"{shift.public_id}-{suffix}",
                steps=2 * len(rows) - len(names),
                changes=[moment for row in rows for moment in (row.created_at, row.ended_at)],
                is_off=not is_theirs and not names,
                names=names,
            )
        )
    return tuple(events)
