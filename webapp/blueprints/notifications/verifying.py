"""Staff ask reservists by SMS whether their numbers work: one of them, or all that nobody has answered from."""

from flask import render_template, url_for

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.errors import NotAllowed
from webapp.base.permissions import Permission
from webapp.blueprints.notifications import bp
from webapp.domain.mobilization.queries import reserve_person
from webapp.domain.mobilization.queries.verifying import people_looked_after
from webapp.domain.notifications import rules, services
from webapp.domain.notifications.queries import contacts
from webapp.web.guard import current_actor, deed, requires
from webapp.web.htmx import answer


@bp.get("/verify")
@requires(Permission.RESERVE_MANAGE)
def show_unproved():
    """How many numbers of the reserve are not proved, and what asking them costs."""
    actor = current_actor()
    found = contacts.count_unproved(
        people=people_looked_after(actor=actor), since=clock.now() - rules.CHECK_AGAIN_AFTER
    )
    return render_template(
        "notifications/verify.html", found=found, count=min(found.to_ask, rules.ASKED_AT_ONCE)
    )


@bp.post("/verify")
@requires(Permission.RESERVE_MANAGE)
def ask_all_to_verify():
    """Ask them all."""
    actor = current_actor()
    services.ask_to_verify(deed=deed(), people=people_looked_after(actor=actor), area_path=_area(actor))
    return answer(otherwise=url_for("notifications.show_unproved"), code="asked")


def _area(actor: Actor) -> str:
    """In whose name: the first area that the actor calls people for."""
    return actor.paths(Permission.RESERVE_MANAGE)[0]


@bp.post("/reservists/<public_id>/verify")
@requires(Permission.RESERVE_MANAGE)
def ask_to_verify(public_id: str):
    """Ask a reservist by SMS whether the unproved numbers work."""
    found = reserve_person.get_reservist(actor=current_actor(), public_id=public_id, now=clock.now())
    if not found.may_manage:
        raise NotAllowed
    count = services.ask_to_verify(deed=deed(), people=[found.person_id], area_path=found.area_path)
    back = url_for("mobilization.show_reservist", public_id=public_id, asked=int(count > 0))
    return answer(otherwise=back, code="asked" if count else "nobody_to_ask")
