"""Taking household lists: understood row by row, shown before anything changes, taken in batches."""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import func, select, update

from webapp.base import audit, crypto, db, requests
from webapp.base.db import within, writing
from webapp.base.deed import Deed
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.tables import Problem, Row, Sheet
from webapp.domain.areas.models import Area
from webapp.domain.areas.rules import building_key, building_name, name_key
from webapp.domain.areas.services import Node, Tally, Tree
from webapp.domain.households import rules
from webapp.domain.households.models import Door, Household, HouseholdState, Member, MemberState
from webapp.domain.households.queries import listing
from webapp.domain.households.rules.rows import COLUMNS, REQUIRED, ReadPerson, ReadRow, read_row
from webapp.domain.people import rules as people_rules
from webapp.domain.people.models import Person, PersonPhone

BATCH = 500
PREVIEW_ROWS = 10
PREVIEW_PROBLEMS = 200
COUNTED_PLACES = 500_000

_areas: Any = Area.__table__
_doors: Any = Door.__table__
_households: Any = Household.__table__
_members: Any = Member.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__

Reject = Callable[[Sheet, Row, Problem], None]
Report = Callable[[int], None]


def open_list(file: BinaryIO) -> Sheet:
    """The file as a household list; raises RuleBroken when it cannot be read as one."""
    return Sheet(file, columns=COLUMNS, required=REQUIRED)


def _understand(row: Row) -> ReadRow:
    if row.problem is not None:
        raise RuleBroken(row.problem.code, field=row.problem.column, **row.problem.params)
    return read_row(row.cells)


# --- preview ------------------------------------------------------------------------------------------------


@dataclass
class Preview:
    """What a file would bring, as it was understood; nothing has been changed."""

    encoding: str
    delimiter: str
    columns: dict[str, str]
    unknown: list[str]
    row_count: int = 0
    understood_count: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    first: list[dict[str, Any]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)
    problem_count: int = 0


def preview(*, file: BinaryIO, building_word: str | None = None, report: Report | None = None) -> Preview:
    """Read the whole file and say what was understood: counts, the first rows as read, every problem.

    Keeps the first 200 problems and counts the rest. Raises RuleBroken for a file that cannot be read.
    """
    sheet = open_list(file)
    shown = Preview(
        encoding=sheet.form,
        delimiter=sheet.delimiter,
        columns={name: sheet.head_of(name) or name for name in sheet.known},
        unknown=sheet.unknown,
    )
    places: dict[str, set[int]] = {
        name: set() for name in ("grids", "compounds", "buildings", "doors", "households")
    }
    sums: Counter[str] = Counter()
    for row in sheet.rows():
        shown.row_count += 1
        if report is not None and shown.row_count % 1000 == 0:
            report(min(99, shown.row_count // 1000))
        try:
            read = _understand(row)
        except RuleBroken as error:
            shown.problem_count += 1
            if len(shown.problems) < PREVIEW_PROBLEMS:
                shown.problems.append(Problem(row.line, sheet.head_of(error.field), error.code, error.params))
            continue
        shown.understood_count += 1
        _count_places(places, read)
        sums["people"] += len(read.people)
        sums["phones"] += sum(len(person.phones) for person in read.people)
        if len(shown.first) < PREVIEW_ROWS:
            shown.first.append(_as_read(row, read, building_word))
    shown.counts = {name: len(found) for name, found in places.items()} | {
        name: sums[name] for name in ("people", "phones")
    }
    return shown


def _count_places(places: dict[str, set[int]], read: ReadRow) -> None:
    building = (name_key(read.grid), name_key(read.compound), building_key(read.building))
    door = (*building, read.unit, read.number)
    for name, key, is_there in (
        ("grids", building[:1], read.grid),
        ("compounds", building[:2], read.compound),
        ("buildings", building, read.building),
        ("doors", door, read.number),
        ("households", (*door, read.split_no), read.people),
    ):
        # Hashes, not texts, and not without end: a preview of any size fits into memory.
        if is_there and len(places[name]) < COUNTED_PLACES:
            places[name].add(hash(key))


def _as_read(row: Row, read: ReadRow, word: str | None) -> dict[str, Any]:
    building = building_name(read.building, word=word) if read.building else ""
    return {
        "line": row.line,
        "grid": read.grid,
        "compound": read.compound,
        "door": rules.door_label(building, read.unit, read.number, split_no=read.split_no),
        "floor": read.floor,
        "people": [
            {"name": person.name, "phones": [people_rules.mask_phone(number) for number in person.phones]}
            for person in read.people
        ],
    }


# --- taking -------------------------------------------------------------------------------------------------


def import_households(
    *,
    deed: Deed,
    community_code: str,
    file: BinaryIO,
    reject: Reject,
    report: Report | None = None,
    row_count: int = 0,
    is_invented: bool = False,
) -> Tally:
    """Take a list of the community's households, a batch per transaction; `reject` is told each bad row.

    Raises RuleBroken for a file that cannot be read, NotFound for a community outside the actor's areas:
    nothing has changed then. Taking the same file again changes nothing.
    """
    community = listing.get_community_for_import(actor=deed.actor, code=community_code)
    sheet = open_list(file)
    tally = Tally()
    done = 0
    rows = sheet.rows()
    while batch := list(islice(rows, BATCH)):
        outcomes, problems = _import_batch(
            deed=replace(deed, client_id=new_public_id()),
            community=community,
            rows=batch,
            is_invented=is_invented,
        )
        tally.plus(outcomes)
        for row, problem in problems:
            reject(sheet, row, replace(problem, column=sheet.head_of(problem.column)))
        done += len(batch)
        if report is not None and row_count:
            report(min(99, done * 100 // row_count))
    return tally


@dataclass
class _Item:
    """A row on its way: what was read, where it belongs, what became of it."""

    row: Row
    read: ReadRow
    building: Node
    outcome: str = "unchanged"
    door_id: int = 0
    household_id: int = 0

    def note(self, outcome: str) -> None:
        if outcome == "added" or self.outcome == "unchanged":
            self.outcome = outcome


@writing
def _import_batch(
    *, deed: Deed, community: listing.CommunityRow, rows: list[Row], is_invented: bool
) -> tuple[Tally, list[tuple[Row, Problem]]]:
    claim = requests.claim(deed)
    tree = Tree()
    tree.load(within(_areas.c.path, community.path))
    places = _Places(tree, tree.by_code[community.code], community.building_word)
    items: list[_Item] = []
    problems: list[tuple[Row, Problem]] = []
    for row in rows:
        try:
            read = _understand(row)
            node, is_new = places.find(read)
        except LinliError as error:
            problems.append((row, Problem(row.line, error.field, error.code, error.params)))
        else:
            items.append(_Item(row, read, node, "added" if is_new else "unchanged"))
    for item in items:
        if item.outcome == "unchanged" and id(item.building) in places.moved:
            item.note("changed")
    tree.flush()
    _put_doors([item for item in items if item.read.number])
    with_people = [item for item in items if item.read.people]
    _put_households(deed, with_people)
    _put_people(deed, with_people, is_invented=is_invented)
    counted = Counter(item.outcome for item in items)
    tally = Tally(counted["added"], counted["changed"], counted["unchanged"], len(problems))
    if tally.added or tally.changed:
        audit.record(
            deed,
            "import_households",
            "area",
            community.id,
            area_path=community.path,
            added=tally.added,
            changed=tally.changed,
        )
    requests.settle(claim, outcome="imported", object_id=community.id)
    return tally, problems


class _Places:
    """Finds a row's building among the community's grids, compounds and buildings, and makes what is missing."""

    def __init__(self, tree: Tree, community: Node, word: str | None) -> None:
        self._tree = tree
        self._community = community
        self._word = word
        self._grids: dict[str, Node] = {}
        self._compounds: dict[str, list[Node]] = {}
        self._buildings: dict[str, list[Node]] = {}
        # Buildings below what a row has moved, by identity.
        self.moved: set[int] = set()
        for node in tree.nodes:
            self._remember(node)

    def _remember(self, node: Node) -> None:
        if node.level == "grid":
            self._grids.setdefault(name_key(node.name), node)
        elif node.level == "compound":
            self._compounds.setdefault(name_key(node.name), []).append(node)
        elif node.level == "building":
            self._buildings.setdefault(building_key(node.name), []).append(node)

    def find(self, read: ReadRow) -> tuple[Node, bool]:
        """The building of the row (or the lowest area it names), and whether anything had to be made."""
        is_new = False
        above = self._community
        if read.grid:
            grid = self._grids.get(name_key(read.grid))
            if read.building and (known := self._outside(read, grid)) is not None:
                return known, False
            if grid is None:
                grid, is_new = self._add(read.grid, "grid", above), True
            above = grid
        if read.compound:
            above, is_made = self._compound(read, above)
            is_new = is_new or is_made
        if not read.building:
            return above, is_new
        same = self._buildings.get(building_key(read.building), [])
        inside = [node for node in same if node.path.startswith(above.path)]
        if len(inside) > 1 and read.compound:
            inside = [node for node in inside if node.parent is above] or inside
        if len(inside) > 1:
            raise RuleBroken("building_ambiguous", field="building", building=read.building)
        if inside:
            return inside[0], is_new
        elsewhere = [node for node in same if node.parent is self._community]
        if len(elsewhere) == 1 and above is not self._community:
            # Known so far without its grid or compound: now it has them.
            self._tree.move(elsewhere[0], above)
            self.moved.add(id(elsewhere[0]))
            return elsewhere[0], is_new
        name = building_name(read.building, word=self._word)
        return self._add(name, "building", above), True

    def _outside(self, read: ReadRow, grid: Node | None) -> Node | None:
        """The row's building where it is known outside the row's grid.

        A building of another grid is a mistake in the row, not a second building; one whose compound lies in
        no grid is the same building.
        """
        compound = name_key(read.compound)
        same = [
            node
            for node in self._buildings.get(building_key(read.building), [])
            if not compound or _above(node, "compound", compound)
        ]
        if grid is not None and any(node.path.startswith(grid.path) for node in same):
            return None
        if any(_above(node, "grid") for node in same):
            raise RuleBroken("grid_differs", field="grid", grid=read.grid)
        loose = [node for node in same if not compound and node.parent is not self._community]
        return loose[0] if len(loose) == 1 else None

    def _compound(self, read: ReadRow, above: Node) -> tuple[Node, bool]:
        same = self._compounds.get(name_key(read.compound), [])
        inside = [node for node in same if node.path.startswith(above.path)]
        if len(inside) > 1:
            raise RuleBroken("compound_ambiguous", field="compound", compound=read.compound)
        if inside:
            return inside[0], False
        elsewhere = [node for node in same if node.parent is self._community]
        if len(elsewhere) == 1 and read.grid:
            self._tree.move(elsewhere[0], above)
            for nodes in self._buildings.values():
                self.moved |= {id(node) for node in nodes if node.path.startswith(elsewhere[0].path)}
            return elsewhere[0], False
        return self._add(read.compound, "compound", above), True

    def _add(self, name: str, level: str, parent: Node) -> Node:
        node = self._tree.add(
            code=new_public_id(), name=name, level=level, parent=parent, parent_code=parent.code
        )
        # A code that people can read, made of the parent's and the own place below it.
        del self._tree.by_code[node.code]
        step = node.path.removeprefix(parent.path).rstrip(".").lstrip("0") or "0"
        code = f"{parent.code}-{step}"
        node.code = code if len(code) <= 60 and self._is_free(code) else node.code
        self._tree.by_code[node.code] = node
        self._remember(node)
        return node

    def _is_free(self, code: str) -> bool:
        if code in self._tree.by_code:
            return False
        return db.connection().execute(select(_areas.c.id).where(_areas.c.code == code)).scalar() is None


def _above(node: Node, level: str, key: str | None = None) -> bool:
    """Whether the area lies in one of this level (with this name)."""
    parent = node.parent
    while parent is not None:
        if parent.level == level and (key is None or name_key(parent.name) == key):
            return True
        parent = parent.parent
    return False


def _put_doors(items: list[_Item]) -> None:
    if not items:
        return
    connection = db.connection()
    wanted: dict[tuple[int, str, str], list[_Item]] = {}
    for item in items:
        assert item.building.id is not None  # noqa: S101 - the tree was flushed
        wanted.setdefault((item.building.id, item.read.unit, item.read.number), []).append(item)
    rows = connection.execute(
        select(_doors.c.id, _doors.c.building_id, _doors.c.unit, _doors.c.number, _doors.c.floor).where(
            _doors.c.building_id.in_(sorted({key[0] for key in wanted})),
            _doors.c.number.in_(sorted({key[2] for key in wanted})),
        )
    )
    known = {(row.building_id, row.unit, row.number): row for row in rows}
    new = []
    for key, same in wanted.items():
        floor = next((item.read.floor for item in same if item.read.floor is not None), None)
        found = known.get(key)
        if found is None:
            new.append((key, floor))
            same[0].note("added")
            continue
        for item in same:
            item.door_id = found.id
        if floor is not None and found.floor != floor:
            sort_key = rules.door_sort_key(key[1], floor, key[2])
            connection.execute(
                update(_doors).where(_doors.c.id == found.id).values(floor=floor, sort_key=sort_key)
            )
            connection.execute(
                update(_households).where(_households.c.door_id == found.id).values(sort_key=sort_key)
            )
            same[0].note("changed")
    if not new:
        return
    ids = connection.execute(
        _doors.insert().returning(_doors.c.id, sort_by_parameter_order=True),
        [
            {
                "public_id": new_public_id(),
                "building_id": building_id,
                "unit": unit,
                "floor": floor,
                "number": number,
                "sort_key": rules.door_sort_key(unit, floor, number),
            }
            for (building_id, unit, number), floor in new
        ],
    ).scalars()
    for (key, _floor), door_id in zip(new, ids, strict=True):
        for item in wanted[key]:
            item.door_id = door_id


def _put_households(deed: Deed, items: list[_Item]) -> None:
    if not items:
        return
    connection = db.connection()
    wanted: dict[tuple[int, int], list[_Item]] = {}
    for item in items:
        wanted.setdefault((item.door_id, item.read.split_no), []).append(item)
    rows = connection.execute(
        select(
            _households.c.id,
            _households.c.door_id,
            _households.c.split_no,
            _households.c.state,
            _households.c.delivery_note,
        ).where(_households.c.door_id.in_(sorted({door_id for door_id, _split in wanted})))
    ).all()
    known = {(row.door_id, row.split_no): row for row in rows if row.state == HouseholdState.LISTED}
    for row in rows:
        if row.state != HouseholdState.LISTED and (row.door_id, row.split_no) in wanted:
            # The list says who lives here now; who has left or only said so gives the number up.
            highest = (
                select(func.max(_households.c.split_no))
                .where(_households.c.door_id == row.door_id)
                .scalar_subquery()
            )
            connection.execute(
                update(_households)
                .where(_households.c.id == row.id)
                .values(split_no=func.coalesce(highest, 0) + rules.STATED_SPLIT)
            )
    new = [key for key in wanted if key not in known]
    for key, same in wanted.items():
        note = next((item.read.note for item in same if item.read.note), None)
        if key in known:
            for item in same:
                item.household_id = known[key].id
            if note and known[key].delivery_note != note:
                connection.execute(
                    update(_households).where(_households.c.id == known[key].id).values(delivery_note=note)
                )
                same[0].note("changed")
    if not new:
        return
    ids = connection.execute(
        _households.insert().returning(_households.c.id, sort_by_parameter_order=True),
        [_new_household(deed, wanted[key]) for key in new],
    ).scalars()
    for key, household_id in zip(new, ids, strict=True):
        wanted[key][0].note("added")
        for item in wanted[key]:
            item.household_id = household_id


def _new_household(deed: Deed, items: list[_Item]) -> dict[str, Any]:
    first = items[0]
    return {
        "public_id": new_public_id(),
        "area_id": first.building.id,
        "area_path": first.building.path,
        "door_id": first.door_id,
        "split_no": first.read.split_no,
        "sort_key": rules.door_sort_key(first.read.unit, first.read.floor, first.read.number),
        "state": HouseholdState.LISTED,
        "delivery_note": next((item.read.note for item in items if item.read.note), None),
        "created_at": deed.now,
    }


@dataclass
class _Known:
    """A person already in a household, with the numbers known."""

    person_id: int
    phones: set[str]
    position: int


def _put_people(deed: Deed, items: list[_Item], *, is_invented: bool) -> None:
    if not items:
        return
    known, positions = _known_people({item.household_id for item in items})
    new: dict[tuple[int, str], tuple[_Item, str, list[str]]] = {}
    hints: list[tuple[int, int, str, str]] = []
    for item in items:
        for person in item.read.people:
            key = (item.household_id, people_rules.name_key(person.name))
            if key in new:
                _add_numbers(new[key], person, item)
            elif key in known:
                _collect_hints(hints, known[key], person, item)
            else:
                new[key] = (item, person.name, list(person.phones))
                item.note("added")
    if new:
        ids = _insert_people(deed, [name for _item, name, _numbers in new.values()], is_invented=is_invented)
        members = []
        for (key, (_item, _name, numbers)), person_id in zip(new.items(), ids, strict=True):
            positions[key[0]] += 1
            members.append(
                {
                    "public_id": new_public_id(),
                    "household_id": key[0],
                    "person_id": person_id,
                    "state": MemberState.LISTED,
                    "position": positions[key[0]],
                    "joined_at": deed.now,
                }
            )
            hints += [
                (person_id, position, number, _index(number)) for position, number in enumerate(numbers)
            ]
        db.connection().execute(_members.insert(), members)
    if hints:
        db.connection().execute(
            _phones.insert(),
            [
                {
                    "person_id": person_id,
                    "phone": crypto.encrypt(number),
                    "phone_index": index,
                    "phone_tail": number[-4:],
                    "position": position,
                }
                for person_id, position, number, index in hints
            ],
        )


def _known_people(household_ids: set[int]) -> tuple[dict[tuple[int, str], _Known], Counter[int]]:
    rows = db.connection().execute(
        select(
            _members.c.household_id,
            _members.c.position,
            _people.c.id,
            _people.c.name_key,
            _phones.c.phone_index,
            _phones.c.position.label("phone_position"),
        )
        .select_from(
            _members.join(_people, _people.c.id == _members.c.person_id).outerjoin(
                _phones, _phones.c.person_id == _people.c.id
            )
        )
        .where(
            _members.c.household_id.in_(sorted(household_ids)),
            _members.c.state.in_([MemberState.LISTED, MemberState.WAITING, MemberState.CONFIRMED]),
        )
    )
    known: dict[tuple[int, str], _Known] = {}
    positions: Counter[int] = Counter(dict.fromkeys(household_ids, -1))
    for row in rows:
        found = known.setdefault((row.household_id, row.name_key), _Known(row.id, set(), -1))
        positions[row.household_id] = max(positions[row.household_id], row.position)
        if row.phone_index is not None and found.person_id == row.id:
            found.phones.add(row.phone_index)
            found.position = max(found.position, row.phone_position)
    return known, positions


def _collect_hints(
    hints: list[tuple[int, int, str, str]], known: _Known, person: ReadPerson, item: _Item
) -> None:
    # A new number is added and none taken away: an older list must not cost anybody the number that works.
    for number in person.phones:
        index = _index(number)
        if index not in known.phones:
            known.phones.add(index)
            known.position += 1
            hints.append((known.person_id, known.position, number, index))
            item.note("changed")


def _add_numbers(entry: tuple[_Item, str, list[str]], person: ReadPerson, item: _Item) -> None:
    numbers = entry[2]
    for number in person.phones:
        if number not in numbers:
            numbers.append(number)
            item.note("changed")


def _insert_people(deed: Deed, names: list[str], *, is_invented: bool) -> list[int]:
    values = []
    for name in names:
        pinyin, initials = people_rules.pinyin_keys(name)
        values.append(
            {
                "public_id": new_public_id(),
                "name": name,
                "name_key": people_rules.name_key(name),
                "pinyin_key": pinyin,
                "initials_key": initials,
                "version": 1,
                "is_invented": is_invented,
                "created_at": deed.now,
            }
        )
    return list(
        db.connection()
        .execute(_people.insert().returning(_people.c.id, sort_by_parameter_order=True), values)
        .scalars()
    )


def _index(number: str) -> str:
    return crypto.blind_index("phone", number)
