"""A person's own account: signing out, how they like to read; and sign-ins that are over."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update

from webapp.base import audit, db, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.domain.accounts import rules
from webapp.domain.accounts.models import SignIn, SignInCode, User
from webapp.domain.accounts.services.parts import Preferences

_users: Any = User.__table__
_sign_ins: Any = SignIn.__table__
_codes: Any = SignInCode.__table__


@writing
def sign_out(*, deed: Deed, sign_in_id: int) -> None:
    """Sign this browser of the actor out."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    db.connection().execute(
        delete(_sign_ins).where(_sign_ins.c.id == sign_in_id, _sign_ins.c.user_id == deed.actor.user_id)
    )
    audit.record(deed, "sign_out", "user", deed.actor.user_id)
    requests.settle(claim, outcome="signed_out", object_id=deed.actor.user_id)


@writing
def sign_out_everywhere(*, deed: Deed) -> None:
    """Sign every browser of the actor out."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    gone = db.connection().execute(delete(_sign_ins).where(_sign_ins.c.user_id == deed.actor.user_id))
    audit.record(deed, "sign_out_everywhere", "user", deed.actor.user_id, count=gone.rowcount)
    requests.settle(claim, outcome="signed_out", object_id=deed.actor.user_id)


@writing
def change_preferences(*, deed: Deed, preferences: Preferences) -> None:
    """Keep in the actor's profile how they like to read."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    values = {name: value for name, value in asdict(preferences).items() if value is not None}
    if values:
        db.connection().execute(update(_users).where(_users.c.id == deed.actor.user_id).values(**values))
        audit.record(deed, "change_preferences", "user", deed.actor.user_id, **values)
    requests.settle(claim, outcome="changed", object_id=deed.actor.user_id)


@writing
def tidy_sign_ins(*, now: datetime) -> int:
    """Delete sign-ins and codes that are over; readers ignore them already. Returns how many."""
    connection = db.connection()
    sign_ins = connection.execute(delete(_sign_ins).where(_sign_ins.c.expires_at <= now)).rowcount
    codes = connection.execute(delete(_codes).where(_codes.c.expires_at <= now - rules.CODE_PAUSE)).rowcount
    count: int = sign_ins + codes
    return count
