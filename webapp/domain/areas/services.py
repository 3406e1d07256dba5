"""Deeds of areas: importing the division table, zones, rule sets."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import islice
from typing import Any, BinaryIO

from sqlalchemy import func, literal, select, update

from webapp.base import audit, db, requests
from webapp.base.db import within, writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, LinliError, NotAllowed, NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.base.tables import Problem, Row, Sheet
from webapp.domain.areas import queries, rules
from webapp.domain.areas.models import Area, AreaLevel, RuleSet, Zone, ZoneClass

BATCH = 500
COLUMNS: Mapping[str, tuple[str, ...]] = {
    "code": ("代码", "区划代码", "编码", "统计用区划代码"),
    "name": ("名称", "区划名称"),
    "level": ("级别", "层级"),
    "parent_code": ("上级代码", "上级区划代码", "上级"),
    "name_en": ("英文名称", "英文名"),
    "office_name": ("单位名称", "单位", "落款"),
    "hotline_phone": ("服务热线", "热线电话", "值班电话", "热线"),
    "building_word": ("楼栋称呼", "楼栋叫法"),
}
REQUIRED = (("code",), ("name",), ("level",), ("parent_code",))
_LENGTHS = {"name": 80, "name_en": 80, "office_name": 80, "hotline_phone": 30, "building_word": 10}
_OPTIONAL = ("name_en", "office_name", "hotline_phone", "building_word")
_CODE = re.compile(r"[0-9A-Za-z][0-9A-Za-z._-]{0,59}")
_ROUNDED = re.compile(r"\d(\.\d+)?[eE]\+?\d+")
_DIVISION_CODE = re.compile(r"\d{12}")

_areas: Any = Area.__table__
_levels: Any = AreaLevel.__table__
_sets: Any = RuleSet.__table__
_classes: Any = ZoneClass.__table__
_zones: Any = Zone.__table__


@dataclass
class Tally:
    """What became of the rows of a file."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0
    rejected: int = 0

    def __str__(self) -> str:
        return f"added {self.added}, changed {self.changed}, unchanged {self.unchanged}, rejected {self.rejected}"

    def plus(self, other: "Tally") -> None:
        """Count the other one in."""
        self.added += other.added
        self.changed += other.changed
        self.unchanged += other.unchanged
        self.rejected += other.rejected


# --- the tree inside an open transaction --------------------------------------------------------------------


@dataclass(eq=False)
class Node:
    """An area in memory; `id` is None until the tree is flushed."""

    id: int | None
    public_id: str
    code: str
    name: str
    level: str
    path: str
    parent_id: int | None
    parent_code: str | None
    parent: "Node | None" = None
    optional: dict[str, str | None] = field(default_factory=dict)
    changes: dict[str, Any] = field(default_factory=dict)


class Tree:
    """Areas inside the open transaction of a service: found, added, moved, then written by `flush`.

    Holds the lock under which segments are given out, so that two imports cannot take the same one. Not a
    deed of its own: whoever uses it claims and audits.
    """

    def __init__(self) -> None:
        connection = db.connection()
        rows = connection.execute(select(_levels).order_by(_levels.c.rank).with_for_update()).all()
        self.levels = [(row.code, row.name_zh, row.name_en) for row in rows]
        self.ranks = {row.code: row.rank for row in rows}
        self.by_code: dict[str, Node] = {}
        self._by_id: dict[int, Node] = {}
        self._new: list[Node] = []
        self._paths: set[str] = set()

    @property
    def nodes(self) -> Iterable[Node]:
        """All areas in memory."""
        return self.by_code.values()

    def load(self, condition: Any) -> list[Node]:
        """Bring the areas that fulfil the condition into memory and return them."""
        found = []
        for row in db.connection().execute(select(_areas).where(condition).order_by(_areas.c.path)):
            node = self._by_id.get(row.id)
            if node is None:
                node = Node(
                    id=row.id,
                    public_id=row.public_id,
                    code=row.code,
                    name=row.name,
                    level=row.level,
                    path=row.path,
                    parent_id=row.parent_id,
                    parent_code=row.parent_code,
                    optional={name: getattr(row, name) for name in _OPTIONAL},
                )
                self._by_id[row.id] = node
                self.by_code[row.code] = node
                self._paths.add(node.path)
            found.append(node)
        self.link()
        return found

    def link(self) -> None:
        """Tie each area to its parent, where both are in memory."""
        for node in self.nodes:
            if node.parent is None and node.parent_id is not None:
                node.parent = self._by_id.get(node.parent_id)

    def add(
        self,
        *,
        code: str,
        name: str,
        level: str,
        parent: Node | None,
        parent_code: str | None,
        optional: Mapping[str, str | None] | None = None,
    ) -> Node:
        """A new area below the parent (None: a root)."""
        self._ensure_below(level, parent)
        node = Node(
            id=None,
            public_id=new_public_id(),
            code=code,
            name=name,
            level=level,
            path=self._free_path(parent, rules.own_number(code=code, name=name, level=level)),
            parent_id=None,
            parent_code=parent_code,
            parent=parent,
            optional=dict(optional or {}),
        )
        self.by_code[code] = node
        self._paths.add(node.path)
        self._new.append(node)
        return node

    def change(self, node: Node, **values: Any) -> bool:
        """Give the area new values; whether anything is different now."""
        before = {"name": node.name, "level": node.level, "parent_code": node.parent_code} | node.optional
        different = {name: value for name, value in values.items() if before.get(name) != value}
        for name, value in different.items():
            if name in _OPTIONAL:
                node.optional[name] = value
            else:
                setattr(node, name, value)
        node.changes |= different
        return bool(different)

    def move(self, node: Node, parent: Node | None) -> None:
        """Hang the area and all below it under the parent; raises RuleBroken where that makes no tree."""
        if parent is not None and parent.path.startswith(node.path):
            raise RuleBroken("area_cycle", field="parent_code", parent=parent.code)
        self._ensure_below(node.level, parent)
        old = node.path
        new = self._free_path(parent, rules.own_number(code=node.code, name=node.name, level=node.level))
        # Paths of households, rounds and whatever else hangs on an area follow by ON UPDATE CASCADE.
        db.connection().execute(
            update(_areas)
            .where(within(_areas.c.path, old))
            .values(path=literal(new) + func.substr(_areas.c.path, len(old) + 1))
        )
        for other in self.nodes:
            if other.path.startswith(old):
                other.path = new + other.path[len(old) :]
        self._paths = {other.path for other in self.nodes}
        node.parent = parent
        node.changes["parent_id"] = None

    def _ensure_below(self, level: str, parent: Node | None) -> None:
        if parent is not None and self.ranks[parent.level] >= self.ranks[level]:
            raise RuleBroken("area_level_order", field="level", parent=parent.name)

    def _free_path(self, parent: Node | None, wanted: int | None) -> str:
        above = parent.path if parent else ""
        if wanted is not None:
            path = above + rules.segment(wanted)
            if path not in self._paths and not self._is_stored(path):
                return path
        first = above + rules.segment(rules.FIRST_FREE_SEGMENT)
        last = (
            db.connection()
            .execute(
                select(func.max(_areas.c.path)).where(_areas.c.path >= first, within(_areas.c.path, above))
            )
            .scalar()
        )
        numbers = [
            int(path[len(above) : len(above) + rules.SEGMENT_DIGITS], 36)
            for path in (*self._paths, last or "")
            if path >= first and path.startswith(above)
        ]
        return above + rules.segment(max(numbers, default=rules.FIRST_FREE_SEGMENT - 1) + 1)

    @staticmethod
    def _is_stored(path: str) -> bool:
        return db.connection().execute(select(_areas.c.id).where(_areas.c.path == path)).scalar() is not None

    def flush(self) -> None:
        """Write what was added and changed, from the top down."""
        connection = db.connection()
        for depth in sorted({node.path.count(".") for node in self._new}):
            nodes = [node for node in self._new if node.path.count(".") == depth]
            ids = connection.execute(
                _areas.insert().returning(_areas.c.id, sort_by_parameter_order=True),
                [
                    {
                        "public_id": node.public_id,
                        "code": node.code,
                        "name": node.name,
                        "level": node.level,
                        "parent_id": node.parent.id if node.parent else None,
                        "parent_code": node.parent_code,
                        "path": node.path,
                        "sort_key": _sort_key(node),
                        **{name: node.optional.get(name) for name in _OPTIONAL},
                    }
                    for node in nodes
                ],
            ).scalars()
            for node, new_id in zip(nodes, ids, strict=True):
                node.id = new_id
                node.changes = {}
                self._by_id[new_id] = node
        self._new = []
        for node in self.nodes:
            if node.changes:
                if "parent_id" in node.changes:
                    node.changes["parent_id"] = node.parent.id if node.parent else None
                connection.execute(
                    update(_areas)
                    .where(_areas.c.id == node.id)
                    .values(**node.changes, sort_key=_sort_key(node))
                )
                node.changes = {}


def _sort_key(node: Node) -> str:
    return node.code if _DIVISION_CODE.fullmatch(node.code) else rules.natural_key(node.name)


# --- importing the division table ---------------------------------------------------------------------------


def import_areas(*, deed: Deed, file: BinaryIO, reject: Callable[[Sheet, Row, Problem], None]) -> Tally:
    """Take an area file row by row, in batches of one transaction each; `reject` is told each bad row.

    Raises RuleBroken for a file that cannot be read; nothing has changed then. Taking it again changes nothing.
    """
    if not deed.actor.is_system:
        raise NotAllowed
    sheet = Sheet(file, columns=COLUMNS, required=REQUIRED)
    tally = Tally()
    rows = sheet.rows()
    while batch := list(islice(rows, BATCH)):
        counted, problems = _import_batch(
            deed=replace(deed, client_id=new_public_id()), rows=batch, known=frozenset(sheet.known)
        )
        tally.plus(counted)
        for row, problem in problems:
            reject(sheet, row, replace(problem, column=sheet.head_of(problem.column)))
    return tally


@writing
def _import_batch(
    *, deed: Deed, rows: list[Row], known: frozenset[str]
) -> tuple[Tally, list[tuple[Row, Problem]]]:
    db.after_commit(queries.forget_places)
    claim = requests.claim(deed)
    tree = Tree()
    codes = {row.cells.get("code", "") for row in rows} | {row.cells.get("parent_code", "") for row in rows}
    tree.load(_areas.c.code.in_(sorted(codes)))
    tree.load(_areas.c.parent_id.is_(None) & _areas.c.parent_code.in_(sorted(codes)))
    tree.load(_areas.c.id.in_([node.parent_id for node in tree.nodes if node.parent_id and not node.parent]))
    tally = Tally()
    problems = []
    for row in rows:
        try:
            outcome = _take(tree, row, known)
        except LinliError as error:
            problems.append((row, Problem(row.line, error.field, error.code, error.params)))
            tally.rejected += 1
        else:
            setattr(tally, outcome, getattr(tally, outcome) + 1)
    tree.flush()
    if tally.added or tally.changed:
        audit.record(deed, "import_areas", "area", None, added=tally.added, changed=tally.changed)
    requests.settle(claim, outcome="imported", object_id=None)
    return tally, problems


def _take(tree: Tree, row: Row, known: frozenset[str]) -> str:
    """Take one row into the tree and say what became of it."""
    if row.problem is not None:
        raise RuleBroken(row.problem.code, field=row.problem.column, **row.problem.params)
    code, name, parent_code = row.cells["code"], row.cells["name"], row.cells["parent_code"] or None
    for text, column in ((code, "code"), (parent_code, "parent_code")):
        if text is not None and _ROUNDED.fullmatch(text):
            raise RuleBroken("area_code_damaged", field=column, text=text)
        if text is not None and not _CODE.fullmatch(text):
            raise RuleBroken("area_code_unclear", field=column, text=text)
    if not name:
        raise RuleBroken("name_missing", field="name")
    for column, maximum in _LENGTHS.items():
        if len(row.cells.get(column, "")) > maximum:
            raise RuleBroken("text_too_long", field=column, maximum=maximum)
    level = rules.level_of(row.cells["level"], levels=tree.levels)
    if parent_code == code:
        raise RuleBroken("area_cycle", field="parent_code", parent=code)
    parent = tree.by_code.get(parent_code) if parent_code else None
    values = {column: row.cells[column] or None for column in _OPTIONAL if column in known}
    node = tree.by_code.get(code)
    waiting = [
        other
        for other in tree.nodes
        if other.parent_code == code and other.parent is None and other.parent_id is None
    ]
    for child in waiting:
        if parent is not None and parent.path.startswith(child.path):
            raise RuleBroken("area_cycle", field="parent_code", parent=parent_code)
        if tree.ranks[child.level] <= tree.ranks[level]:
            raise RuleBroken("area_level_order", field="level", parent=child.name)
    if node is None:
        node = tree.add(
            code=code, name=name, level=level, parent=parent, parent_code=parent_code, optional=values
        )
        outcome = "added"
    else:
        outcome = "changed" if _change(tree, node, name, level, parent, parent_code, values) else "unchanged"
    for child in waiting:
        tree.move(child, node)
    return outcome


def _change(
    tree: Tree,
    node: Node,
    name: str,
    level: str,
    parent: Node | None,
    parent_code: str | None,
    values: dict[str, str | None],
) -> bool:
    if parent is not None and tree.ranks[parent.level] >= tree.ranks[level]:
        raise RuleBroken("area_level_order", field="level", parent=parent.name)
    if level != node.level:
        _ensure_above_children(tree, node, level)
    is_moved = parent_code != node.parent_code and parent is not node.parent
    if is_moved and parent is not None and parent.path.startswith(node.path):
        raise RuleBroken("area_cycle", field="parent_code", parent=parent.code)
    is_changed = tree.change(node, name=name, level=level, parent_code=parent_code, **values)
    if is_moved:
        tree.move(node, parent)
    return is_changed


def _ensure_above_children(tree: Tree, node: Node, level: str) -> None:
    """An area cannot come to stand at or under the level of what lies below it."""
    lowest = (
        db.connection()
        .execute(
            select(func.min(_levels.c.rank))
            .join(_areas, _areas.c.level == _levels.c.code)
            .where(_areas.c.parent_id == node.id)
        )
        .scalar()
    )
    if lowest is not None and lowest <= tree.ranks[level]:
        raise RuleBroken("area_level_order", field="level", parent=node.name)


# --- zones --------------------------------------------------------------------------------------------------


@writing
def set_zone(
    *, deed: Deed, public_id: str, zone_class_id: int, reason: str, notice: str, seen: str | None = None
) -> int:
    """Give the area another zone class from now on, by a notice; the class before ends and stays in history.

    `seen` is the start of the zone that the person looked at ("" for none); another one now is a Conflict.
    Raises RuleBroken("zone_unchanged") for the class that holds already. Returns the zone's id.
    """
    db.after_commit(queries.forget_places)
    claim = requests.claim(deed)
    if claim.is_repeat and claim.object_id is not None:
        return claim.object_id
    area = queries.find_for_zone(actor=deed.actor, public_id=public_id)
    reason, notice = rules.ensure_zone_text(reason=reason, notice=notice)
    if zone_class_id not in {choice.id for choice in queries.list_zone_classes()}:
        raise RuleBroken("zone_class_unknown", field="zone_class")
    connection = db.connection()
    now_open = connection.execute(
        select(_zones.c.id, _zones.c.zone_class_id, _zones.c.started_at).where(
            _zones.c.area_id == area.id, _zones.c.ended_at.is_(None)
        )
    ).one_or_none()
    if seen is not None and seen != (now_open.started_at.isoformat() if now_open else ""):
        raise Conflict("zone_changed_meanwhile")
    if now_open is not None and now_open.zone_class_id == zone_class_id:
        raise RuleBroken("zone_unchanged", field="zone_class")
    if now_open is not None:
        ended = connection.execute(
            update(_zones)
            .where(_zones.c.id == now_open.id, _zones.c.ended_at.is_(None))
            .values(ended_at=max(deed.now, now_open.started_at))
        )
        if ended.rowcount != 1:
            raise Conflict("zone_changed_meanwhile")
    zone_id: int = connection.execute(
        _zones.insert().returning(_zones.c.id),
        {
            "area_id": area.id,
            "zone_class_id": zone_class_id,
            "started_at": deed.now,
            "reason": reason,
            "notice": notice,
            "set_by": deed.actor.key,
        },
    ).scalar_one()
    audit.record(
        replace(deed, reason=reason),
        "set_zone",
        "area",
        area.id,
        area_path=area.path,
        zone_class_id=zone_class_id,
        before=now_open.zone_class_id if now_open else None,
        notice=notice,
    )
    requests.settle(claim, outcome="zone_set", object_id=zone_id)
    return zone_id


# --- rule sets ----------------------------------------------------------------------------------------------


@writing
def enable_rules(*, deed: Deed, code: str, authority: str) -> None:
    """Put a rule set into force in the name of an authority: from now on it is no exercise 演练.

    Another one that was in force is so no longer. Raises NotFound for an unknown code.
    """
    db.after_commit(queries.forget_places)
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    if not deed.actor.is_system:
        raise NotAllowed
    authority = authority.strip()
    if not authority or len(authority) > 80:
        raise RuleBroken("authority_missing", field="authority")
    connection = db.connection()
    set_id = connection.execute(select(_sets.c.id).where(_sets.c.code == code)).scalar()
    if set_id is None:
        raise NotFound("rule_set_unknown")
    connection.execute(update(_sets).where(_sets.c.id != set_id).values(enabled_at=None, enabled_by=None))
    connection.execute(
        update(_sets).where(_sets.c.id == set_id).values(enabled_at=deed.now, enabled_by=authority)
    )
    audit.record(deed, "enable_rules", "rule_set", set_id, authority=authority)
    requests.settle(claim, outcome="rules_enabled", object_id=set_id)


@writing
def load_rules(*, deed: Deed, data: Mapping[str, Any]) -> Tally:
    """Take levels and rule sets from data: add new ones, change known ones.

    The shape is that of the migration's 0001_first_data.json.
    """
    db.after_commit(queries.forget_places)
    claim = requests.claim(deed)
    if not deed.actor.is_system:
        raise NotAllowed
    tally = Tally()
    for level in data.get("levels", ()):
        _put(tally, _levels, {"code": level["code"]}, level)
    for rule_set in data["rule_sets"]:
        facts = {name: value for name, value in rule_set.items() if name != "zone_classes"}
        facts["valid_from"] = date.fromisoformat(facts["valid_from"])
        facts["valid_until"] = date.fromisoformat(facts["valid_until"]) if facts.get("valid_until") else None
        set_id = _put(tally, _sets, {"code": facts["code"]}, facts)
        for zone_class in rule_set["zone_classes"]:
            key = {"rule_set_id": set_id, "code": zone_class["code"]}
            _put(tally, _classes, key, key | zone_class)
    if tally.added or tally.changed:
        audit.record(deed, "load_rules", "rule_set", None, added=tally.added, changed=tally.changed)
    requests.settle(claim, outcome="rules_loaded", object_id=None)
    return tally


def _put(tally: Tally, table: Any, key: Mapping[str, Any], values: Mapping[str, Any]) -> Any:
    connection = db.connection()
    primary = next(iter(table.primary_key.columns))
    found = connection.execute(select(table).filter_by(**key)).mappings().one_or_none()
    if found is None:
        tally.added += 1
        return connection.execute(table.insert().returning(primary), dict(values)).scalar_one()
    if any(found[name] != value for name, value in values.items()):
        tally.changed += 1
        connection.execute(table.update().where(primary == found[primary.name]).values(**values))
    else:
        tally.unchanged += 1
    return found[primary.name]
