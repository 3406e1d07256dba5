"""Shifts fall apart into parts that share nobody: what is best in each is best in all."""

from dataclasses import dataclass

from webapp.domain.rosters.solver.board import Board

Score = tuple[int, int, int]
"""Minimum places, wanted places, places for skills: more of the first is better than all of the others."""


@dataclass(slots=True)
class Part:
    """Shifts that share people with each other and with no others. `pairs`: a place and who could take it.

    `bound` is what no proposal exceeds; `is_proven`: it was reached, or nothing better exists.
    """

    shifts: list[int]
    people: list[int]
    pairs: int
    bound: Score = (0, 0, 0)
    is_proven: bool = False


def parts(board: Board) -> list[Part]:
    """The parts of a board, in the order of their first shift; shifts with nothing open belong to none."""
    root = list(range(len(board.people)))

    def find(person: int) -> int:
        while root[person] != person:
            root[person] = root[root[person]]
            person = root[person]
        return person

    able: dict[int, set[int]] = {}
    for place in board.places:
        if place.open and place.people:
            able.setdefault(place.shift, set()).update(place.people)
    for people in able.values():
        first = find(min(people))
        for person in sorted(people):
            root[find(person)] = first
    found: dict[int, Part] = {}
    for shift in sorted(able):
        part = found.setdefault(find(min(able[shift])), Part([], [], 0))
        part.shifts.append(shift)
        part.pairs += sum(len(board.places[each].people) for each in board.of_shift[shift])
    for person in sorted(set().union(*able.values())):
        found[find(person)].people.append(person)
    return list(found.values())
