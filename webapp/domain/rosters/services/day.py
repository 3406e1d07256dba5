"""The day at a post: check in and out, relief, the hand-over note, a new check-in code."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, Gone, NotAllowed, NotFound, RuleBroken
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import HandoverNote, Post
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.queries.day import DayShift
from webapp.domain.rosters.rules import Evidence, Mark
from webapp.domain.rosters.services.evidence import attendance_of, name_of, settle, write_attendance

_posts: Any = Post.__table__
_notes: Any = HandoverNote.__table__
NOTE_LENGTH = 500


@dataclass(frozen=True)
class Noted:
    """What came of a press: the shift and the instant that counts. `is_doubtful`: the phone's clock was not believed."""

    shift: str
    at: datetime
    was_offline: bool = False
    is_doubtful: bool = False


def _again(claim: requests.Claim, deed: Deed) -> Noted:
    """What was answered before: the shift stands in the outcome."""
    return Noted(shift=(claim.outcome or "").removeprefix("shift:"), at=deed.now)


def _person(deed: Deed) -> int:
    if deed.actor.person_id is None:
        raise NotFound
    return deed.actor.person_id


@writing
def check_in(*, deed: Deed, shift: str, code: str, phone_at: datetime | None = None) -> Noted:
    """Write that the actor is at the post: with its code, from an hour before the start to the end of the shift.

    `phone_at` is when the phone says that the button was pressed; see `rules.believed`. Who is checked in already
    stays so. Raises NotFound for a shift that is not theirs or a forged code, Gone for an old code or
    check_in_over, RuleBroken check_in_not_yet.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim, deed)
    person_id = _person(deed)
    the_shift = day.get_own_shift(actor=deed.actor, public_id=shift, for_update=True)
    day.ensure_code(code, post_public_id=the_shift.post_public_id, version=the_shift.code_version)
    told = rules.believed(
        phone_at=phone_at,
        now=deed.now,
        opens_at=the_shift.starts_at - rules.CHECK_IN_OPENS,
        closes_at=the_shift.ends_at,
    )
    if told is None:
        if deed.now < the_shift.starts_at:
            raise RuleBroken("check_in_not_yet", at=the_shift.starts_at - rules.CHECK_IN_OPENS)
        raise Gone("check_in_over")
    requests.settle(claim, outcome=f"shift:{shift}", object_id=the_shift.id)
    before = attendance_of(the_shift.id, person_id)
    if before is not None and before.arrived_at is not None:
        return Noted(shift, before.arrived_at, before.was_offline, before.is_doubtful)
    attendance_id = write_attendance(
        deed,
        the_shift.id,
        person_id,
        before,
        mark=Mark.PRESENT,
        arrived_at=told.at,
        arrived_from=Evidence.CHECK_IN,
        was_offline=told.was_offline,
        is_doubtful=told.is_doubtful,
    )
    settle(deed, the_shift, [attendance_id])
    audit.record(
        deed,
        "check_in",
        "shift",
        the_shift.id,
        area_path=the_shift.area_path,
        attendance_id=attendance_id,
        at=told.at,
        was_offline=told.was_offline,
        is_doubtful=told.is_doubtful,
        mark_before=None if before is None else before.mark,
    )
    return Noted(shift, told.at, told.was_offline, told.is_doubtful)


@writing
def check_out(*, deed: Deed, shift: str, code: str | None = None, phone_at: datetime | None = None) -> Noted:
    """Write that the actor left. Time after the planned end counts only with the code of the post, up to two hours.

    A later press changes nothing, but one that lay on the phone replaces what the rule had closed. Raises Conflict
    not_checked_in, Gone check_out_over.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _again(claim, deed)
    the_shift = day.get_own_shift(actor=deed.actor, public_id=shift, for_update=True)
    if code:
        day.ensure_code(code, post_public_id=the_shift.post_public_id, version=the_shift.code_version)
    before = attendance_of(the_shift.id, _person(deed))
    if before is None or before.arrived_at is None:
        raise Conflict("not_checked_in")
    requests.settle(claim, outcome=f"shift:{shift}", object_id=the_shift.id)
    if before.left_at is not None and before.left_from is not Evidence.RULE:
        return Noted(shift, before.left_at)
    told = rules.believed(
        phone_at=phone_at,
        now=deed.now,
        opens_at=before.arrived_at,
        closes_at=the_shift.ends_at + rules.CHECK_OUT_CLOSES,
    )
    if told is None:
        raise Gone("check_out_over")
    left_at = told.at if code else max(before.arrived_at, min(told.at, the_shift.ends_at))
    _leave(deed, the_shift, before, left_at, Evidence.CHECK_IN, told)
    return Noted(shift, left_at, told.was_offline, told.is_doubtful)


def _leave(
    deed: Deed, shift: DayShift, before: Any, left_at: datetime, source: Evidence, told: rules.Told
) -> None:
    attendance_id = write_attendance(
        deed,
        shift.id,
        before.person_id,
        before,
        left_at=left_at,
        left_from=source,
        was_offline=before.was_offline or told.was_offline,
        is_doubtful=before.is_doubtful or told.is_doubtful,
    )
    settle(deed, shift, [attendance_id])
    audit.record(
        deed,
        "check_out",
        "shift",
        shift.id,
        area_path=shift.area_path,
        attendance_id=attendance_id,
        at=left_at,
        was_offline=told.was_offline,
        is_doubtful=told.is_doubtful,
    )


def check_out_for_relief(*, deed: Deed, shift_id: int, person_id: int) -> bool:
    """End the stretch of somebody who is relieved 换下来 now; whether there was one. Inside the deed of the relief.

    The caller has changed the sign-ups and takes this last: it locks the shift. Who was not marked present is left
    as they are; roll call shows until when they had the place.
    """
    shift = day.lock_shift(shift_id)
    before = attendance_of(shift_id, person_id)
    if before is None or before.mark is not Mark.PRESENT:
        return False
    if before.left_at is not None and before.left_from is not Evidence.RULE:
        return False
    arrived_at = before.arrived_at or shift.starts_at
    left_at = max(arrived_at, min(deed.now, shift.ends_at))
    attendance_id = write_attendance(
        deed,
        shift_id,
        person_id,
        before,
        arrived_at=arrived_at,
        arrived_from=before.arrived_from or Evidence.ROLL_CALL,
        left_at=left_at,
        left_from=Evidence.ROLL_CALL,
    )
    settle(deed, shift, [attendance_id])
    return True


@writing
def write_note(*, deed: Deed, shift: str, text: str) -> int:
    """Leave a hand-over note 交接事项 for the next shift at the post: who is on the shift, or leads it."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return claim.object_id or 0
    try:
        the_shift = day.get_own_shift(actor=deed.actor, public_id=shift)
    except NotFound:
        the_shift = day.get_led_shift(actor=deed.actor, public_id=shift)
    text = text.strip()
    if not text:
        raise RuleBroken("note_empty", field="text")
    if len(text) > NOTE_LENGTH:
        raise RuleBroken("text_too_long", field="text", maximum=NOTE_LENGTH)
    note_id: int = (
        db.connection()
        .execute(
            insert(_notes).returning(_notes.c.id),
            {
                "shift_id": the_shift.id,
                "text": text,
                "written_by": name_of(deed),
                "written_at": deed.now,
            },
        )
        .scalar_one()
    )
    requests.settle(claim, outcome="noted", object_id=note_id)
    audit.record(deed, "write_note", "shift", the_shift.id, area_path=the_shift.area_path, note_id=note_id)
    return note_id


@writing
def renew_code(*, deed: Deed, post: str) -> int:
    """Give a post a new check-in code: posters with the old one no longer check anybody in. Returns the version."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return int((claim.outcome or "version:0").removeprefix("version:"))
    the_post = day.get_post_code(actor=deed.actor, public_id=post, for_update=True)
    if not the_post.may_manage:
        raise NotAllowed
    version = the_post.version + 1
    db.connection().execute(update(_posts).where(_posts.c.id == the_post.id).values(code_version=version))
    requests.settle(claim, outcome=f"version:{version}", object_id=the_post.id)
    audit.record(deed, "renew_code", "post", the_post.id, area_path=the_post.area_path, version=version)
    return version
