"""Tables of areas, their zone classes and their zones."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Id, Model, PublicId, SortText, UtcDateTime, partial_index


class AreaLevel(Model):
    """A level of the grid 网格层级. Names are data, because places name their grids differently.

    `rank` grows downwards: county 10, town 20, community 30, grid 40, compound 50, building 60.
    """

    __tablename__ = "area_levels"

    code: Mapped[str] = mapped_column(String(20), primary_key=True)
    rank: Mapped[int] = mapped_column(Integer)
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(40))


class Area(Model):
    """An area 区域, from the county down to a building 楼栋.

    `code` is the 12-digit division code down to the community and the office's own code below it. `path` is
    the parent's path and the own segment, so that "this area and all below" is a range. What is empty in
    `office_name`, `hotline_phone` and `building_word` (栋, 幢 or 号楼) holds from the next area above.
    """

    __tablename__ = "areas"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("code"),
        UniqueConstraint("path"),
        Index("ix_areas_parent_id", "parent_id", "sort_key"),
        Index("ix_areas_level_path", "level", "path"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    code: Mapped[str] = mapped_column(String(60))
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str | None] = mapped_column(String(80))
    level: Mapped[str] = mapped_column(ForeignKey("area_levels.code"))
    parent_id: Mapped[int | None] = mapped_column(ForeignKey("areas.id"))
    parent_code: Mapped[str | None] = mapped_column(String(60))
    path: Mapped[str] = mapped_column(SortText)
    sort_key: Mapped[str] = mapped_column(SortText)
    office_name: Mapped[str | None] = mapped_column(String(80))
    hotline_phone: Mapped[str | None] = mapped_column(String(30))
    building_word: Mapped[str | None] = mapped_column(String(10))


class RuleSet(Model):
    """A version of the control rules 防控方案 with its source. Enabled by an authority, or everything is exercise 演练."""

    __tablename__ = "rule_sets"
    __table_args__ = (UniqueConstraint("code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    code: Mapped[str] = mapped_column(String(20))
    name_zh: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str] = mapped_column(String(80))
    source: Mapped[str] = mapped_column(Text)
    valid_from: Mapped[date] = mapped_column(Date)
    valid_until: Mapped[date | None] = mapped_column(Date)
    enabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    enabled_by: Mapped[str | None] = mapped_column(String(80))


class ZoneClass(Model):
    """A class of zone 封控区 · 管控区 · 防范区 in one rule set, with what it means for a resident in plain words.

    `rank` is strictness: the higher, the stricter.
    """

    __tablename__ = "zone_classes"
    __table_args__ = (UniqueConstraint("rule_set_id", "code"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    rule_set_id: Mapped[int] = mapped_column(ForeignKey("rule_sets.id"))
    code: Mapped[str] = mapped_column(String(20))
    rank: Mapped[int] = mapped_column(Integer)
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(40))
    means_zh: Mapped[str] = mapped_column(Text)
    means_en: Mapped[str] = mapped_column(Text)


class Zone(Model):
    """A zone class that holds in an area from a start to an end, by a notice. A change is a new row."""

    __tablename__ = "zones"
    __table_args__ = (
        partial_index("uq_zones_area_id_open", "area_id", where="ended_at IS NULL", unique=True),
        Index("ix_zones_area_id", "area_id", "started_at"),
        CheckConstraint("ended_at IS NULL OR ended_at >= started_at", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    zone_class_id: Mapped[int] = mapped_column(ForeignKey("zone_classes.id"))
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reason: Mapped[str] = mapped_column(String(200))
    notice: Mapped[str] = mapped_column(String(120))
    set_by: Mapped[str] = mapped_column(String(80))
