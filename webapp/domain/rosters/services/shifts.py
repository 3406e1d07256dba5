"""Shifts: made singly, from recurring ones or by copying; changed, published, called off."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, insert, select, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import is_any, within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import (
    Post,
    Shift,
    ShiftSkill,
    ShiftTemplate,
    Signup,
    StandIn,
    TemplateSkill,
)
from webapp.domain.rosters.queries import places, posts, shifts
from webapp.domain.rosters.rules import (
    HOLDS_A_PLACE,
    Numbers,
    ShiftState,
    Stretch,
)
from webapp.domain.rosters.services.placing import clear, settle
from webapp.domain.rosters.services.posts import ensure_skills
from webapp.domain.rosters.services.telling import page_of, tell
from webapp.domain.volunteers.models import Commitment
from webapp.domain.volunteers.rules import CommitmentKind

REASON_LENGTH = 200

_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_shift_skills: Any = ShiftSkill.__table__
_templates: Any = ShiftTemplate.__table__
_template_skills: Any = TemplateSkill.__table__
_signups: Any = Signup.__table__
_stand_ins: Any = StandIn.__table__
_commitments: Any = Commitment.__table__
_areas: Any = Area.__table__


@dataclass(frozen=True)
class ShiftPlan:
    """A shift as it is typed. `lead` is the public id of somebody who leads it, empty for the post's own lead."""

    stretch: Stretch
    numbers: Numbers
    lead: str = ""


@dataclass(frozen=True)
class Made:
    """How many shifts were made, and how many were there already."""

    made_count: int
    there_count: int


def _public_id(shift_id: int | None) -> str:
    found: str = (
        db.connection().execute(select(_shifts.c.public_id).where(_shifts.c.id == shift_id)).scalar_one()
    )
    return found


def _ensure_plan(plan: ShiftPlan, now: datetime) -> None:
    rules.ensure_numbers(plan.numbers)
    rules.ensure_not_over(plan.stretch.ends_at, now=now)
    ensure_skills(plan.numbers)


def _row(post: Any, stretch: Stretch, numbers: Numbers, now: datetime, **columns: Any) -> dict[str, Any]:
    return {
        "public_id": new_public_id(),
        "post_id": post.id,
        "area_path": post.area_path,
        "template_id": None,
        "day": stretch.day,
        "starts_at": stretch.starts_at,
        "ends_at": stretch.ends_at,
        "leave_by": rules.leave_deadline(stretch.starts_at),
        "minimum_count": numbers.minimum,
        "wanted_count": numbers.wanted,
        "maximum_count": numbers.maximum,
        "taken_count": 0,
        "waiting_count": 0,
        "state": ShiftState.DRAFT,
        "lead_person_id": None,
        "created_at": now,
        "version": 1,
    } | columns


def _write(rows: Sequence[dict[str, Any]], skills: Mapping[str, Mapping[str, int]]) -> dict[str, int]:
    """Insert the shifts with their places by skill (by public id); returns the row ids."""
    connection = db.connection()
    if not rows:
        return {}
    connection.execute(insert(_shifts).inline(), list(rows))
    ids = {
        row.public_id: row.id
        for row in connection.execute(
            select(_shifts.c.id, _shifts.c.public_id).where(
                _shifts.c.public_id.in_([row["public_id"] for row in rows])
            )
        )
    }
    places = [
        {"shift_id": ids[public_id], "skill_code": code, "needed_count": count, "taken_count": 0}
        for public_id, numbers in skills.items()
        for code, count in sorted(numbers.items())
        if count
    ]
    if places:
        connection.execute(insert(_shift_skills).inline(), places)
    return ids


def _there(post_ids: Iterable[int], first: datetime, last: datetime, *, live: bool) -> set[tuple[Any, ...]]:
    """Post, start and end of the shifts that begin between the instants; with `live` only those not called off."""
    statement = select(_shifts.c.post_id, _shifts.c.starts_at, _shifts.c.ends_at).where(
        _shifts.c.post_id.in_(sorted(set(post_ids))),
        _shifts.c.starts_at >= first,
        _shifts.c.starts_at <= last,
    )
    if live:
        statement = statement.where(_shifts.c.state != ShiftState.CANCELLED)
    return {tuple(row) for row in db.connection().execute(statement)}


def _ensure_only_one(post_id: int, stretch: Stretch, *, but: int | None = None) -> None:
    same = select(_shifts.c.id).where(
        _shifts.c.post_id == post_id,
        _shifts.c.starts_at == stretch.starts_at,
        _shifts.c.ends_at == stretch.ends_at,
        _shifts.c.state != ShiftState.CANCELLED,
    )
    found = db.connection().execute(same if but is None else same.where(_shifts.c.id != but)).first()
    if found is not None:
        raise RuleBroken("shift_there_already", field="start")


def _lead_of(area_path: str, public_id: str) -> int | None:
    if not public_id:
        return None
    found = posts.find_leads(area_path=area_path, name="", public_id=public_id)
    if not found:
        raise RuleBroken("shift_lead_unknown", field="lead")
    return found[0].person_id


@writing
def make_shift(*, deed: Deed, post: str, plan: ShiftPlan) -> str:
    """Write a single shift of a post as a draft; returns its public id.

    Raises RuleBroken: post_closed, shift_there_already, shift_in_the_past and those of `rules.ensure_numbers`.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(claim.object_id)
    shift_id, public_id = write_shift(deed, post=post, plan=plan)
    requests.settle(claim, outcome="made", object_id=shift_id)
    return public_id


def write_shift(
    deed: Deed, *, post: str, plan: ShiftPlan, state: ShiftState = ShiftState.DRAFT
) -> tuple[int, str]:
    """`make_shift` inside the caller's transaction, who has claimed the deed; returns the id and the public id."""
    row = posts.managed_post(deed.actor, post)
    if row.closed_at is not None:
        raise RuleBroken("post_closed")
    _ensure_plan(plan, deed.now)
    _ensure_only_one(row.id, plan.stretch)
    values = _row(
        row,
        plan.stretch,
        plan.numbers,
        deed.now,
        lead_person_id=_lead_of(row.area_path, plan.lead),
        state=state,
    )
    ids = _write([values], {values["public_id"]: plan.numbers.skills})
    shift_id = ids[values["public_id"]]
    audit.record(deed, "make_shift", "shift", shift_id, area_path=row.area_path)
    return shift_id, str(values["public_id"])


# --- many at once -------------------------------------------------------------------------------------------


def _managed_posts(deed: Deed, area: str) -> list[Any]:
    """The open posts of the area that the actor rosters, locked by id: two who copy at once make nothing twice."""
    connection = db.connection()
    path = connection.execute(select(_areas.c.path).where(_areas.c.public_id == area)).scalar()
    if path is None:
        raise NotFound
    rows = connection.execute(
        select(_posts.c.id, _posts.c.area_path, _posts.c.closed_at)
        .where(within(_posts.c.area_path, path), posts.managed_by(deed.actor))
        .order_by(_posts.c.id)
        .with_for_update(of=_posts)
    ).all()
    if not rows:
        raise NotFound
    return [row for row in rows if row.closed_at is None]


@writing
def make_shifts(*, deed: Deed, area: str, first: date, last: date) -> Made:
    """Make drafts of the recurring shifts of the area's posts for the days from `first` to `last`.

    Again, it makes only what is missing: a day's shift that was changed or called off is not made anew. Shifts
    that are over already are left out.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return Made(claim.object_id or 0, 0)
    rules.ensure_span(first, last)
    by_id = {row.id: row for row in _managed_posts(deed, area)}
    connection = db.connection()
    templates = connection.execute(
        select(_templates)
        .where(_templates.c.post_id.in_(sorted(by_id)), _templates.c.ended_at.is_(None))
        .order_by(_templates.c.post_id, _templates.c.start_minute, _templates.c.id)
    ).all()
    if not templates:
        raise RuleBroken("no_templates")
    skills: dict[int, dict[str, int]] = defaultdict(dict)
    for each in connection.execute(
        select(_template_skills).where(_template_skills.c.template_id.in_([row.id for row in templates]))
    ):
        skills[each.template_id][each.skill_code] = each.needed_count
    used = {
        tuple(row)
        for row in connection.execute(
            select(_shifts.c.template_id, _shifts.c.day).where(
                _shifts.c.template_id.in_([row.id for row in templates]),
                _shifts.c.day >= first - timedelta(days=1),
                _shifts.c.day <= last + timedelta(days=1),
            )
        )
    }
    there = _there(by_id, _midnight(first), _midnight(last + timedelta(days=2)), live=False)
    rows: list[dict[str, Any]] = []
    places: dict[str, Mapping[str, int]] = {}
    there_count = 0
    for template in templates:
        for day in rules.days_of(first, last, weekdays=template.weekdays):
            stretch = rules.stretch_on(
                day, start_minute=template.start_minute, length_minutes=template.length_minutes
            )
            key = (template.post_id, stretch.starts_at, stretch.ends_at)
            if key in there or (template.id, stretch.day) in used:
                there_count += 1
                continue
            if stretch.ends_at <= deed.now:
                continue
            there.add(key)
            used.add((template.id, stretch.day))
            row = _row(
                by_id[template.post_id], stretch, _numbers(template), deed.now, template_id=template.id
            )
            rows.append(row)
            places[row["public_id"]] = skills[template.id]
    _write(rows, places)
    # A count, not a row: a repeat of the same press says the same number.
    requests.settle(claim, outcome="made", object_id=len(rows))
    audit.record(deed, "make_shifts", "shift", None, area_path=_path(by_id), made=len(rows), of=[first, last])
    return Made(len(rows), there_count)


def _midnight(day: date) -> datetime:
    return clock.instant(datetime.combine(day, time()))


def _numbers(row: Any, skills: Mapping[str, int] | None = None) -> Numbers:
    return Numbers(row.minimum_count, row.wanted_count, row.maximum_count, skills or {})


def _path(by_id: Mapping[int, Any]) -> str | None:
    return min((row.area_path for row in by_id.values()), default=None)


@writing
def copy_days(*, deed: Deed, area: str, first: date, last: date, to: date, post: str = "") -> Made:
    """Copy the shifts of the days from `first` to `last` to as many days from `to`, as drafts without people.

    Times are copied as the county's clocks show them. What is there already, called off or not, is not made
    again; what would be over is left out.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return Made(claim.object_id or 0, 0)
    rules.ensure_span(first, last)
    if first <= to <= last:
        raise RuleBroken("copy_onto_itself", field="to")
    by_id = {row.id: row for row in _managed_posts(deed, area)}
    if post:
        by_id = {row.id: row for row in [posts.managed_post(deed.actor, post)]}
    connection = db.connection()
    originals = connection.execute(
        select(_shifts)
        .where(
            _shifts.c.post_id.in_(sorted(by_id)),
            _shifts.c.day >= first,
            _shifts.c.day <= last,
            is_any(_shifts.c.state, ShiftState.DRAFT, ShiftState.OPEN),
        )
        .order_by(_shifts.c.starts_at, _shifts.c.id)
    ).all()
    if not originals:
        raise RuleBroken("nothing_to_copy")
    made, there_count = _copies(deed, by_id, originals, shift_by=to - first)
    requests.settle(claim, outcome="copied", object_id=made)
    audit.record(
        deed, "copy_shifts", "shift", None, area_path=_path(by_id), made=made, of=[first, last], to=to
    )
    return Made(made, there_count)


@writing
def copy_shift(*, deed: Deed, shift: str, to: date) -> str:
    """The same shift on another day, as a draft; returns its public id, or that of the one that is there already."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(claim.object_id)
    connection = db.connection()
    found = shifts.managed_id(deed.actor, shift)
    original = connection.execute(select(_shifts).where(_shifts.c.id == found)).one()
    post = connection.execute(select(_posts).where(_posts.c.id == original.post_id).with_for_update()).one()
    if post.closed_at is not None:
        raise RuleBroken("post_closed")
    stretch = moved(original, to - original.day)
    rules.ensure_not_over(stretch.ends_at, now=deed.now)
    _copies(deed, {post.id: post}, [original], shift_by=to - original.day)
    # The one that was made, or that was there: a copy of a copy is the same shift.
    shift_id, public_id = connection.execute(
        select(_shifts.c.id, _shifts.c.public_id)
        .where(
            _shifts.c.post_id == post.id,
            _shifts.c.starts_at == stretch.starts_at,
            _shifts.c.ends_at == stretch.ends_at,
        )
        .order_by(_shifts.c.id.desc())
        .limit(1)
    ).one()
    requests.settle(claim, outcome="copied", object_id=shift_id)
    audit.record(deed, "copy_shift", "shift", shift_id, area_path=post.area_path, of=original.public_id)
    return str(public_id)


def _copies(
    deed: Deed, by_id: Mapping[int, Any], originals: Sequence[Any], *, shift_by: timedelta
) -> tuple[int, int]:
    skills: dict[int, dict[str, int]] = defaultdict(dict)
    for each in db.connection().execute(
        select(_shift_skills).where(_shift_skills.c.shift_id.in_([row.id for row in originals]))
    ):
        skills[each.shift_id][each.skill_code] = each.needed_count
    days = [row.day + shift_by for row in originals]
    there = _there(
        by_id, _midnight(min(days) - timedelta(days=1)), _midnight(max(days) + timedelta(days=2)), live=False
    )
    rows, places, there_count = [], {}, 0
    for original in originals:
        stretch = moved(original, shift_by)
        key = (original.post_id, stretch.starts_at, stretch.ends_at)
        if key in there:
            there_count += 1
            continue
        if stretch.ends_at <= deed.now:
            continue
        there.add(key)
        row = _row(
            by_id[original.post_id],
            stretch,
            _numbers(original),
            deed.now,
            lead_person_id=original.lead_person_id,
        )
        rows.append(row)
        places[row["public_id"]] = skills[original.id]
    _write(rows, places)
    return len(rows), there_count


def moved(shift: Any, by: timedelta) -> Stretch:
    """The stretch of a shift so many days later, at the same time on the county's clocks."""
    start, end = clock.here(shift.starts_at), clock.here(shift.ends_at)
    midnight = datetime.combine(start.date(), time())
    start_minute = start.hour * 60 + start.minute
    length = int((end.replace(tzinfo=None) - midnight) / timedelta(minutes=1)) - start_minute
    if length <= 0:
        # The clocks were put back during the shift: what counts is how long it took.
        length = int((shift.ends_at - shift.starts_at) / timedelta(minutes=1))
    return rules.stretch_on(start.date() + by, start_minute=start_minute, length_minutes=length)


# --- changing -----------------------------------------------------------------------------------------------


@writing
def change_shift(*, deed: Deed, shift: str, version: int, plan: ShiftPlan) -> None:
    """Change a shift's times, numbers or lead. Whoever is on it is checked against new times, and told of them.

    Raises Conflict("shift_changed_meanwhile") when somebody changed it since `version`; RuleBroken: times_harm
    (name, why) when the new times break a rule for somebody on it, maximum_below_taken, skill_below_taken.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    held = shifts.hold_shift(deed.actor, shift)
    _ensure_live(held)
    if held.version != version:
        raise Conflict("shift_changed_meanwhile")
    rules.ensure_not_over(held.ends_at, now=deed.now)
    _ensure_plan(plan, deed.now)
    if plan.numbers.maximum < held.taken_count:
        raise RuleBroken("maximum_below_taken", field="maximum", taken=held.taken_count)
    is_moved = (plan.stretch.starts_at, plan.stretch.ends_at) != (held.starts_at, held.ends_at)
    if is_moved:
        if held.starts_at <= deed.now:
            raise RuleBroken("shift_begun", field="start")
        _ensure_only_one(held.post_id, plan.stretch, but=held.id)
        _ensure_nobody_is_harmed(held, plan.stretch)
    _change_skills(held.id, plan.numbers)
    db.connection().execute(
        update(_shifts)
        .where(_shifts.c.id == held.id)
        .values(
            day=plan.stretch.day,
            starts_at=plan.stretch.starts_at,
            ends_at=plan.stretch.ends_at,
            leave_by=rules.leave_deadline(plan.stretch.starts_at) if is_moved else _shifts.c.leave_by,
            minimum_count=plan.numbers.minimum,
            wanted_count=plan.numbers.wanted,
            maximum_count=plan.numbers.maximum,
            lead_person_id=_lead_of(held.area_path, plan.lead),
            version=_shifts.c.version + 1,
        )
    )
    if is_moved:
        _move_people(deed, held, plan.stretch)
    if plan.numbers.maximum > held.maximum_count:
        # Everybody in the queue is locked already; what is new goes to them first.
        settle(deed, places.shift_now(shift_id=held.id))
    requests.settle(claim, outcome="changed", object_id=held.id)
    audit.record(
        deed,
        "change_shift",
        "shift",
        held.id,
        area_path=held.area_path,
        is_moved=is_moved,
        numbers=[plan.numbers.minimum, plan.numbers.wanted, plan.numbers.maximum],
    )


def _ensure_live(held: shifts.HeldShift) -> None:
    if held.state is ShiftState.CANCELLED:
        raise Conflict("shift_cancelled_already")
    if held.is_closed:
        raise Conflict("shift_closed")


def _ensure_nobody_is_harmed(held: shifts.HeldShift, stretch: Stretch) -> None:
    holders = [each for each in held.signups.values() if each.state in HOLDS_A_PLACE]
    taken = shifts.taken_time(
        [each.person_id for each in holders], around=stretch, but=[each.id for each in holders]
    )
    harmed = []
    for each in holders:
        try:
            rules.ensure_time_allows(stretch, taken[each.person_id])
        except RuleBroken:
            harmed.append(each.person_id)
    if harmed:
        raise RuleBroken("times_harm", field="start", names=shifts.names_of(harmed), count=len(harmed))


def _change_skills(shift_id: int, numbers: Numbers) -> None:
    connection = db.connection()
    there = {
        row.skill_code: row
        for row in connection.execute(select(_shift_skills).where(_shift_skills.c.shift_id == shift_id))
    }
    for code, row in there.items():
        wanted = numbers.skills.get(code, 0)
        if wanted < row.taken_count:
            raise RuleBroken("skill_below_taken", field=f"skill-{code}", taken=row.taken_count)
        if not wanted:
            connection.execute(
                delete(_shift_skills).where(
                    _shift_skills.c.shift_id == shift_id, _shift_skills.c.skill_code == code
                )
            )
        elif wanted != row.needed_count:
            connection.execute(
                update(_shift_skills)
                .where(_shift_skills.c.shift_id == shift_id, _shift_skills.c.skill_code == code)
                .values(needed_count=wanted)
            )
    new = [
        {"shift_id": shift_id, "skill_code": code, "needed_count": count, "taken_count": 0}
        for code, count in sorted(numbers.skills.items())
        if count and code not in there
    ]
    if new:
        connection.execute(insert(_shift_skills).inline(), new)


def _move_people(deed: Deed, held: shifts.HeldShift, stretch: Stretch) -> None:
    """Move the time that the shift takes of everybody on it; each is told once and asked to say yes again."""
    holders = {person_id: each for person_id, each in held.signups.items() if each.state in HOLDS_A_PLACE}
    if holders:
        ids = [each.id for each in holders.values()]
        connection = db.connection()
        connection.execute(
            update(_commitments)
            .where(_commitments.c.kind == CommitmentKind.SHIFT, _commitments.c.reference_id.in_(ids))
            .values(starts_at=stretch.starts_at, ends_at=stretch.ends_at)
        )
        connection.execute(
            update(_signups).where(_signups.c.id.in_(ids)).values(confirmed_at=None, reminded_at=None)
        )
    if held.state is ShiftState.OPEN:
        tell(
            deed,
            "shift_moved",
            {person_id: {} for person_id in held.signups},
            area_path=held.area_path,
            address=page_of(held.public_id),
            post=held.post_name,
            post_en=held.post_name_en,
            before=held.starts_at.isoformat(),
            starts_at=stretch.starts_at.isoformat(),
            ends_at=stretch.ends_at.isoformat(),
        )


@writing
def cancel_shift(*, deed: Deed, shift: str) -> int:
    """Call a shift off; `deed.reason` says why. Everybody on it and in its queue is told once; returns how many.

    Their time is free again. A draft, which nobody was on, is thrown away without a word.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return 0
    reason = " ".join((deed.reason or "").split())
    if not reason:
        raise RuleBroken("reason_missing", field="reason")
    if len(reason) > REASON_LENGTH:
        raise RuleBroken("text_too_long", field="reason", maximum=REASON_LENGTH)
    held = shifts.hold_shift(deed.actor, shift)
    _ensure_live(held)
    rules.ensure_not_over(held.ends_at, now=deed.now)
    told = clear(deed, shift_id=held.id)
    db.connection().execute(
        update(_shifts)
        .where(_shifts.c.id == held.id)
        .values(
            state=ShiftState.CANCELLED,
            cancelled_at=deed.now,
            cancel_reason=reason,
            version=_shifts.c.version + 1,
        )
    )
    if told:
        tell(
            deed,
            "shift_cancelled",
            {person_id: {} for person_id in told},
            area_path=held.area_path,
            address=page_of(held.public_id),
            post=held.post_name,
            post_en=held.post_name_en,
            starts_at=held.starts_at.isoformat(),
            reason=reason,
        )
    requests.settle(claim, outcome="cancelled", object_id=held.id)
    audit.record(deed, "cancel_shift", "shift", held.id, area_path=held.area_path, people=len(told))
    return len(told)


# --- publishing ---------------------------------------------------------------------------------------------


@writing
def publish_shift(*, deed: Deed, shift: str) -> None:
    """Open one draft: from now on it can be taken."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    held = shifts.hold_shift(deed.actor, shift)
    if held.state is not ShiftState.DRAFT:
        raise Conflict("shift_no_draft")
    rules.ensure_not_over(held.ends_at, now=deed.now)
    _open([held.id])
    requests.settle(claim, outcome="published", object_id=held.id)
    audit.record(deed, "publish_shift", "shift", held.id, area_path=held.area_path)


@writing
def publish_days(*, deed: Deed, area: str, first: date, last: date) -> int:
    """Open the drafts of these days that are not over; returns how many."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    rules.ensure_span(first, last)
    by_id = {row.id: row for row in _managed_posts(deed, area)}
    path = _path(by_id)
    found = (
        db.connection()
        .execute(
            select(_shifts.c.id)
            .where(
                _shifts.c.post_id.in_(sorted(by_id)),
                _shifts.c.day >= first,
                _shifts.c.day <= last,
                _shifts.c.state == ShiftState.DRAFT,
                _shifts.c.ends_at > deed.now,
            )
            .order_by(_shifts.c.id)
            .with_for_update()
        )
        .scalars()
        .all()
    )
    if not found or path is None:
        raise RuleBroken("no_drafts")
    _open(found)
    requests.settle(claim, outcome="published", object_id=len(found))
    audit.record(
        deed, "publish_shifts", "shift", None, area_path=path, published=len(found), of=[first, last]
    )
    return len(found)


def _open(shift_ids: Sequence[int]) -> None:
    db.connection().execute(
        update(_shifts)
        .where(_shifts.c.id.in_(shift_ids))
        .values(state=ShiftState.OPEN, version=_shifts.c.version + 1)
    )
