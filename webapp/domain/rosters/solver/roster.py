"""A proposal in the making: who sits where, who still fits, what one more hour of somebody weighs."""

from collections.abc import Iterable, Sequence

from webapp.domain.rosters.rules import MOST_DAYS_IN_A_ROW
from webapp.domain.rosters.solver.board import DAY_SECONDS, MOST_SECONDS, Board, Slot


class Roster:
    """New seats on a board. `held[p]` maps the shifts of a person to the number of the place, `on[k]` are the people.

    `open[s]`, `room[k]` and `short[s]` count down what is still open in a shift, in a kind of places and for the
    minimum; `short` goes below zero where more than the minimum came.
    """

    def __init__(self, board: Board) -> None:
        self.board = board
        self.held: list[dict[int, int]] = [{} for _ in board.people]
        self.mask = [0] * len(board.people)
        self.on: list[set[int]] = [set() for _ in board.places]
        self.open = list(board.open)
        self.short = list(board.short)
        self.room = [place.open for place in board.places]
        self.load = list(board.load)

    def sit(self, place: int, person: int) -> None:
        """Give the person a place of that number."""
        shift = self.board.places[place].shift
        self.held[person][shift] = place
        self.mask[person] |= 1 << self.board.time[shift]
        self.on[place].add(person)
        self._count(shift, place, person, 1)

    def rise(self, place: int, person: int) -> None:
        """Take it away again."""
        shift = self.board.places[place].shift
        del self.held[person][shift]
        self.mask[person] &= ~(1 << self.board.time[shift])
        self.on[place].discard(person)
        self._count(shift, place, person, -1)

    def _count(self, shift: int, place: int, person: int, sign: int) -> None:
        self.open[shift] -= sign
        self.short[shift] -= sign
        self.room[place] -= sign
        self.load[person] += sign * self.board.minutes[shift]

    def has_room(self, place: int) -> bool:
        """Whether one more may sit there."""
        return self.room[place] > 0 and self.open[self.board.places[place].shift] > 0

    def fits(self, person: int, shift: int) -> bool:
        """Whether the person's time allows the shift beside all that they have: what ensure_time_allows says."""
        board = self.board
        time = board.time[shift]
        if self.mask[person] & board.clashes[time] or not board.free[person] >> time & 1:
            return False
        held, fixed = self.held[person], board.fixed[person]
        if len(held) + len(fixed) < 2:
            return True
        others = [board.slots[board.time[each]] for each in held]
        others.extend(fixed)
        new = board.slots[time]
        return days_allow(new.day, {each.day for each in others}) and window_allows(new, others)

    def in_the_way(self, person: int, shift: int) -> list[int]:
        """The person's new shifts of which one or all would have to go for this one, nearest first."""
        board = self.board
        if not board.free[person] >> board.time[shift] & 1:
            return []
        clashes = board.clashes[board.time[shift]]
        clashing = [each for each in self.held[person] if clashes >> board.time[each] & 1]
        if clashing:
            return clashing
        start = board.slots[board.time[shift]].start
        return sorted(
            self.held[person], key=lambda each: (abs(board.slots[board.time[each]].start - start), each)
        )

    def seats(self, shifts: Iterable[int] | None = None) -> list[tuple[int, int]]:
        """The new seats of these shifts, or all, as (place, person), in order."""
        board = self.board
        places = (
            range(len(self.on)) if shifts is None else (k for shift in shifts for k in board.of_shift[shift])
        )
        return [(place, person) for place in places for person in sorted(self.on[place])]

    def price(self, people: Iterable[int], least: int) -> int:
        """What the new minutes of these people weigh, their loads counted over `least` (see problem.Fairness)."""
        return sum(
            (self.load[person] - least) ** 2 - (self.board.load[person] - least) ** 2 for person in people
        )

    def score(self, shifts: Iterable[int]) -> tuple[int, int, int]:
        """What counts first: minimum places, wanted places and skill places of these shifts that were filled."""
        board = self.board
        minimum = wanted = skilled = 0
        for shift in shifts:
            new = board.open[shift] - self.open[shift]
            wanted += new
            minimum += min(board.short[shift], new)
            skilled += sum(
                len(self.on[k]) for k in board.of_shift[shift] if board.places[k].skill is not None
            )
        return minimum, wanted, skilled


def days_allow(day: int, days: set[int]) -> bool:
    """Whether a day beside the others makes at most six in a row."""
    if len(days) < MOST_DAYS_IN_A_ROW:
        return True
    first = last = day
    while first - 1 in days:
        first -= 1
    while last + 1 in days:
        last += 1
    return last - first < MOST_DAYS_IN_A_ROW


def window_allows(new: Slot, others: Sequence[Slot]) -> bool:
    """Whether no 24 hours that touch `new` hold more than ten hours of it and the others."""
    near = [
        each for each in others if each.end > new.start - DAY_SECONDS and each.start < new.end + DAY_SECONDS
    ]
    if len(near) < 2:
        # Alone and in pairs the times were compared when the board was made.
        return True
    near.append(new)
    for start in [each.start for each in near] + [each.end - DAY_SECONDS for each in near]:
        end = start + DAY_SECONDS
        if start < new.end and new.start < end:
            inside = sum(
                min(each.end, end) - max(each.start, start)
                for each in near
                if each.end > start and each.start < end
            )
            if inside > MOST_SECONDS:
                return False
    return True
