"""Tables of doors, households and members."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Id, Model, PublicId, SortText, UtcDateTime, partial_index, word


class HouseholdState(StrEnum):
    """How sure the office is of a household.

    LISTED stands in the office's list. STATED is what a resident said and nobody confirmed yet 待核实.
    MERGED was the same as another one. REFUSED is not there. CLOSED has moved away.
    """

    LISTED = "listed"
    STATED = "stated"
    MERGED = "merged"
    REFUSED = "refused"
    CLOSED = "closed"


class MemberState(StrEnum):
    """How a person belongs to a household.

    LISTED comes from the office's list, without an account behind it. WAITING said so and waits 待核实.
    CONFIRMED may act for the household. REFUSED and ENDED are over.
    """

    LISTED = "listed"
    WAITING = "waiting"
    CONFIRMED = "confirmed"
    REFUSED = "refused"
    ENDED = "ended"


class Door(Model):
    """A door 门牌: stairwell 单元 (empty where there is none), floor and number in a building."""

    __tablename__ = "doors"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("building_id", "unit", "number"),
        Index("ix_doors_building_id", "building_id", "sort_key"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    building_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    unit: Mapped[str] = mapped_column(String(20))
    floor: Mapped[int | None] = mapped_column(Integer)
    number: Mapped[str] = mapped_column(String(20))
    sort_key: Mapped[str] = mapped_column(SortText)


class Household(Model):
    """A household 户 behind a door; several may share one door and eat apart (`split_no`).

    `area_path` is the building's path (the community's, while the building is unknown); it follows the area
    when the division table changes. A STATED household may have no door yet: `stated_door` is what the
    resident wrote.
    """

    __tablename__ = "households"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("door_id", "split_no"),
        Index("ix_households_area_path", "area_path", "sort_key", "id"),
        Index("ix_households_state_area_path", "state", "area_path"),
        partial_index("ix_households_merged_into_id", "merged_into_id", where="merged_into_id IS NOT NULL"),
        CheckConstraint("door_id IS NOT NULL OR state <> 'listed'", name="listed_has_a_door"),
        CheckConstraint("(state = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into"),
    )
    personal_columns = ("stated_door", "delivery_note")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    door_id: Mapped[int | None] = mapped_column(ForeignKey("doors.id"))
    split_no: Mapped[int] = mapped_column(Integer, default=1)
    sort_key: Mapped[str] = mapped_column(SortText, default="")
    state: Mapped[HouseholdState] = mapped_column(word(HouseholdState, "state"))
    stated_door: Mapped[str | None] = mapped_column(String(80))
    delivery_note: Mapped[str | None] = mapped_column(String(60))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("households.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Member(Model):
    """A person in a household 成员."""

    __tablename__ = "members"
    __table_args__ = (
        UniqueConstraint("public_id"),
        partial_index(
            "uq_members_live",
            "household_id",
            "person_id",
            where="state IN ('listed', 'waiting', 'confirmed')",
            unique=True,
        ),
        Index("ix_members_household_id", "household_id", "position"),
        Index("ix_members_person_id", "person_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    state: Mapped[MemberState] = mapped_column(word(MemberState, "state"))
    position: Mapped[int] = mapped_column(Integer, default=0)
    joined_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    reason: Mapped[str | None] = mapped_column(String(200))
