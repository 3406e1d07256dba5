"""Taking lists of reservists: compared row by row with who is known, shown before anything changes, then taken.

Who is on the list of an office stands in the reserve. The same ID number, or the same name with one of the phones,
is the same person, whatever they are besides: nobody is there twice. What a row leaves empty stays as it is, and an
older list takes no skill away.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import select, update

from webapp.base import audit, clock, crypto, db, requests
from webapp.base.db import reading, writing
from webapp.base.deed import Deed
from webapp.base.errors import LinliError, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.tables import Problem, Row, Sheet
from webapp.domain.areas.rules import building_key, name_key
from webapp.domain.areas.services import Tally
from webapp.domain.mobilization.models import Reservist, ReservistSkill
from webapp.domain.mobilization.queries import enrolling
from webapp.domain.mobilization.queries import reserve_imports as queries
from webapp.domain.mobilization.queries.enrolling import EnrolArea
from webapp.domain.mobilization.rules import Category, EnrolSource, Readiness
from webapp.domain.people import rules as people_rules
from webapp.domain.people.services import write_listed
from webapp.domain.volunteers.models import Skill
from webapp.domain.volunteers.queries.imports import find_people, list_known_skills, list_places
from webapp.domain.volunteers.rules import Society
from webapp.domain.volunteers.sheets import COLUMNS as VOLUNTEER_COLUMNS
from webapp.domain.volunteers.sheets import ReadVolunteer, Remark, Words, read_row

BATCH = 500
SHOWN = 200

_LIKE_VOLUNTEERS = (
    "name",
    "phone",
    "id_no",
    "id_type",
    "area_code",
    "address",
    "compound",
    "building",
    "team",
    "skills",
    "languages",
    "certificates",
    "note",
)
COLUMNS: Mapping[str, tuple[str, ...]] = {name: VOLUNTEER_COLUMNS[name] for name in _LIKE_VOLUNTEERS} | {
    "category": ("类别", "人员类别", "身份类别", "身份", "五社"),
    "organisation": ("单位", "工作单位", "所属单位", "派出单位", "组织", "部门", "unit"),
    "area": ("社区", "区域", "所属社区", "下沉社区", "网格", "分配社区", "负责区域"),
}
REQUIRED = (("name",), ("phone",))
_CATEGORIES: Mapping[Category, tuple[str, ...]] = {
    Category.CADRE: ("下沉干部", "干部", "机关干部", "下派干部", "机关", "党员干部"),
    Category.COMMUNITY: ("社区", "居委会", "村委会", "社区工作者", "社区干部", "网格员", "专职网格员"),
    Category.SOCIAL_ORGANISATION: ("社会组织", "社团", "协会"),
    Category.SOCIAL_WORKER: ("社会工作者", "社工"),
    Category.VOLUNTEER: ("志愿者", "社区志愿者", "志愿服务"),
    Category.CHARITY: ("慈善", "社会慈善资源", "慈善资源", "公益慈善", "公益慈善资源"),
}
ADDED, CHANGED, UNCHANGED = "added", "changed", "unchanged"
Reject = Callable[[Sheet, Row, Problem], None]
Report = Callable[[int], None]

_reservists: Any = Reservist.__table__
_own_skills: Any = ReservistSkill.__table__
_skills: Any = Skill.__table__


@dataclass(frozen=True)
class Setting:
    """Under what a list is taken: into which area, and whether its people are invented."""

    area: EnrolArea
    is_invented: bool
    today: date


def open_list(file: BinaryIO) -> Sheet:
    """The file as a list of reservists; raises RuleBroken when it cannot be read as one."""
    return Sheet(file, columns=COLUMNS, required=REQUIRED)


def read_category(text: str) -> Category | None:
    """The category that a cell names; raises RuleBroken("category_unknown") for a word that nobody knows."""
    if not text:
        return None
    wanted = unicodedata.normalize("NFKC", text).replace(" ", "").casefold()
    for category, names in _CATEGORIES.items():
        if wanted in {category.value, category.value.replace("_", ""), *names}:
            return category
    raise RuleBroken("category_unknown", field="category", text=text[:40])


@dataclass(frozen=True)
class Outcome:
    """What a row does: `added`, `changed` (in these columns) or `unchanged`, and what there is to say of it."""

    line: int
    name: str
    phone: str
    kind: str
    changes: tuple[str, ...]
    remarks: tuple[Remark, ...]


@dataclass(eq=False)
class _Somebody:
    """A person of the list or of the database, as they stand after the rows so far; see `people.services.Listed`."""

    name: str
    id: int | None = None
    id_index: str | None = None
    id_number: str | None = None
    born_on: date | None = None
    phones: dict[str, str | None] = field(default_factory=dict)
    line: int = 0
    reservist_id: int | None = None
    is_in: bool = False
    category: Category = Category.CADRE
    unit: str | None = None
    team_id: int | None = None
    organisation_id: int | None = None
    area_id: int = 0
    area_path: str = ""
    note: str | None = None
    phone_tail: str = ""
    # What stands with the volunteer, and what only here.
    volunteers_skills: frozenset[str] = frozenset()
    skills: set[str] = field(default_factory=set)
    new_skills: list[str] = field(default_factory=list)
    changes: dict[str, None] = field(default_factory=dict)

    @property
    def key(self) -> str:
        """The name for comparing."""
        return people_rules.name_key(self.name)

    def set(self, names: list[str], column: str, **values: Any) -> None:
        """Set attributes; the column's name where one of them is new."""
        if any(getattr(self, name) != value for name, value in values.items()):
            for name, value in values.items():
                setattr(self, name, value)
            names.append(column)


class _Places:
    """An area by its code or name, a building by its name; both below the area that the list is taken into."""

    def __init__(self, area: EnrolArea) -> None:
        self._area = area
        rows = list_places(path=area.path)
        self._by_code = {row.code: row for row in rows}
        self._by_name: dict[str, list[Any]] = {}
        self._buildings: dict[str, list[Any]] = {}
        for row in rows:
            if row.level == "building":
                self._buildings.setdefault(building_key(row.name), []).append(row)
            else:
                self._by_name.setdefault(_area_key(row.name), []).append(row)

    def find(self, read: ReadVolunteer, named: str) -> tuple[tuple[int, str] | None, Remark | None]:
        """(id, path) of where they stand, None where the row does not say; and what could not be matched."""
        above = None
        text = named or read.area_code
        if text:
            above = self._by_code.get(text)
            same = [] if above is not None else self._by_name.get(_area_key(text), [])
            if above is None and len(same) != 1:
                code = "area_ambiguous" if same else "area_outside"
                raise RuleBroken(code, field="area" if named else "area_code", text=text[:40])
            above = above or same[0]
        if not read.building:
            return (None if above is None else (above.id, above.path)), None
        within = self._area.path if above is None else above.path
        doors = [
            row for row in self._buildings.get(building_key(read.building), []) if row.path.startswith(within)
        ]
        here = None if above is None else (above.id, above.path)
        if len(doors) == 1:
            return (doors[0].id, doors[0].path), None
        return here, Remark("address_not_matched", text=f"{read.compound}{read.building}")


def _area_key(text: str) -> str:
    return re.sub("(社区|居委会|村民委员会|村委会)+$", "", name_key(text))


class _Board:
    """Everybody whom a list may mean, and what its rows make of them. Writes nothing."""

    def __init__(self, setting: Setting, *, for_update: bool) -> None:
        self._setting = setting
        self._for_update = for_update
        self._words = Words(list_known_skills())
        self._places = _Places(setting.area)
        self._teams = queries.list_teams(path=setting.area.path)
        self._by_person: dict[int, _Somebody] = {}
        self._by_phone: dict[str, list[_Somebody]] = {}
        self._by_id_index: dict[str, _Somebody] = {}
        # Whoever a row adds or changes, by identity, in the order of the rows.
        self.touched: dict[int, _Somebody] = {}

    def take(self, rows: Iterable[Row]) -> tuple[list[Outcome], list[tuple[Row, Problem]]]:
        """What becomes of the rows, in their order."""
        understood: list[tuple[Row, ReadVolunteer, Category | None]] = []
        problems: list[tuple[Row, Problem]] = []
        for row in rows:
            try:
                understood.append((row, self._read(row), read_category(row.cells.get("category", ""))))
            except RuleBroken as error:
                problems.append((row, _problem(row, error)))
        self._load([read for _row, read, _category in understood])
        outcomes = []
        for row, read, category in understood:
            try:
                outcomes.append(self._put(row, read, category))
            except LinliError as error:
                problems.append((row, _problem(row, error)))
        return outcomes, sorted(problems, key=lambda pair: pair[0].line)

    def _read(self, row: Row) -> ReadVolunteer:
        if row.problem is not None:
            raise RuleBroken(row.problem.code, field=row.problem.column, **row.problem.params)
        return read_row(
            row.cells,
            numbers=row.numbers,
            words=self._words,
            today=self._setting.today,
            is_invented=self._setting.is_invented,
        )

    def _load(self, reads: list[ReadVolunteer]) -> None:
        found = find_people(
            phone_indexes=[_phone_index(number) for read in reads for number in read.phones],
            id_indexes=[_id_index(read.id_number.number) for read in reads if read.id_number],
            for_update=self._for_update,
        )
        new = [known for known in found if known.id not in self._by_person]
        reserve = queries.find_reservists(person_ids=[known.id for known in new])
        for known in new:
            somebody = _Somebody(
                name=known.name,
                id=known.id,
                id_index=known.id_index,
                born_on=known.born_on,
                phones=dict.fromkeys(known.phones),
                volunteers_skills=known.skills,
            )
            self._fill(somebody, known.volunteer, reserve.get(known.id))
            self._remember(somebody)

    def _fill(self, somebody: _Somebody, volunteer: Any, there: queries.KnownReservist | None) -> None:
        if there is not None:
            row = there.row
            somebody.reservist_id, somebody.is_in = row.id, row.left_at is None
            somebody.category, somebody.unit, somebody.note = row.category, row.unit, row.note
            somebody.team_id, somebody.organisation_id = row.team_id, row.organisation_id
            somebody.area_id, somebody.area_path = row.area_id, row.area_path
            somebody.phone_tail, somebody.skills = row.phone_tail, set(there.skills)
        elif volunteer is not None:
            # A volunteer comes with what is known of them.
            somebody.category = Category(Society(volunteer.society).value)
            somebody.team_id, somebody.organisation_id = volunteer.team_id, volunteer.organisation_id
            somebody.area_id, somebody.area_path = volunteer.area_id, volunteer.area_path
            somebody.phone_tail = volunteer.phone_tail

    def _remember(self, somebody: _Somebody) -> None:
        if somebody.id is not None:
            self._by_person[somebody.id] = somebody
        for index in somebody.phones:
            same = self._by_phone.setdefault(index, [])
            if somebody not in same:
                same.append(somebody)
        if somebody.id_index is not None:
            self._by_id_index[somebody.id_index] = somebody

    # --- one row

    def _put(self, row: Row, read: ReadVolunteer, category: Category | None) -> Outcome:
        place, unmatched = self._places.find(read, row.cells.get("area", ""))
        somebody = self._find(read)
        is_new = somebody is None
        if somebody is None:
            somebody = _Somebody(name=read.name)
        elif somebody.is_in and not somebody.area_path.startswith(self._setting.area.path):
            raise RuleBroken("reservist_elsewhere", field="name")
        was_in = somebody.is_in
        remarks = list(read.remarks)
        if unmatched is not None:
            remarks.append(unmatched)
        names: list[str] = []
        self._identify(somebody, read, names)
        if place is None and not somebody.area_path.startswith(self._setting.area.path):
            place = (self._setting.area.id, self._setting.area.path)
        if place is not None:
            somebody.set(names, "area", area_id=place[0], area_path=place[1])
        self._belong(somebody, read, category, names, remarks)
        skills = [code for code in read.skills if code not in somebody.skills | somebody.volunteers_skills]
        if skills:
            somebody.skills.update(skills)
            somebody.new_skills += skills
            names.append("skills")
        if not was_in:
            somebody.set(names, "reserve", is_in=True)
        if not is_new and somebody.line and somebody.line != row.line:
            remarks.append(Remark("same_as_line", {"line": somebody.line}))
        somebody.line = somebody.line or row.line
        somebody.phone_tail = somebody.phone_tail or read.phones[0][-4:]
        self._remember(somebody)
        kind = ADDED if not was_in else CHANGED if names else UNCHANGED
        if kind != UNCHANGED:
            self.touched[id(somebody)] = somebody
            somebody.changes |= dict.fromkeys(names)
        return Outcome(
            line=row.line,
            name=read.name,
            phone=people_rules.mask_phone(read.phones[0]),
            kind=kind,
            changes=tuple(names) if kind == CHANGED else (),
            remarks=tuple(remarks),
        )

    def _identify(self, somebody: _Somebody, read: ReadVolunteer, names: list[str]) -> None:
        """The ID number, where none is known, and the numbers that are new."""
        if read.id_number is not None and somebody.id_index is None:
            somebody.set(
                names,
                "id_no",
                id_index=_id_index(read.id_number.number),
                id_number=read.id_number.number,
                born_on=read.id_number.born_on,
            )
        for number in read.phones:
            index = _phone_index(number)
            if index not in somebody.phones:
                somebody.phones[index] = number
                names.append("phone")

    def _belong(
        self,
        somebody: _Somebody,
        read: ReadVolunteer,
        category: Category | None,
        names: list[str],
        remarks: list[Remark],
    ) -> None:
        """Category, unit, team and note, where the row names them."""
        if category is not None:
            somebody.set(names, "category", category=category)
        if read.organisation:
            somebody.set(names, "unit", unit=read.organisation)
        if read.note:
            somebody.set(names, "note", note=read.note)
        if read.team:
            team = self._teams.get(name_key(read.team))
            if team is None:
                remarks.append(Remark("team_not_known", text=read.team))
            else:
                somebody.set(names, "team", team_id=team.id, organisation_id=team.organisation_id)

    def _find(self, read: ReadVolunteer) -> _Somebody | None:
        """Whom the row means: the same ID number, else the same name with one of the phones."""
        key = people_rules.name_key(read.name)
        index = _id_index(read.id_number.number) if read.id_number else None
        if index is not None and (by_id := self._by_id_index.get(index)) is not None:
            if by_id.key != key:
                raise RuleBroken("id_of_another", field="id_no")
            return by_id
        same = [
            each
            for number in read.phones
            for each in self._by_phone.get(_phone_index(number), [])
            if each.key == key and (index is None or each.id_index is None)
        ]
        return min(same, key=lambda each: (not each.is_in, each.id or 0), default=None)


def _problem(row: Row, error: LinliError) -> Problem:
    return Problem(row.line, error.field, error.code, error.params)


def _phone_index(number: str) -> str:
    return crypto.blind_index("phone", number)


def _id_index(number: str) -> str:
    return crypto.blind_index("id", number)


# --- preview ------------------------------------------------------------------------------------------------


@dataclass
class Preview:
    """What a file would do: counts, and the first rows of each kind. Nothing has been changed."""

    form: str
    delimiter: str
    columns: dict[str, str]
    unknown: list[str]
    row_count: int = 0
    counts: dict[str, int] = field(default_factory=dict)
    outcomes: list[Outcome] = field(default_factory=list)


def preview(
    *,
    setting: Setting,
    file: BinaryIO,
    reject: Reject,
    report: Report | None = None,
    row_count: int = 0,
) -> Preview:
    """Read the whole file and compare it with who is known; `reject` is told each row that would not be taken.

    Keeps the first 200 rows of each kind and counts all. Raises RuleBroken for a file that cannot be read.
    """
    sheet = open_list(file)
    shown = Preview(
        form=sheet.form,
        delimiter=sheet.delimiter,
        columns={name: sheet.head_of(name) or name for name in sheet.known},
        unknown=sheet.unknown,
    )
    counts: Counter[str] = Counter({ADDED: 0, CHANGED: 0, UNCHANGED: 0, "rejected": 0})
    board = _start_board(setting)
    rows = sheet.rows()
    while batch := list(islice(rows, BATCH)):
        outcomes, problems = _compare(board, batch)
        shown.row_count += len(batch)
        counts["rejected"] += len(problems)
        for row, problem in problems:
            reject(sheet, row, replace(problem, column=sheet.head_of(problem.column)))
        for outcome in outcomes:
            counts[outcome.kind] += 1
            if counts[outcome.kind] <= SHOWN and (outcome.kind != UNCHANGED or outcome.remarks):
                shown.outcomes.append(outcome)
        if report is not None and row_count:
            report(min(99, shown.row_count * 100 // row_count))
    shown.counts = dict(counts)
    return shown


@reading
def _start_board(setting: Setting) -> _Board:
    return _Board(setting, for_update=False)


@reading
def _compare(board: _Board, rows: list[Row]) -> tuple[list[Outcome], list[tuple[Row, Problem]]]:
    return board.take(rows)


# --- taking -------------------------------------------------------------------------------------------------


def import_reservists(
    *,
    deed: Deed,
    area_code: str,
    file: BinaryIO,
    reject: Reject,
    report: Report | None = None,
    row_count: int = 0,
    is_invented: bool = False,
) -> Tally:
    """Take a list of reservists of an area, a batch per transaction; `reject` is told each bad row.

    Raises RuleBroken for a file that cannot be read, NotFound for an area whose reserve the actor does not lead:
    nothing has changed then. Taking the same file again changes nothing.
    """
    area = enrolling.find_area(actor=deed.actor, code=area_code)
    setting = Setting(area, is_invented, clock.day(deed.now))
    sheet = open_list(file)
    tally = Tally()
    done = 0
    rows = sheet.rows()
    while batch := list(islice(rows, BATCH)):
        outcomes, problems = _import_batch(
            deed=replace(deed, client_id=new_public_id()), setting=setting, rows=batch
        )
        counted = Counter(outcome.kind for outcome in outcomes)
        tally.plus(Tally(counted[ADDED], counted[CHANGED], counted[UNCHANGED], len(problems)))
        for row, problem in problems:
            reject(sheet, row, replace(problem, column=sheet.head_of(problem.column)))
        done += len(batch)
        if report is not None and row_count:
            report(min(99, done * 100 // row_count))
    return tally


@writing
def _import_batch(
    *, deed: Deed, setting: Setting, rows: list[Row]
) -> tuple[list[Outcome], list[tuple[Row, Problem]]]:
    claim = requests.claim(deed)
    # One import at a time, of volunteers too: two of them must not make the same person twice.
    db.connection().execute(select(_skills.c.code).order_by(_skills.c.code).with_for_update(key_share=True))
    board = _Board(setting, for_update=True)
    outcomes, problems = board.take(rows)
    touched = list(board.touched.values())
    write_listed(touched, now=deed.now, is_invented=setting.is_invented)
    _write_reservists(deed, touched)
    counted = Counter(outcome.kind for outcome in outcomes)
    if touched:
        audit.record(
            deed,
            "import_reservists",
            "area",
            setting.area.id,
            area_path=setting.area.path,
            added=counted[ADDED],
            changed=counted[CHANGED],
        )
    requests.settle(claim, outcome="imported", object_id=setting.area.id)
    return outcomes, problems


def _write_reservists(deed: Deed, touched: list[_Somebody]) -> None:
    connection = db.connection()
    for somebody in touched:
        if somebody.reservist_id is None:
            continue
        back: dict[str, Any] = {}
        if "reserve" in somebody.changes:
            back = {
                "left_at": None,
                "enrolled_at": deed.now,
                "source": EnrolSource.IMPORT,
                "readiness": Readiness.READY,
                "away_until": None,
            }
        connection.execute(
            update(_reservists)
            .where(_reservists.c.id == somebody.reservist_id)
            .values(version=_reservists.c.version + 1, **_facts(somebody), **back)
        )
        audit.record(
            deed,
            "change_reservist",
            "reservist",
            somebody.reservist_id,
            area_path=somebody.area_path,
            columns=list(somebody.changes),
        )
    new = [each for each in touched if each.reservist_id is None]
    if new:
        ids = connection.execute(
            _reservists.insert().returning(_reservists.c.id, sort_by_parameter_order=True),
            [
                {
                    "public_id": new_public_id(),
                    "person_id": each.id,
                    "name": each.name,
                    "pinyin_key": people_rules.pinyin_keys(each.name)[0],
                    "phone_tail": each.phone_tail,
                    "readiness": Readiness.READY,
                    "source": EnrolSource.IMPORT,
                    "enrolled_at": deed.now,
                    "version": 1,
                    **_facts(each),
                }
                for each in new
            ],
        ).scalars()
        for each, reservist_id in zip(new, ids, strict=True):
            each.reservist_id = reservist_id
    skills = [
        {"reservist_id": each.reservist_id, "skill_code": code}
        for each in touched
        for code in each.new_skills
    ]
    if skills:
        connection.execute(_own_skills.insert(), skills)


def _facts(somebody: _Somebody) -> dict[str, Any]:
    return {
        "category": somebody.category,
        "unit": somebody.unit,
        "team_id": somebody.team_id,
        "organisation_id": somebody.organisation_id,
        "area_id": somebody.area_id,
        "area_path": somebody.area_path,
        "note": somebody.note,
    }
