"""Steering a call-up while it runs: start, pause, resume, next wave now, wider now, other numbers, end.

Each step locks the call-up's row first (it raises the version) and then looks: of two who press at once one does
it, and the other is told what holds now.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import func, select, update

from webapp.base import audit, clock, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotFound, RuleBroken
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import ancestor_paths
from webapp.domain.mobilization import rules
from webapp.domain.mobilization.models import CallUp, CallUpRole, Wave
from webapp.domain.mobilization.queries import scope
from webapp.domain.mobilization.queries.call_ups import TIERS
from webapp.domain.mobilization.rules import CallUpState, Certainty, EventKind
from webapp.domain.mobilization.services.board import touch_board
from webapp.domain.mobilization.services.engine import take_back_unsent
from webapp.domain.mobilization.services.timeline import note_event

_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_waves: Any = Wave.__table__
_areas: Any = Area.__table__

REASON_LENGTH = 200


def _lock(deed: Deed, public_id: str, step: str) -> Any:
    """The row as it stands now, held until the transaction ends; Conflict when this step makes no sense any more."""
    found = scope.managed_call_up(deed.actor, public_id)
    row = (
        db.connection()
        .execute(
            update(_call_ups)
            .where(_call_ups.c.id == found.id)
            .values(version=_call_ups.c.version + 1)
            .returning(_call_ups)
        )
        .one_or_none()
    )
    if row is None:
        raise NotFound
    rules.ensure_step(step, CallUpState(row.state))
    return row


def _set(call_up_id: int, **values: Any) -> None:
    db.connection().execute(update(_call_ups).where(_call_ups.c.id == call_up_id).values(**values))


def _done(
    deed: Deed, claim: requests.Claim, row: Any, verb: str, kind: EventKind | None, **facts: Any
) -> None:
    """The lines that every step leaves, and the board's new version last."""
    if kind is not None:
        if deed.reason:
            facts["reason"] = deed.reason
        note_event(kind, call_up_id=row.id, at=deed.now, by=deed.actor.key, **facts)
        facts.pop("reason", None)
    requests.settle(claim, outcome=verb, object_id=row.id)
    audit.record(deed, verb, "call_up", row.id, area_path=row.area_path, **facts)
    touch_board(row.id)


def _ensure_reason(deed: Deed) -> None:
    if not (deed.reason or "").strip():
        raise RuleBroken("reason_missing", field="reason")
    if len(deed.reason or "") > REASON_LENGTH:
        raise RuleBroken("text_too_long", field="reason", maximum=REASON_LENGTH)


@writing
def start_call_up(*, deed: Deed, call_up: str, quiet_reason: str = "") -> None:
    """Begin to call. The engine sends the first wave within a second, or when the quiet hours end.

    Raises Conflict("call_up_moved_on") when somebody started it already; RuleBroken as `ensure_times` (the clock
    has gone on since it was written) and `ensure_may_call`.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _lock(deed, call_up, "start")
    rules.ensure_times(
        starts_at=row.starts_at, ends_at=row.ends_at, reply_minutes=row.reply_minutes, now=deed.now
    )
    reason = " ".join(quiet_reason.split()) or row.quiet_reason
    if len(reason or "") > REASON_LENGTH:
        raise RuleBroken("text_too_long", field="quiet_reason", maximum=REASON_LENGTH)
    rules.ensure_may_call(
        here=clock.here(deed.now), starts_at=row.starts_at, is_drill=row.is_drill, reason=reason
    )
    _set(
        row.id,
        state=CallUpState.RUNNING,
        started_at=deed.now,
        next_at=deed.now,
        tier_path=row.tier_path,
        quiet_reason=reason,
    )
    _done(
        deed,
        claim,
        row,
        "start_call_up",
        EventKind.STARTED,
        places=_places(row.id),
        overrides_quiet_hours=rules.quiet_ends(clock.here(deed.now)) is not None and reason is not None,
    )


def _places(call_up_id: int) -> int:
    total = db.connection().execute(
        select(func.sum(_roles.c.wanted_count)).where(_roles.c.call_up_id == call_up_id)
    )
    return int(total.scalar_one() or 0)


@writing
def pause_call_up(*, deed: Deed, call_up: str) -> None:
    """Ask nobody more for now; who was asked may answer. Conflict when it does not run."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _lock(deed, call_up, "pause")
    _set(row.id, state=CallUpState.PAUSED, next_at=None)
    _done(deed, claim, row, "pause_call_up", EventKind.PAUSED)


@writing
def resume_call_up(*, deed: Deed, call_up: str) -> None:
    """Go on calling where places are open. Conflict when it is not paused, RuleBroken when its time is over."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _lock(deed, call_up, "resume")
    if row.ends_at <= deed.now:
        raise RuleBroken("call_up_time_over")
    _set(row.id, state=CallUpState.RUNNING, next_at=deed.now)
    _done(deed, claim, row, "resume_call_up", EventKind.RESUMED)


def _ensure_open(call_up_id: int) -> None:
    found = db.connection().execute(
        select(_roles.c.id)
        .where(_roles.c.call_up_id == call_up_id, _roles.c.taken_count < _roles.c.wanted_count)
        .limit(1)
    )
    if found.scalar() is None:
        raise Conflict("call_up_is_full")


@writing
def hurry_call_up(*, deed: Deed, call_up: str, seen: int) -> None:
    """Send the next wave now, with the deed's reason. `seen` is the count of waves that the person saw.

    Conflict("wave_went_out") when another one went out since: of two who press at once, one sends it.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    _ensure_reason(deed)
    row = _lock(deed, call_up, "hurry")
    _ensure_seen(row, seen, deed.now)
    _set(row.id, next_at=deed.now)
    _done(deed, claim, row, "hurry_call_up", EventKind.HURRIED)


def _ensure_seen(row: Any, seen: int, now: datetime) -> None:
    """Nobody asks more people twice because two pressed, or because a wave went out while they looked."""
    _ensure_open(row.id)
    rules.ensure_not_quiet(here=clock.here(now), is_drill=row.is_drill, reason=row.quiet_reason)
    is_about_to = row.next_at is not None and row.next_at <= now
    waves = db.connection().execute(
        select(func.count()).select_from(_waves).where(_waves.c.call_up_id == row.id)
    )
    if is_about_to or waves.scalar_one() != seen:
        raise Conflict("wave_went_out")


@writing
def widen_call_up(*, deed: Deed, call_up: str, seen: str) -> None:
    """Call also in the next wider area now, with the deed's reason. `seen` is the public id of the present one.

    Conflict("already_widened") when it was widened since; RuleBroken("widest_already") at the county.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    _ensure_reason(deed)
    row = _lock(deed, call_up, "widen")
    tiers = (
        db.connection()
        .execute(
            select(_areas.c.public_id, _areas.c.path)
            .where(_areas.c.path.in_(ancestor_paths(row.tier_path)), _areas.c.level.in_(TIERS))
            .order_by(_areas.c.path.desc())
        )
        .all()
    )
    if tiers[0].public_id != seen:
        raise Conflict("already_widened")
    if len(tiers) < 2:
        raise RuleBroken("widest_already")
    _ensure_open(row.id)
    if row.state == CallUpState.RUNNING:
        rules.ensure_not_quiet(here=clock.here(deed.now), is_drill=row.is_drill, reason=row.quiet_reason)
    wider = tiers[1].path
    _set(
        row.id,
        tier_path=wider,
        widest_path=min(wider, row.widest_path, key=len),
        next_at=deed.now if row.state == CallUpState.RUNNING else None,
    )
    _done(deed, claim, row, "widen_call_up", EventKind.WIDENED, tier=wider)


@writing
def change_numbers(
    *, deed: Deed, call_up: str, seen: Mapping[str, int], wanted: Mapping[str, int], certainty: Certainty
) -> None:
    """Other numbers of places (role's public id → how many), another certainty, while it runs.

    `seen` are the numbers that the person saw: Conflict("numbers_changed") when they are not those any more.
    RuleBroken("below_taken") when fewer are wanted than have said yes.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = _lock(deed, call_up, "change")
    connection = db.connection()
    changed: dict[str, list[int]] = {}
    for role in connection.execute(
        select(_roles).where(_roles.c.call_up_id == row.id).order_by(_roles.c.position)
    ).all():
        count = wanted.get(role.public_id, role.wanted_count)
        if count == role.wanted_count:
            continue
        if seen.get(role.public_id) != role.wanted_count:
            raise Conflict("numbers_changed")
        if not 0 < count <= rules.MOST_PLACES:
            raise RuleBroken(
                "call_up_places_wrong", field=f"wanted_{role.public_id}", maximum=rules.MOST_PLACES
            )
        done = connection.execute(
            update(_roles)
            .where(_roles.c.id == role.id, _roles.c.taken_count <= count)
            .values(wanted_count=count, short_because=None)
        )
        if not done.rowcount:
            taken = connection.execute(
                select(_roles.c.taken_count).where(_roles.c.id == role.id)
            ).scalar_one()
            raise RuleBroken("below_taken", field=f"wanted_{role.public_id}", taken=taken)
        changed[str(role.position)] = [role.wanted_count, count]
    if not changed and certainty == row.certainty:
        raise RuleBroken("nothing_changed")
    _set(
        row.id,
        certainty=certainty,
        next_at=deed.now if row.state == CallUpState.RUNNING else None,
    )
    _done(
        deed,
        claim,
        row,
        "change_numbers",
        EventKind.CHANGED,
        places=changed,
        certainty=str(certainty),
    )


@writing
def end_call_up(*, deed: Deed, call_up: str) -> None:
    """Call nobody any more, also whom a wave has chosen and not reached yet; who said yes still comes.

    Needs the deed's reason; Conflict when it has ended.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    _ensure_reason(deed)
    row = _lock(deed, call_up, "end")
    _set(
        row.id,
        state=CallUpState.ENDED,
        next_at=None,
        ended_at=deed.now,
        end_reason=(deed.reason or "").strip(),
    )
    # A wave may be on its way out: whose message has not left yet is spared it.
    spared = take_back_unsent(deed, row)
    _done(deed, claim, row, "end_call_up", EventKind.ENDED, **({"spared": spared} if spared else {}))
