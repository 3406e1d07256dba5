"""Why a place stays empty 为什么空着."""

from collections.abc import Iterator

from webapp.domain.rosters.rules import GapReason
from webapp.domain.rosters.solver.problem import Gap
from webapp.domain.rosters.solver.roster import Roster


def gaps(roster: Roster) -> Iterator[Gap]:
    """What stays empty in each shift, places for skills first, with the first reason that holds for everybody."""
    board = roster.board
    for number, shift in enumerate(board.shifts):
        left = roster.open[number]
        for place in board.of_shift[number]:
            missing = min(left, roster.room[place])
            if missing:
                skill = board.places[place].skill
                yield Gap(shift.id, skill, missing, _reason(roster, number, skill))
                left -= missing


def _reason(roster: Roster, number: int, skill: str | None) -> GapReason:
    board, shift = roster.board, roster.board.shifts[number]
    asked = board.asked(shift.pools, shift.traits)
    if not asked:
        return GapReason.NOBODY_THERE
    able = [person for person in asked if skill is None or board.has_skill(person, skill, shift)]
    if not able:
        return GapReason.NOBODY_WITH_SKILL
    inside = [person for person in able if board.people[person].side == shift.side]
    if not inside:
        return GapReason.OTHER_SIDE_OF_CORDON
    found = {_hindrance(roster, person, number) for person in inside}
    # Each reason takes in those before it: who is taken does not stand for who is resting, but both are gone.
    order = (GapReason.ALL_RESTING, GapReason.ALL_TAKEN, GapReason.NOT_AVAILABLE, GapReason.TIME_LIMIT)
    return max(found, key=order.index)


def _hindrance(roster: Roster, person: int, number: int) -> GapReason:
    """What keeps one person from the shift, or that only the time to seat them was missing."""
    board = roster.board
    slot = board.slots[board.time[number]]
    others = [*board.fixed[person], *(board.slots[board.time[each]] for each in roster.held[person])]
    if any(each.start < slot.end and slot.start < each.end for each in others):
        return GapReason.ALL_TAKEN
    if not roster.fits(person, number):
        return GapReason.ALL_RESTING
    if board.people[person].not_available & board.shifts[number].half_days:
        return GapReason.NOT_AVAILABLE
    return GapReason.TIME_LIMIT
