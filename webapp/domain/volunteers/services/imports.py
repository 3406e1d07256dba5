"""Taking lists of volunteers: compared row by row with who is known, shown before anything changes, then taken.

Who is on the list of an office is accepted. The pledges are the person's own: they are asked for at the first
sign-in, and until then no shift that needs them can be taken.
"""

from collections import Counter
from collections.abc import Callable, Iterable
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
from webapp.domain.people import rules as people_rules
from webapp.domain.people.services import write_listed
from webapp.domain.volunteers import rules
from webapp.domain.volunteers.models import (
    Organisation,
    Skill,
    SkillCertificate,
    Team,
    Volunteer,
    VolunteerSkill,
)
from webapp.domain.volunteers.queries import imports as queries
from webapp.domain.volunteers.queries.imports import ImportArea
from webapp.domain.volunteers.rules import AgeGroup, Society, VolunteerState
from webapp.domain.volunteers.sheets import COLUMNS, REQUIRED, ReadVolunteer, Remark, Words, read_row

BATCH = 500
SHOWN = 200

_volunteers: Any = Volunteer.__table__
_teams: Any = Team.__table__
_organisations: Any = Organisation.__table__
_skills: Any = Skill.__table__
_own_skills: Any = VolunteerSkill.__table__
_certificates: Any = SkillCertificate.__table__

Reject = Callable[[Sheet, Row, Problem], None]
Report = Callable[[int], None]

ADDED, CHANGED, UNCHANGED = "added", "changed", "unchanged"


@dataclass(frozen=True)
class Setting:
    """Under what a list is taken: into which area, by whom, and how old volunteers must be there."""

    area: ImportArea
    minors_allowed: bool
    is_invented: bool
    today: date


def open_list(file: BinaryIO) -> Sheet:
    """The file as a list of volunteers; raises RuleBroken when it cannot be read as one."""
    return Sheet(file, columns=COLUMNS, required=REQUIRED)


# --- what becomes of a row ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class Outcome:
    """What a row does: `added`, `changed` (in these columns) or `unchanged`, and what there is to say of it."""

    line: int
    name: str
    phone: str
    kind: str
    changes: tuple[str, ...]
    remarks: tuple[Remark, ...]

    @property
    def may_be_a_duplicate(self) -> bool:
        """Whether another volunteer has this phone."""
        return any(remark.code == "phone_shared" for remark in self.remarks)


@dataclass(eq=False)
class _Group:
    """An organisation or a team; without id it is made with the batch."""

    name: str
    society: Society
    id: int | None = None
    organisation: "_Group | None" = None


@dataclass(eq=False)
class _Somebody:
    """A person of the list or of the database, as they stand after the rows so far."""

    name: str
    id: int | None = None
    id_index: str | None = None
    id_number: str | None = None
    born_on: date | None = None
    phones: dict[str, str | None] = field(default_factory=dict)
    """The blind index of each number, with the number itself where it is new."""
    line: int = 0
    volunteer_id: int | None = None
    state: VolunteerState | None = None
    area_id: int = 0
    area_path: str = ""
    team: _Group | None = None
    organisation: _Group | None = None
    society: Society = Society.VOLUNTEER
    age_group: AgeGroup = AgeGroup.ADULT
    guardian_name: str | None = None
    note: str | None = None
    phone_tail: str = ""
    skills: set[str] = field(default_factory=set)
    certificates: set[tuple[str, str | None, date | None]] = field(default_factory=set)
    changes: dict[str, None] = field(default_factory=dict)
    new_skills: list[str] = field(default_factory=list)
    new_certificates: list[tuple[str, str | None, date | None]] = field(default_factory=list)

    @property
    def key(self) -> str:
        """The name for comparing."""
        return people_rules.name_key(self.name)


class _Places:
    """Where somebody lives: an area by its code, or a building of the area by its name."""

    def __init__(self, area: ImportArea) -> None:
        self._area = area
        rows = queries.list_places(path=area.path)
        self._by_code = {row.code: row for row in rows}
        self._compounds = [row for row in rows if row.level == "compound"]
        self._buildings: dict[str, list[Any]] = {}
        for row in rows:
            if row.level == "building":
                self._buildings.setdefault(building_key(row.name), []).append(row)

    def find(self, read: ReadVolunteer) -> tuple[tuple[int, str] | None, Remark | None]:
        """(id, path) of where they live, or None where the row does not say; what could not be matched."""
        above = None
        if read.area_code:
            above = self._by_code.get(read.area_code)
            if above is None:
                raise RuleBroken("area_outside", field="area_code", text=read.area_code)
        if not read.building:
            return (None if above is None else (above.id, above.path)), None
        within = self._area.path if above is None else above.path
        same = [
            row for row in self._buildings.get(building_key(read.building), []) if row.path.startswith(within)
        ]
        if read.compound:
            named = [row for row in self._compounds if _is_named(row.name, read.compound)]
            same = [row for row in same if any(row.path.startswith(each.path) for each in named)]
        if len(same) == 1:
            return (same[0].id, same[0].path), None
        if read.is_building_sure:
            code = "building_ambiguous" if same else "building_not_listed"
            raise RuleBroken(code, field="building", building=f"{read.compound}{read.building}")
        text = f"{read.compound}{read.building}"
        here = None if above is None else (above.id, above.path)
        return here, Remark("address_not_matched", text=text)


def _is_named(name: str, text: str) -> bool:
    """Whether an address that begins with town and street ends with the compound's name."""
    return name_key(text).endswith(name_key(name))


class _Groups:
    """Organisations and teams by name, the nearest area first; those that are missing are made."""

    def __init__(self, area: ImportArea) -> None:
        organisations, teams = queries.list_groups(path=area.path)
        self.by_id: dict[tuple[str, int], _Group] = {}
        self._organisations: dict[str, _Group] = {}
        self._teams: dict[str, _Group] = {}
        self.new: list[tuple[str, _Group]] = []
        # An area above comes first in the order of paths and gives way to one nearer by.
        for row in organisations:
            group = _Group(row.name, Society(row.society), row.id)
            self.by_id["organisation", row.id] = self._organisations[name_key(row.name)] = group
        for row in teams:
            belongs = self.by_id.get(("organisation", row.organisation_id))
            group = _Group(row.name, Society(row.society), row.id, belongs)
            self.by_id["team", row.id] = self._teams[name_key(row.name)] = group

    def find(self, read: ReadVolunteer) -> tuple[_Group | None, _Group | None]:
        """(organisation, team) that a row names."""
        organisation_name, team_name = read.organisation, read.team
        if read.unit:
            # One column for both: what is known says which it is, else a team calls itself one.
            key = name_key(read.unit)
            if not team_name and (
                key in self._teams or (key not in self._organisations and read.unit.endswith("队"))
            ):
                team_name = read.unit
            elif not organisation_name:
                organisation_name = read.unit
        organisation = team = None
        if organisation_name:
            organisation = self._organisations.get(name_key(organisation_name))
            if organisation is None:
                organisation = _Group(organisation_name, read.society or Society.SOCIAL_ORGANISATION)
                self._organisations[name_key(organisation_name)] = organisation
                self.new.append(("organisation", organisation))
        if team_name:
            team = self._teams.get(name_key(team_name))
            if team is None:
                society = read.society or (organisation.society if organisation else Society.VOLUNTEER)
                team = _Group(team_name, society, organisation=organisation)
                self._teams[name_key(team_name)] = team
                self.new.append(("team", team))
            organisation = organisation or team.organisation
        return organisation, team


class _Board:
    """Everybody whom a list may mean, and what its rows make of them. Writes nothing."""

    def __init__(self, setting: Setting, *, for_update: bool) -> None:
        self._setting = setting
        self._for_update = for_update
        self._words = Words(queries.list_known_skills())
        self._places = _Places(setting.area)
        self.groups = _Groups(setting.area)
        self._by_person: dict[int, _Somebody] = {}
        self._by_phone: dict[str, list[_Somebody]] = {}
        self._by_id_index: dict[str, _Somebody] = {}
        self.touched: dict[int, _Somebody] = {}
        """Whoever a row adds or changes, by identity, in the order of the rows."""

    def take(self, rows: Iterable[Row]) -> tuple[list[Outcome], list[tuple[Row, Problem]]]:
        """What becomes of the rows, in their order."""
        understood: list[tuple[Row, ReadVolunteer]] = []
        problems: list[tuple[Row, Problem]] = []
        for row in rows:
            try:
                understood.append((row, self._read(row)))
            except RuleBroken as error:
                problems.append((row, _problem(row, error)))
        self._load([read for _row, read in understood])
        outcomes = []
        for row, read in understood:
            try:
                outcomes.append(self._put(row, read))
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
        found = queries.find_people(
            phone_indexes=[_phone_index(number) for read in reads for number in read.phones],
            id_indexes=[_id_index(read.id_number.number) for read in reads if read.id_number],
            for_update=self._for_update,
        )
        for known in found:
            if known.id not in self._by_person:
                self._remember(self._as_known(known))

    def _as_known(self, known: queries.KnownPerson) -> _Somebody:
        somebody = _Somebody(
            name=known.name,
            id=known.id,
            id_index=known.id_index,
            born_on=known.born_on,
            phones=dict.fromkeys(known.phones),
        )
        row = known.volunteer
        if row is not None:
            somebody.volunteer_id = row.id
            somebody.state = VolunteerState(row.state)
            somebody.area_id, somebody.area_path = row.area_id, row.area_path
            somebody.team = self._group("team", row.team_id)
            somebody.organisation = self._group("organisation", row.organisation_id)
            somebody.society = Society(row.society)
            somebody.age_group = AgeGroup(row.age_group)
            somebody.guardian_name, somebody.note = row.guardian_name, row.note
            somebody.phone_tail = row.phone_tail
            somebody.skills, somebody.certificates = set(known.skills), set(known.certificates)
        return somebody

    def _group(self, kind: str, group_id: int | None) -> _Group | None:
        if group_id is None:
            return None
        key = (kind, group_id)
        if key not in self.groups.by_id:
            # Of an area beside this one, or closed: it stands, and no row names it.
            self.groups.by_id[key] = _Group("", Society.VOLUNTEER, group_id)
        return self.groups.by_id[key]

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

    def _put(self, row: Row, read: ReadVolunteer) -> Outcome:
        place, unmatched = self._places.find(read)
        somebody = self._find(read)
        is_new = somebody is None
        if somebody is None:
            somebody = _Somebody(name=read.name, line=row.line)
        else:
            self._ensure_open(somebody)
        was_volunteer = somebody.state is not None
        age_group = self._age(somebody, read)
        organisation, team = self.groups.find(read)
        changes = _Changes(somebody)
        changes.identify(read)
        if not was_volunteer:
            somebody.area_id, somebody.area_path = self._setting.area.id, self._setting.area.path
            somebody.phone_tail = read.phones[0][-4:]
            somebody.line = somebody.line or row.line
            group = team or organisation
            somebody.society = group.society if group else Society.VOLUNTEER
        if place is not None:
            changes.set("address", ("area_id", place[0]), ("area_path", place[1]))
        if team is not None and team is not somebody.team and read.society is None:
            # Who joins a team belongs to what it belongs to.
            changes.set("society", ("society", team.society))
        said = {
            "team": team,
            "organisation": organisation,
            "society": read.society,
            "guardian_name": read.guardian_name,
            "note": read.note,
        }
        for name, value in said.items():
            # What the row leaves empty stays as it is.
            if value:
                changes.set(name, (name, value))
        changes.set("age", ("age_group", age_group))
        changes.set("state", ("state", VolunteerState.ACCEPTED))
        changes.add_skills(read)
        self._remember(somebody)
        kind = ADDED if not was_volunteer else CHANGED if changes.names else UNCHANGED
        if kind != UNCHANGED:
            self.touched[id(somebody)] = somebody
            somebody.changes |= dict.fromkeys(changes.names)
        remarks = list(read.remarks)
        if unmatched is not None:
            remarks.append(unmatched)
        if not is_new and somebody.line and somebody.line != row.line:
            remarks.append(Remark("same_as_line", {"line": somebody.line}))
        remarks += self._sharing(somebody)
        return Outcome(
            line=row.line,
            name=read.name,
            phone=people_rules.mask_phone(read.phones[0]),
            kind=kind,
            changes=tuple(changes.names) if kind == CHANGED else (),
            remarks=tuple(remarks),
        )

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
        return min(same, key=lambda each: (each.state is None, each.id or 0), default=None)

    def _ensure_open(self, somebody: _Somebody) -> None:
        if somebody.state is VolunteerState.REFUSED:
            raise RuleBroken("volunteer_was_refused", field="name")
        if somebody.state is VolunteerState.LEFT:
            raise RuleBroken("volunteer_has_left", field="name")
        if somebody.state is not None and not somebody.area_path.startswith(self._setting.area.path):
            raise RuleBroken("volunteer_elsewhere", field="name")

    def _age(self, somebody: _Somebody, read: ReadVolunteer) -> AgeGroup:
        born_on = (read.id_number.born_on if read.id_number else None) or somebody.born_on
        if born_on is None and somebody.state is not None:
            return somebody.age_group
        return rules.ensure_old_enough(
            age=None if born_on is None else rules.age_on(born_on=born_on, day=self._setting.today),
            minors_allowed=self._setting.minors_allowed,
            has_consent=bool(read.guardian_name or somebody.guardian_name),
        )

    def _sharing(self, somebody: _Somebody) -> list[Remark]:
        """Other volunteers of the area with the same phone: kept apart, shown as possible duplicates."""
        names = {
            other.name: None
            for index in somebody.phones
            for other in self._by_phone.get(index, [])
            if other is not somebody
            and other.state in rules.LIVE_STATES
            and other.area_path.startswith(self._setting.area.path)
        }
        return [Remark("phone_shared", text="、".join(names))] if names else []


class _Changes:
    """What a row changes about somebody; `names` are its columns."""

    def __init__(self, somebody: _Somebody) -> None:
        self._somebody = somebody
        self.names: list[str] = []

    def set(self, name: str, *values: tuple[str, Any]) -> None:
        """Set attributes; a name where one of them is new."""
        if any(getattr(self._somebody, attribute) != value for attribute, value in values):
            for attribute, value in values:
                setattr(self._somebody, attribute, value)
            self.names.append(name)

    def identify(self, read: ReadVolunteer) -> None:
        """The ID number, where none is known, and the numbers that are new."""
        somebody = self._somebody
        if read.id_number is not None and somebody.id_index is None:
            somebody.id_index = _id_index(read.id_number.number)
            somebody.id_number, somebody.born_on = read.id_number.number, read.id_number.born_on
            self.names.append("id_no")
        for number in read.phones:
            index = _phone_index(number)
            if index not in somebody.phones:
                somebody.phones[index] = number
                self.names.append("phone")

    def add_skills(self, read: ReadVolunteer) -> None:
        """What the row adds to skills and certificates; an older list takes nothing away."""
        somebody = self._somebody
        skills = [code for code in read.skills if code not in somebody.skills]
        if skills:
            somebody.skills.update(skills)
            somebody.new_skills += skills
            self.names.append("skills")
        certificates = [
            (each.skill_code, each.number, each.expires_on)
            for each in read.certificates
            if (each.skill_code, each.number, each.expires_on) not in somebody.certificates
        ]
        if certificates:
            somebody.certificates.update(certificates)
            somebody.new_certificates += certificates
            self.names.append("certificates")


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
    new_teams: list[str] = field(default_factory=list)
    new_organisations: list[str] = field(default_factory=list)
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
    counts: Counter[str] = Counter({ADDED: 0, CHANGED: 0, UNCHANGED: 0, "rejected": 0, "phone_shared": 0})
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
            counts["phone_shared"] += outcome.may_be_a_duplicate
            # What is as before and needs no word is not worth a line.
            if counts[outcome.kind] <= SHOWN and (outcome.kind != UNCHANGED or outcome.remarks):
                shown.outcomes.append(outcome)
        if report is not None and row_count:
            report(min(99, shown.row_count * 100 // row_count))
    shown.counts = dict(counts)
    for kind, group in board.groups.new:
        (shown.new_teams if kind == "team" else shown.new_organisations).append(group.name)
    return shown


@reading
def _start_board(setting: Setting) -> _Board:
    return _Board(setting, for_update=False)


@reading
def _compare(board: _Board, rows: list[Row]) -> tuple[list[Outcome], list[tuple[Row, Problem]]]:
    return board.take(rows)


# --- taking -------------------------------------------------------------------------------------------------


def import_volunteers(
    *,
    deed: Deed,
    area_code: str,
    file: BinaryIO,
    reject: Reject,
    minors_allowed: bool = False,
    report: Report | None = None,
    row_count: int = 0,
    is_invented: bool = False,
) -> Tally:
    """Take a list of volunteers of an area, a batch per transaction; `reject` is told each bad row.

    Whoever is taken is accepted. Raises RuleBroken for a file that cannot be read, NotFound for an area where
    the actor does not decide: nothing has changed then. Taking the same file again changes nothing.
    """
    area = queries.get_area_for_import(actor=deed.actor, code=area_code)
    setting = Setting(area, minors_allowed, is_invented, clock.day(deed.now))
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
    # One import at a time: two of them must not make the same person or team twice. Sign-ups go on beside it.
    db.connection().execute(select(_skills.c.code).order_by(_skills.c.code).with_for_update(key_share=True))
    board = _Board(setting, for_update=True)
    outcomes, problems = board.take(rows)
    touched = list(board.touched.values())
    _write_groups(deed, setting.area, board.groups.new)
    write_listed(touched, now=deed.now, is_invented=setting.is_invented)
    _write_volunteers(deed, touched)
    _write_skills(deed, touched)
    counted = Counter(outcome.kind for outcome in outcomes)
    if touched:
        audit.record(
            deed,
            "import_volunteers",
            "area",
            setting.area.id,
            area_path=setting.area.path,
            added=counted[ADDED],
            changed=counted[CHANGED],
        )
    requests.settle(claim, outcome="imported", object_id=setting.area.id)
    return outcomes, problems


def _write_groups(deed: Deed, area: ImportArea, new: list[tuple[str, _Group]]) -> None:
    """Organisations first, so that teams can name them. One that somebody made at the same moment is taken."""
    connection = db.connection()
    for kind, group in sorted(new, key=lambda pair: pair[0]):
        table = _organisations if kind == "organisation" else _teams
        columns: dict[str, Any] = {
            "public_id": new_public_id(),
            "area_id": area.id,
            "area_path": area.path,
            "name": group.name,
            "society": group.society,
            "created_at": deed.now,
        }
        if table is _teams:
            columns["organisation_id"] = group.organisation.id if group.organisation else None
        same = select(table.c.id).where(table.c.area_id == area.id, table.c.name == group.name)
        group.id = connection.execute(same).scalar()
        if group.id is not None:
            # Closed once: a list that names it again opens it.
            connection.execute(update(table).where(table.c.id == group.id).values(closed_at=None))
        else:
            group.id = connection.execute(table.insert().returning(table.c.id), columns).scalar_one()
        audit.record(deed, f"make_{kind}", kind, group.id, area_path=area.path)


def _write_volunteers(deed: Deed, touched: list[_Somebody]) -> None:
    connection = db.connection()
    new = [each for each in touched if each.volunteer_id is None]
    for somebody in touched:
        if somebody.volunteer_id is None:
            continue
        decided: dict[str, Any] = {}
        if "state" in somebody.changes:
            decided = {"decided_at": deed.now, "decided_by": deed.actor.key, "decision_note": None}
        connection.execute(
            update(_volunteers)
            .where(_volunteers.c.id == somebody.volunteer_id)
            .values(version=_volunteers.c.version + 1, **_facts(somebody), **decided)
        )
        audit.record(
            deed,
            "change_volunteer",
            "volunteer",
            somebody.volunteer_id,
            area_path=somebody.area_path,
            columns=list(somebody.changes),
        )
    if not new:
        return
    ids = connection.execute(
        _volunteers.insert().returning(_volunteers.c.id, sort_by_parameter_order=True),
        [
            {
                "public_id": new_public_id(),
                "person_id": somebody.id,
                "name": somebody.name,
                "pinyin_key": people_rules.pinyin_keys(somebody.name)[0],
                "phone_tail": somebody.phone_tail,
                "applied_at": deed.now,
                "decided_at": deed.now,
                "decided_by": deed.actor.key,
                "version": 1,
                **_facts(somebody),
            }
            for somebody in new
        ],
    ).scalars()
    for somebody, volunteer_id in zip(new, ids, strict=True):
        somebody.volunteer_id = volunteer_id


def _facts(somebody: _Somebody) -> dict[str, Any]:
    return {
        "state": somebody.state,
        "society": somebody.society,
        "organisation_id": somebody.organisation.id if somebody.organisation else None,
        "team_id": somebody.team.id if somebody.team else None,
        "area_id": somebody.area_id,
        "area_path": somebody.area_path,
        "age_group": somebody.age_group,
        "guardian_name": somebody.guardian_name,
        "note": somebody.note,
    }


def _write_skills(deed: Deed, touched: list[_Somebody]) -> None:
    connection = db.connection()
    skills = [
        {"volunteer_id": somebody.volunteer_id, "skill_code": code}
        for somebody in touched
        for code in somebody.new_skills
    ]
    if skills:
        connection.execute(_own_skills.insert(), skills)
    certificates = [
        {
            "public_id": new_public_id(),
            "volunteer_id": somebody.volunteer_id,
            "skill_code": code,
            "number": number,
            "expires_on": expires_on,
            "created_at": deed.now,
        }
        for somebody in touched
        for code, number, expires_on in somebody.new_certificates
    ]
    if certificates:
        connection.execute(_certificates.insert(), certificates)
