"""What a volunteer sees: shifts that can be taken with the reason why one does not fit, their own, and one shift."""

from webapp.base.actor import Actor
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.domain.households.queries import get_place_of
from webapp.domain.rosters.queries.places import ShiftNow
from webapp.domain.rosters.queries.takers import Me


def sees(me: Me, *, area_path: str, team_id: int | None) -> bool:
    """Whether a volunteer is shown a post: of the own community, of the places above it, of the own team."""
    if me.team_id is not None and me.team_id == team_id:
        return True
    return bool(me.here) and (area_path.startswith(me.here) or me.here.startswith(area_path))


def ensure_sees(actor: Actor, me: Me, shift: ShiftNow, *, is_on_it: bool = False) -> None:
    """NotFound where the shift is not the actor's to see: neither as a volunteer, nor as a resident, nor as staff."""
    if is_on_it or sees(me, area_path=shift.area_path, team_id=shift.team_id):
        return
    if actor.can(Permission.ROSTER_SEE, shift.area_path):
        return
    if not me.is_volunteer:
        here = get_place_of(actor=actor).community_path
        if here and shift.area_path.startswith(here):
            return
    raise NotFound
