"""What stands on the printed sheets of a call-up, who may print which copy, and which versions there are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy import func, or_, select

from webapp.base import clock, crypto, db, files
from webapp.base.actor import Actor
from webapp.base.db import is_any, reading
from webapp.base.errors import NotAllowed, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.permissions import Permission
from webapp.domain.areas.queries import get_place
from webapp.domain.mobilization.models import (
    CallAttempt,
    CallUp,
    CallUpRole,
    MobilizationSheet,
    Reservist,
    Summons,
    Unit,
)
from webapp.domain.mobilization.queries import board, report, scope
from webapp.domain.mobilization.rules import (
    UNANSWERED,
    CallUpState,
    SheetCopy,
    SheetKind,
    SummonsState,
    UnitState,
)
from webapp.domain.mobilization.sheets import (
    Attempt,
    CallUpFacts,
    Expected,
    RoleSummary,
    TeamSummary,
    ToCall,
    call_list_sheet,
    content_hash,
    content_of,
    roster_sheet,
    says,
    summary_sheet,
)
from webapp.domain.mobilization.sheets import Sheet as ListedSheet
from webapp.domain.people.models import Person, PersonPhone
from webapp.domain.rosters.sheets import Printing, Said
from webapp.domain.volunteers.models import Organisation, Team, TeamLead
from webapp.domain.volunteers.queries.scope import led_teams

VERSIONS_LOOKED_AT = 30
SHEETS_LISTED = 30
# As many people as one statement asks phones of: below the parameters that SQLite takes.
AT_ONCE = 500
TEAM, CALLER, OFFICE = "team:", "caller:", "caller:office"
# The copies that there are of each sheet: a list for the phone has numbers, a report has none.
COPIES = {
    SheetKind.ROSTER: (SheetCopy.WALL, SheetCopy.WORKING),
    SheetKind.CALL_LIST: (SheetCopy.WORKING,),
    SheetKind.SUMMARY: (SheetCopy.WALL, SheetCopy.WORKING),
    SheetKind.REPORT: (SheetCopy.WALL,),
}


@dataclass(frozen=True)
class ReportSheet:
    """结束报告 on paper: what the report on the screen says. The instant at which it was asked for is no content."""

    facts: CallUpFacts
    report: report.Report

    @property
    def row_count(self) -> int:
        """How many lines are printed."""
        return len(self.report.roles) + len(self.report.organisations) + len(self.report.events)


Sheet = ListedSheet | ReportSheet

_sheets: Any = MobilizationSheet.__table__
_call_ups: Any = CallUp.__table__
_roles: Any = CallUpRole.__table__
_summonses: Any = Summons.__table__
_units: Any = Unit.__table__
_attempts: Any = CallAttempt.__table__
_reservists: Any = Reservist.__table__
_people: Any = Person.__table__
_phones: Any = PersonPhone.__table__
_teams: Any = Team.__table__
_leads: Any = TeamLead.__table__
_organisations: Any = Organisation.__table__


@dataclass(frozen=True)
class Ask:
    """Which sheet of a call-up somebody wants; `part` is empty for all of it, team:<id>, caller:<id> or caller:office."""

    call_up: str
    kind: SheetKind
    copy: SheetCopy
    part: str = ""


@dataclass(frozen=True)
class Subject:
    """What a sheet is about, found and allowed. `row` is the call-up; `part_id` the team or who calls."""

    ask: Ask
    row: Any
    part: Said | None = None
    part_id: int | None = None

    @property
    def kind(self) -> SheetKind:
        """Which sheet."""
        return self.ask.kind

    @property
    def copy(self) -> SheetCopy:
        """Which copy of it."""
        return self.ask.copy

    @property
    def id(self) -> int:
        """The call-up's id."""
        return int(self.row.id)

    @property
    def area_path(self) -> str:
        """Where the call-up is."""
        return str(self.row.area_path)


@dataclass(frozen=True)
class Prepared:
    """A sheet as values; `made` is the public id of the version that says the same, if any.

    `public_id` is what the new version will be called, because its code is printed on it.
    """

    subject: Subject
    sheet: Sheet
    content_hash: str
    public_id: str
    made: str | None
    next_version: int

    @property
    def path(self) -> str:
        """What the code on the sheet opens: the roll call of a roster, the calls of a list, else this version."""
        if self.subject.kind is SheetKind.ROSTER:
            return f"/mobilization/sheets/{self.public_id}/muster"
        if self.subject.kind is SheetKind.CALL_LIST:
            return f"/mobilization/call-ups/{self.subject.ask.call_up}/call-list?part=all"
        return f"/mobilization/sheets/{self.public_id}"

    def printing(self, *, at: datetime, by: str) -> Printing:
        """What this printing adds to the content."""
        return Printing(self.next_version, clock.here(at), by)


# --- who may print what -------------------------------------------------------------------------------------


@reading
def get_subject(*, actor: Actor, ask: Ask) -> Subject:
    """What the sheet is about. A working copy needs CALL_LIST (NotAllowed without), a wall copy that one sees the call-up.

    A team's lead prints the roster of an own team and the list of the calls that were given to them: NotFound for
    all else, as for a call-up that is not the actor's to see and a part that it has not. RuleBroken:
    call_up_not_started for a draft, report_not_yet while it runs.
    """
    if ask.copy not in COPIES[ask.kind]:
        raise NotFound
    permission = Permission.CALL_LIST if ask.copy is SheetCopy.WORKING else Permission.CALL_UP_SEE
    row = scope.find_call_up(actor, ask.call_up, permission)
    if row.state is CallUpState.DRAFT:
        raise RuleBroken("call_up_not_started")
    if ask.kind is SheetKind.REPORT and row.state in {CallUpState.RUNNING, CallUpState.PAUSED}:
        raise RuleBroken("report_not_yet")
    is_whole = scope.sees_whole(actor, row.id, permission)
    if ask.part.startswith(TEAM) and ask.kind is SheetKind.ROSTER:
        return _team_subject(actor, ask, row, is_whole=is_whole)
    if ask.part.startswith(CALLER) and ask.kind is SheetKind.CALL_LIST:
        return _caller_subject(actor, ask, row, is_whole=is_whole)
    if ask.part or not is_whole:
        raise NotFound
    return Subject(ask, row)


def _team_subject(actor: Actor, ask: Ask, row: Any, *, is_whole: bool) -> Subject:
    statement = select(_teams.c.id, _teams.c.name, _teams.c.name_en).where(
        _teams.c.public_id == ask.part.removeprefix(TEAM),
        _teams.c.id.in_(_teams_called(row.id)),
    )
    if not is_whole:
        statement = statement.where(_teams.c.id.in_(led_teams(actor)))
    found = _one(statement)
    return Subject(ask, row, Said(found.name, found.name_en), found.id)


def _caller_subject(actor: Actor, ask: Ask, row: Any, *, is_whole: bool) -> Subject:
    if ask.part == OFFICE:
        if not is_whole:
            raise NotFound
        return Subject(ask, row)
    statement = select(_people.c.id, _people.c.name).where(
        _people.c.public_id == ask.part.removeprefix(CALLER),
        _people.c.id.in_(select(_summonses.c.listed_to_id).where(_summonses.c.call_up_id == row.id)),
    )
    if not is_whole:
        statement = statement.where(_people.c.id == actor.person_id)
    found = _one(statement)
    return Subject(ask, row, Said(found.name), found.id)


def _teams_called(call_up_id: int) -> Any:
    """Ids of the teams whose people this call-up asked, as a subquery."""
    return (
        select(_reservists.c.team_id)
        .join(_summonses, _summonses.c.person_id == _reservists.c.person_id)
        .where(_summonses.c.call_up_id == call_up_id, _reservists.c.team_id.is_not(None))
        .union(select(_units.c.team_id).where(_units.c.call_up_id == call_up_id))
    )


def _one(statement: Any) -> Any:
    row = db.connection().execute(statement).one_or_none()
    if row is None:
        raise NotFound
    return row


# --- what stands on it --------------------------------------------------------------------------------------


@reading
def prepare(
    *, actor: Actor, subject: Subject, language: str, now: datetime, printed_by: str = ""
) -> Prepared:
    """The sheet as it stands now, and which printed version it is or will be.

    Whoever answers for a working copy (the actor, or for whom the worker makes it: `printed_by` is their key) stands
    on it: printed by somebody else it is another one. Raises RuleBroken("nobody_to_call") for an empty list of calls.
    """
    sheet = get_sheet(actor=actor, subject=subject, now=now)
    content = content_of(sheet)
    s = _sheets.c
    rows = (
        db.connection()
        .execute(
            select(s.public_id, s.version, s.language, s.content_hash)
            .where(_same(subject))
            .order_by(s.version.desc())
            .limit(VERSIONS_LOOKED_AT)
        )
        .all()
    )
    since = next((row.version for row in rows if not says(content, row.content_hash)), 0)
    hashed = content_hash(
        content,
        printed_by=(printed_by or actor.key) if subject.copy is SheetCopy.WORKING else "",
        since=since,
    )
    return Prepared(
        subject=subject,
        sheet=sheet,
        content_hash=hashed,
        public_id=new_public_id(),
        made=next(
            (row.public_id for row in rows if row.content_hash == hashed and row.language == language), None
        ),
        next_version=(rows[0].version if rows else 0) + 1,
    )


def _same(subject: Subject) -> Any:
    """The versions of the same sheet."""
    s, ask = _sheets.c, subject.ask
    return (s.call_up_id == subject.id) & (s.kind == ask.kind) & (s.copy == ask.copy) & (s.part == ask.part)


@reading
def get_sheet(*, actor: Actor, subject: Subject, now: datetime) -> Sheet:
    """The sheet as values. Raises RuleBroken("nobody_to_call") for an empty list of calls."""
    facts = _facts(subject)
    if subject.kind is SheetKind.ROSTER:
        return roster_sheet(facts, [*_expected(subject), *_promised(subject)])
    if subject.kind is SheetKind.SUMMARY:
        return summary_sheet(
            facts,
            _role_summaries(subject, now),
            _team_summaries(subject),
            started_at=_here(subject.row.started_at),
        )
    if subject.kind is SheetKind.REPORT:
        found = report.get_report(actor=actor, public_id=subject.ask.call_up, now=now)
        return ReportSheet(facts, replace(found, as_of=found.closed_at or found.started_at))
    people = _to_call(subject)
    if not people:
        raise RuleBroken("nobody_to_call")
    return call_list_sheet(facts, people)


def _here(at: datetime | None) -> datetime | None:
    return None if at is None else clock.here(at)


def _facts(subject: Subject) -> CallUpFacts:
    row, place = subject.row, get_place(subject.area_path)
    return CallUpFacts(
        copy=subject.copy,
        unit_line=place.unit_line or "",
        hotline=place.hotline or row.phone,
        place=Said(place.community_name or place.area_name or "", place.community_name_en),
        number=row.number,
        title=row.title,
        caller=row.caller_name,
        phone=row.phone,
        starts_at=clock.here(row.starts_at),
        ends_at=clock.here(row.ends_at),
        point=row.muster_point,
        landmark=row.landmark,
        bring=row.bring,
        stay=row.stay,
        sleeps=row.sleeps,
        eats=row.eats,
        is_drill=row.is_drill,
        part=subject.part,
    )


_TEAM = (
    _teams.c.name.label("team"),
    _teams.c.name_en.label("team_en"),
    _organisations.c.name.label("organisation"),
    _organisations.c.name_en.label("organisation_en"),
    _reservists.c.unit,
)


# Summonses with person, role and team.
_listed = (
    _summonses.join(_people, _people.c.id == _summonses.c.person_id)
    .join(_roles, _roles.c.id == _summonses.c.role_id)
    .outerjoin(_reservists, _reservists.c.person_id == _summonses.c.person_id)
    .outerjoin(_teams, _teams.c.id == _reservists.c.team_id)
    .outerjoin(_organisations, _organisations.c.id == _reservists.c.organisation_id)
)


def _team(row: Any) -> Said:
    """单位/队伍: the team, else the organisation, else the unit as a list had it."""
    if row.team:
        return Said(row.team, row.team_en)
    if row.organisation:
        return Said(row.organisation, row.organisation_en)
    return Said(row.unit or "")


def _expected(subject: Subject) -> list[Expected]:
    s = _summonses.c
    statement = (
        select(
            s.public_id,
            s.person_id,
            s.state,
            s.answered_at,
            s.answer_source,
            s.eta_at,
            s.arrived_at,
            s.departed_at,
            s.assigned_to,
            _people.c.name,
            _people.c.pinyin_key,
            _roles.c.position,
            _roles.c.name.label("role"),
            *_TEAM,
        )
        .select_from(_listed)
        .where(
            s.call_up_id == subject.id,
            or_(is_any(s.state, SummonsState.COMING), s.arrived_at.is_not(None)),
        )
    )
    if subject.part_id is not None:
        statement = statement.where(_reservists.c.team_id == subject.part_id)
    rows = db.connection().execute(statement).all()
    phones = _phones_of(subject, {row.person_id for row in rows})
    return [
        Expected(
            key=row.public_id,
            place=row.position,
            role=row.role,
            team=_team(row),
            name=row.name,
            pinyin=row.pinyin_key,
            phone=" ".join(phones.get(row.person_id, ())[:1]),
            answered_at=_here(row.answered_at),
            answered_by=row.answer_source,
            eta_at=_here(row.eta_at),
            arrived_at=_here(row.arrived_at),
            departed_at=_here(row.departed_at),
            assigned_to=row.assigned_to or "",
            has_place=row.state is SummonsState.COMING,
        )
        for row in rows
    ]


def _promised(subject: Subject) -> list[Expected]:
    """A line without a name for each place that a unit has promised and not named."""
    u = _units.c
    statement = (
        select(
            u.public_id,
            (u.promised_count - u.named_count).label("unnamed"),
            _roles.c.position,
            _roles.c.name.label("role"),
            _teams.c.name,
            _teams.c.name_en,
        )
        .select_from(_units.join(_roles, _roles.c.id == u.role_id).join(_teams, _teams.c.id == u.team_id))
        .where(
            u.call_up_id == subject.id,
            is_any(u.state, UnitState.COMING),
            u.promised_count > u.named_count,
        )
    )
    if subject.part_id is not None:
        statement = statement.where(u.team_id == subject.part_id)
    return [
        Expected(
            key=f"{row.public_id}/{number}",
            place=row.position,
            role=row.role,
            team=Said(row.name, row.name_en),
        )
        for row in db.connection().execute(statement)
        for number in range(row.unnamed)
    ]


def _to_call(subject: Subject) -> list[ToCall]:
    s = _summonses.c
    callers = _people.alias("callers")
    statement = (
        select(
            s.id,
            s.public_id,
            s.person_id,
            callers.c.pinyin_key.label("caller"),
            callers.c.public_id.label("caller_id"),
            _people.c.name,
            _people.c.pinyin_key,
            _roles.c.name.label("role"),
            *_TEAM,
        )
        .select_from(_listed.outerjoin(callers, callers.c.id == s.listed_to_id))
        .where(s.call_up_id == subject.id, s.listed_at.is_not(None), is_any(s.state, *sorted(UNANSWERED)))
    )
    if subject.ask.part:
        statement = statement.where(
            s.listed_to_id.is_(None) if subject.part_id is None else s.listed_to_id == subject.part_id
        )
    rows = db.connection().execute(statement).all()
    phones = _phones_of(subject, {row.person_id for row in rows})
    made: dict[int, list[Attempt]] = {}
    a = _attempts.c
    for row in db.connection().execute(
        select(a.summons_id, a.called_at, a.result)
        .join(_summonses, s.id == a.summons_id)
        .where(s.call_up_id == subject.id)
        .order_by(a.summons_id, a.number)
    ):
        made.setdefault(row.summons_id, []).append(Attempt(clock.here(row.called_at), row.result))
    return [
        ToCall(
            key=row.public_id,
            name=row.name,
            pinyin=row.pinyin_key,
            team=_team(row),
            role=row.role,
            phones=phones.get(row.person_id, ()),
            caller=f"{row.caller or ''}/{row.caller_id or ''}",
            attempts=tuple(made.get(row.id, ())),
        )
        for row in rows
    ]


def _role_summaries(subject: Subject, now: datetime) -> list[RoleSummary]:
    s = _summonses.c
    known = {
        row.public_id: row
        for row in db.connection().execute(
            select(
                _roles.c.public_id,
                _roles.c.short_because,
                func.count(s.wave_id).label("asked"),
                func.max(s.eta_at).label("latest"),
            )
            .select_from(_roles.outerjoin(_summonses, s.role_id == _roles.c.id))
            .where(_roles.c.call_up_id == subject.id)
            .group_by(_roles.c.id, _roles.c.public_id, _roles.c.short_because)
        )
    }
    return [
        RoleSummary(
            name=line.name,
            figures=line.figures,
            asked=known[line.public_id].asked,
            latest_eta_at=_here(known[line.public_id].latest),
            short_because=known[line.public_id].short_because,
        )
        for line in board.role_lines(subject.id, now)
    ]


def _team_summaries(subject: Subject) -> list[TeamSummary]:
    s = _summonses.c
    rows = (
        db.connection()
        .execute(
            select(
                _reservists.c.team_id,
                _teams.c.name,
                _teams.c.name_en,
                func.count(s.id).label("expected"),
                func.count(s.arrived_at).label("arrived"),
            )
            .select_from(_listed)
            .where(s.call_up_id == subject.id, is_any(s.state, SummonsState.COMING))
            .group_by(_reservists.c.team_id, _teams.c.name, _teams.c.name_en)
        )
        .all()
    )
    leads: dict[int, list[Any]] = {}
    for row in db.connection().execute(
        select(_leads.c.team_id, _leads.c.person_id, _people.c.name)
        .join(_people, _people.c.id == _leads.c.person_id)
        .where(_leads.c.team_id.in_([row.team_id for row in rows if row.team_id is not None]))
        .order_by(_leads.c.team_id, _people.c.pinyin_key, _people.c.id)
    ):
        leads.setdefault(row.team_id, []).append(row)
    phones = _phones_of(subject, {row.person_id for each in leads.values() for row in each})
    return [
        TeamSummary(
            name=Said(row.name or "", row.name_en),
            expected=row.expected,
            arrived=row.arrived,
            leads=tuple(
                (lead.name, " ".join(phones.get(lead.person_id, ())[:1]))
                for lead in leads.get(row.team_id, ())
            ),
        )
        for row in rows
    ]


def _phones_of(subject: Subject, person_ids: set[int]) -> dict[int, tuple[str, ...]]:
    """The numbers of each person, for working copies; a wall copy never even reads them."""
    if subject.copy is not SheetCopy.WORKING:
        return {}
    found: dict[int, tuple[str, ...]] = {}
    ordered = sorted(person_ids)
    for start in range(0, len(ordered), AT_ONCE):
        rows = db.connection().execute(
            select(_phones.c.person_id, _phones.c.phone)
            .where(_phones.c.person_id.in_(ordered[start : start + AT_ONCE]))
            .order_by(_phones.c.person_id, _phones.c.position, _phones.c.id)
        )
        for row in rows:
            found[row.person_id] = (*found.get(row.person_id, ()), crypto.decrypt(row.phone))
    return found


# --- what was printed ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Printed:
    """A version that was printed. `newest` is the latest version of the same sheet."""

    public_id: str
    subject: Subject
    language: str
    version: int
    printed_at: datetime
    printed_by: str
    file_id: int
    newest: int

    @property
    def is_newest(self) -> bool:
        """Whether this is the latest printing."""
        return self.version == self.newest


@reading
def get_printed(*, actor: Actor, public_id: str) -> Printed:
    """A printed version; NotFound and NotAllowed as for printing it anew."""
    s = _sheets.c
    row = _one(
        select(_sheets, _call_ups.c.public_id.label("call_up"))
        .join(_call_ups, _call_ups.c.id == s.call_up_id)
        .where(s.public_id == public_id)
    )
    subject = get_subject(actor=actor, ask=Ask(row.call_up, row.kind, row.copy, row.part))
    newest = db.connection().execute(select(func.max(s.version)).where(_same(subject))).scalar_one()
    return Printed(
        row.public_id,
        subject,
        row.language,
        row.version,
        row.printed_at,
        row.printed_by,
        row.file_id,
        newest,
    )


@reading
def get_pdf(*, printed: Printed) -> bytes:
    """The bytes of a printed version that the actor has loaded."""
    return files.content(printed.file_id)


@dataclass(frozen=True)
class PrintedLine:
    """A printed version as a row of a list."""

    public_id: str
    kind: SheetKind
    copy: SheetCopy
    part: Said | None
    version: int
    printed_at: datetime
    printed_by: str


@dataclass(frozen=True)
class Choices:
    """What this actor may print of a call-up: pairs of a part and its name for rosters and for lists of calls.

    `kinds` are the sheets that there are now; `may_take_phones`: working copies too.
    """

    call_up: Any
    kinds: tuple[SheetKind, ...]
    teams: tuple[tuple[str, Said], ...]
    callers: tuple[tuple[str, Said | None, int], ...]
    is_whole: bool
    may_take_phones: bool
    printed: tuple[PrintedLine, ...]


@reading
def list_choices(*, actor: Actor, public_id: str) -> Choices:
    """What can be printed of this call-up by the actor, and what was. NotFound outside; a draft has nothing yet."""
    row = scope.find_call_up(actor, public_id)
    is_whole = scope.sees_whole(actor, row.id)
    try:
        scope.find_call_up(actor, public_id, Permission.CALL_LIST)
        may_take_phones = True
    except NotAllowed:
        may_take_phones = False
    teams = _teams_to_choose(actor, row, is_whole=is_whole)
    callers = _callers_to_choose(actor, row, is_whole=is_whole) if may_take_phones else ()
    kinds: list[SheetKind] = []
    if row.state is not CallUpState.DRAFT:
        if is_whole or teams:
            kinds.append(SheetKind.ROSTER)
        if callers:
            kinds.append(SheetKind.CALL_LIST)
        if is_whole:
            kinds.append(SheetKind.SUMMARY)
        if is_whole and row.state not in {CallUpState.RUNNING, CallUpState.PAUSED}:
            kinds.append(SheetKind.REPORT)
    return Choices(
        call_up=row,
        kinds=tuple(kinds),
        teams=teams,
        callers=callers,
        is_whole=is_whole,
        may_take_phones=may_take_phones,
        printed=_list_printed(row, teams, callers, is_whole=is_whole),
    )


def _teams_to_choose(actor: Actor, row: Any, *, is_whole: bool) -> tuple[tuple[str, Said], ...]:
    statement = select(_teams.c.public_id, _teams.c.name, _teams.c.name_en).where(
        _teams.c.id.in_(_teams_called(row.id))
    )
    if not is_whole:
        statement = statement.where(_teams.c.id.in_(led_teams(actor)))
    found = db.connection().execute(statement.order_by(_teams.c.name, _teams.c.id).limit(AT_ONCE))
    return tuple((f"{TEAM}{each.public_id}", Said(each.name, each.name_en)) for each in found)


def _callers_to_choose(actor: Actor, row: Any, *, is_whole: bool) -> tuple[tuple[str, Said | None, int], ...]:
    """Who has calls to make, and how many: (part, name, count); the office has no name."""
    s = _summonses.c
    statement = (
        select(_people.c.public_id, _people.c.name, func.count().label("calls"))
        .select_from(_summonses.outerjoin(_people, _people.c.id == s.listed_to_id))
        .where(s.call_up_id == row.id, s.listed_at.is_not(None), is_any(s.state, *sorted(UNANSWERED)))
        .group_by(_people.c.public_id, _people.c.name)
        .order_by(_people.c.name)
    )
    if not is_whole:
        statement = statement.where(s.listed_to_id == actor.person_id)
    return tuple(
        (f"{CALLER}{each.public_id}" if each.public_id else OFFICE, each.name and Said(each.name), each.calls)
        for each in db.connection().execute(statement)
    )


def _list_printed(
    row: Any,
    teams: Sequence[tuple[str, Said]],
    callers: Sequence[tuple[str, Said | None, int]],
    *,
    is_whole: bool,
) -> tuple[PrintedLine, ...]:
    s = _sheets.c
    names = dict(teams) | {part: name for part, name, _count in callers}
    statement = select(_sheets).where(s.call_up_id == row.id)
    if not is_whole:
        statement = statement.where(s.part.in_(sorted(names)))
    found = db.connection().execute(statement.order_by(s.printed_at.desc(), s.id.desc()).limit(SHEETS_LISTED))
    return tuple(
        PrintedLine(
            each.public_id,
            each.kind,
            each.copy,
            names.get(each.part),
            each.version,
            each.printed_at,
            each.printed_by,
        )
        for each in found
    )


@reading
def name_of(*, actor: Actor) -> str:
    """The actor's own name, for 打印人."""
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == actor.person_id)).scalar()
    return str(name or "")
