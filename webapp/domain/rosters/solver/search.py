"""A good proposal quickly: the scarce first, then chains of changes for what stays empty, then evening out."""

from collections.abc import Callable, Iterable, Sequence

from webapp.domain.rosters.solver.board import Board
from webapp.domain.rosters.solver.roster import Roster

Clock = Callable[[], bool]
"""Whether the time is over."""

MOST_STEPS = 4000
# What a wish and the way weigh against load while evening out, in minutes of load.
UNKNOWN_MINUTES = 20
FAR_MINUTES = 5


class Search:
    """Fills a roster, for which people and places have been weighed once."""

    def __init__(self, board: Board, is_over: Clock) -> None:
        self.board = board
        self.is_over = is_over
        self.worth = worth(board)
        self._way: dict[tuple[str, str], int] = {}
        self._log: list[tuple[bool, int, int]] = []
        self._steps = 0

    def fill(self, roster: Roster, shifts: Iterable[int]) -> None:
        """Minimum places, then wanted ones, then places for skills; stops with what there is when the time is over."""
        board = self.board
        order = sorted((place for shift in shifts for place in board.of_shift[shift]), key=self._slack)
        self._seat_all(roster, order, lambda k: roster.short[board.places[k].shift] > 0, self._over_minimum)
        self._seat_all(roster, order, lambda _: True, None)
        skilled = [k for k in order if board.places[k].skill is not None]
        self._seat_all(roster, skilled, lambda _: True, self._general_over_minimum)

    def _slack(self, place: int) -> tuple[float, int]:
        kind = self.board.places[place]
        return len(kind.people) / max(1, kind.open), place

    def _seat_all(
        self,
        roster: Roster,
        order: Iterable[int],
        is_due: Callable[[int], bool],
        may_drop: Callable[[Roster, int], bool] | None,
    ) -> None:
        """Seat one after the other without moving anybody, then with chains where that was not enough."""
        left = []
        for place in order:
            if self.is_over():
                return
            while is_due(place) and self._can_add(roster, place, may_drop):
                person = self.best(roster, place) if roster.has_room(place) else None
                if person is None:
                    left.append(place)
                    break
                roster.sit(place, person)
        for place in left:
            if self.is_over():
                return
            while (
                is_due(place)
                and self._can_add(roster, place, may_drop)
                and self.chain(roster, place, may_drop)
            ):
                pass

    def _can_add(self, roster: Roster, place: int, may_drop: Callable[[Roster, int], bool] | None) -> bool:
        """Whether the kind has room, and the shift too or somebody in it may go."""
        return roster.room[place] > 0 and (may_drop == self._general_over_minimum or roster.has_room(place))

    def _over_minimum(self, roster: Roster, place: int) -> bool:
        return roster.short[self.board.places[place].shift] <= 0

    def _general_over_minimum(self, roster: Roster, place: int) -> bool:
        return self.board.places[place].skill is None and self._over_minimum(roster, place)

    def best(self, roster: Roster, place: int) -> int | None:
        """Whom to seat if somebody fits: who would be missed least elsewhere, has least, likes it, lives near."""
        kind = self.board.places[place]
        fitting = [person for person in kind.people if roster.fits(person, kind.shift)]
        if not fitting:
            return None
        return min(
            fitting,
            key=lambda p: (self.worth[p], roster.load[p] + self.dislike(p, kind.shift), p),
        )

    def dislike(self, person: int, shift: int) -> int:
        """What speaks against it although it is allowed, in minutes of load: an unknown half-day, the way."""
        who, what = self.board.people[person], self.board.shifts[shift]
        unknown = 0 if what.half_days <= who.available else UNKNOWN_MINUTES
        return unknown + FAR_MINUTES * self.way(who.home_path, what.area_path)

    def way(self, home: str, area: str) -> int:
        """Steps from the area of the shift up to what it shares with the home."""
        found = self._way.get((home, area))
        if found is None:
            found = self._way[home, area] = steps_apart(home, area)
        return found

    def chain(self, roster: Roster, place: int, may_drop: Callable[[Roster, int], bool] | None) -> bool:
        """Fill one place by moving others, one after the other; all stays as it was where that fails."""
        self._steps = 0
        self._log.clear()
        return self._seat(roster, place, {place}, may_drop)

    def _seat(
        self, roster: Roster, place: int, seen: set[int], may_drop: Callable[[Roster, int], bool] | None
    ) -> bool:
        kind = self.board.places[place]
        if roster.has_room(place):
            person = self.best(roster, place)
            if person is not None:
                self._do(roster, True, place, person)
                return True
        self._steps += len(kind.people)
        if self._steps > MOST_STEPS or len(seen) > 150:
            return False
        for person in sorted(kind.people, key=lambda p: (self.worth[p], roster.load[p], p)):
            if self._steps <= MOST_STEPS and self._make_way(roster, place, person, seen, may_drop):
                return True
        return False

    def _make_way(
        self,
        roster: Roster,
        place: int,
        person: int,
        seen: set[int],
        may_drop: Callable[[Roster, int], bool] | None,
    ) -> bool:
        """Seat the person by giving up to two of their shifts to others."""
        shift = self.board.places[place].shift
        way = roster.in_the_way(person, shift)
        if not way or (len(way) > 2 and self.board.clashes[self.board.time[shift]] & roster.mask[person]):
            return False
        mark = len(self._log)
        given: list[int] = []
        for each in way[:2]:
            other = roster.held[person][each]
            if other in seen:
                break
            self._do(roster, False, other, person)
            given.append(other)
            if roster.fits(person, shift) and roster.has_room(place):
                self._do(roster, True, place, person)
                seen.update(given)
                if all(
                    self._seat(roster, one, seen, may_drop)
                    or (may_drop is not None and may_drop(roster, one))
                    for one in given
                ):
                    return True
                break
        self._undo(roster, mark)
        return False

    def _do(self, roster: Roster, sits: bool, place: int, person: int) -> None:  # noqa: FBT001 - a line of the log
        (roster.sit if sits else roster.rise)(place, person)
        self._log.append((sits, place, person))

    def _undo(self, roster: Roster, mark: int) -> None:
        while len(self._log) > mark:
            sits, place, person = self._log.pop()
            (roster.rise if sits else roster.sit)(place, person)

    def even_out(self, roster: Roster, shifts: Sequence[int], *, with_wishes: bool) -> None:
        """Give shifts of who has much to who has less, as long as that helps; each place keeps as many people."""
        busy = True
        while busy and not self.is_over():
            busy = False
            for place, person in sorted(roster.seats(shifts), key=lambda seat: (-roster.load[seat[1]], seat)):
                if person in roster.on[place]:
                    busy |= self._hand_over(roster, place, person, with_wishes=with_wishes)
                if self.is_over():
                    return

    def _hand_over(self, roster: Roster, place: int, person: int, *, with_wishes: bool) -> bool:
        """Give one shift to whoever takes it best; whether that was better than leaving it."""
        kind = self.board.places[place]
        weigh = self.dislike if with_wishes else _nothing
        best = roster.load[person] - self.board.minutes[kind.shift] + weigh(person, kind.shift)
        taker = None
        for other in kind.people:
            if roster.load[other] < best and kind.shift not in roster.held[other]:
                weight = roster.load[other] + weigh(other, kind.shift)
                if weight < best and roster.fits(other, kind.shift):
                    best, taker = weight, other
        if taker is None:
            return False
        roster.rise(place, person)
        roster.sit(place, taker)
        return True

    def relay(self, roster: Roster, shifts: Sequence[int], is_fair: Clock) -> None:
        """Where handing over ends: somebody takes a shift and gives one of theirs to a third, or in return."""
        busy = True
        while busy:
            busy = False
            for place, person in sorted(roster.seats(shifts), key=lambda seat: (-roster.load[seat[1]], seat)):
                if person in roster.on[place]:
                    busy |= self._relay_one(roster, place, person)
                if self.is_over() or is_fair():
                    return

    def _relay_one(self, roster: Roster, place: int, person: int) -> bool:
        """One such change that makes the sum of squares smaller; whether there was one."""
        kind = self.board.places[place]
        roster.rise(place, person)
        for other in sorted(kind.people, key=lambda p: (roster.load[p], p)):
            if other == person or kind.shift in roster.held[other]:
                continue
            for passed in list(roster.held[other].values()):
                roster.rise(passed, other)
                if roster.fits(other, kind.shift):
                    third = self._third(roster, place, person, passed, other)
                    if third is not None:
                        roster.sit(place, other)
                        roster.sit(passed, third)
                        return True
                roster.sit(passed, other)
        roster.sit(place, person)
        return False

    def _third(self, roster: Roster, place: int, person: int, passed: int, other: int) -> int | None:
        """Who best takes what `other` passes on, if that is better than all as it was; both seats are empty now."""
        kind = self.board.places[passed]
        given, minutes = self.board.minutes[self.board.places[place].shift], self.board.minutes[kind.shift]
        load = roster.load
        # What the two changes bring without the third: the squares of the sums before, less those after.
        gain = 2 * given * (load[person] - load[other]) + minutes * (2 * load[other] + minutes)
        for third in sorted(kind.people, key=lambda p: (load[p], p)):
            if gain <= minutes * (2 * load[third] + minutes):
                return None
            if third != other and kind.shift not in roster.held[third] and roster.fits(third, kind.shift):
                return third
        return None


def _nothing(_person: int, _shift: int) -> int:
    return 0


def worth(board: Board) -> list[float]:
    """How much each person is needed on places for their skills: places per person who could, summed up."""
    found = [0.0] * len(board.people)
    for place in board.places:
        if place.skill is not None and place.open:
            for person in place.people:
                found[person] += place.open / len(place.people)
    return [round(each, 3) for each in found]


def steps_apart(home: str, area: str) -> int:
    """How many steps of the area's path the home does not share."""
    steps = [step for step in area.split(".") if step]
    shared = 0
    for mine, other in zip((step for step in home.split(".") if step), steps, strict=False):
        if mine != other:
            break
        shared += 1
    return len(steps) - shared
