"""Tables of bags, rounds, orders and printed sheets."""

from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Fen, Id, Model, PublicId, SortText, UtcDateTime, partial_index, word
from webapp.domain.supplies.rules import (
    DeliveryWindow,
    OrderChannel,
    OrderState,
    RoundKind,
    RoundState,
    SheetKind,
)


class Bag(Model):
    """A vegetable bag 蔬菜包: a kit that a community offers.

    `is_basic` is what a household not yet confirmed may order.
    """

    __tablename__ = "bags"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_bags_area_path", "area_path", "position", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str | None] = mapped_column(String(60))
    is_basic: Mapped[bool] = mapped_column(Boolean, default=False)
    is_offered: Mapped[bool] = mapped_column(Boolean, default=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class BagItem(Model):
    """What is in a bag: 品名, 规格, 单位 and how many of that unit."""

    __tablename__ = "bag_items"
    __table_args__ = (
        UniqueConstraint("bag_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    bag_id: Mapped[int] = mapped_column(ForeignKey("bags.id"))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str | None] = mapped_column(String(60))
    spec: Mapped[str] = mapped_column(String(40), default="")
    unit: Mapped[str] = mapped_column(String(12))
    quantity: Mapped[int] = mapped_column(Integer)


class Round(Model):
    """A delivery round 配送轮次 of a community for a day.

    Orders are taken from `opens_at` until `cuts_off_at` 截单; a form that the server opened before the
    cut-off is honoured for `grace_seconds` more. `household_limit` counts bags of all kinds per household.
    """

    __tablename__ = "rounds"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("area_id", "number"),
        Index("ix_rounds_area_path", "area_path", "delivers_on", "id"),
        Index("ix_rounds_state", "state", "cuts_off_at"),
        CheckConstraint("cuts_off_at > opens_at", name="cuts_off_after_opening"),
        CheckConstraint("household_limit > 0", name="household_limit"),
        CheckConstraint("grace_seconds >= 0", name="grace_seconds"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    kind: Mapped[RoundKind] = mapped_column(word(RoundKind, "kind"))
    state: Mapped[RoundState] = mapped_column(word(RoundState, "state"))
    delivers_on: Mapped[date] = mapped_column(Date)
    delivery_window: Mapped[DeliveryWindow] = mapped_column(word(DeliveryWindow, "delivery_window"))
    opens_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cuts_off_at: Mapped[datetime] = mapped_column(UtcDateTime)
    grace_seconds: Mapped[int] = mapped_column(Integer, default=300)
    household_limit: Mapped[int] = mapped_column(Integer)
    takes_money_at_door: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    packing_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RoundArea(Model):
    """An area that a round serves, with all below it."""

    __tablename__ = "round_areas"
    __table_args__ = (Index("ix_round_areas_area_path", "area_path"),)

    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))


class RoundBag(Model):
    """A bag in a round: its price in fen (0 is free), its capacity and how much of it is taken.

    `capacity` is empty in a registration round until it closes; from then on it is what was bought. A price
    that changes raises `price_version`.
    """

    __tablename__ = "round_bags"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("round_id", "bag_id"),
        CheckConstraint("price_fen >= 0", name="price_fen"),
        CheckConstraint("taken_count >= 0", name="taken_count"),
        CheckConstraint("capacity IS NULL OR taken_count <= capacity", name="not_oversold"),
        CheckConstraint("household_limit > 0", name="household_limit"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"))
    bag_id: Mapped[int] = mapped_column(ForeignKey("bags.id"))
    position: Mapped[int] = mapped_column(Integer, default=0)
    price_fen: Mapped[int] = mapped_column(Fen)
    price_version: Mapped[int] = mapped_column(Integer, default=1)
    capacity: Mapped[int | None] = mapped_column(Integer)
    taken_count: Mapped[int] = mapped_column(Integer, default=0)
    household_limit: Mapped[int] = mapped_column(Integer)


class RoundBuilding(Model):
    """How many households of a building have ordered in a round.

    Kept by each order, so that a head's page never counts thousands of rows.
    """

    __tablename__ = "round_buildings"
    __table_args__ = (
        CheckConstraint("ordered_count >= 0", name="ordered_count"),
        Index("ix_round_buildings_sort_key", "round_id", "sort_key", "area_id"),
    )

    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"), primary_key=True)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"), primary_key=True)
    sort_key: Mapped[str] = mapped_column(SortText)
    household_count: Mapped[int] = mapped_column(Integer)
    ordered_count: Mapped[int] = mapped_column(Integer, default=0)


class Order(Model):
    """A household's order 订单 in a round: one that stands per household and round, whoever placed it.

    `number` is read aloud and unique per community and day. `version` rises with each change.
    """

    __tablename__ = "orders"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("client_id"),
        UniqueConstraint("area_id", "numbered_on", "number"),
        partial_index("uq_orders_live", "round_id", "household_id", where="state = 'live'", unique=True),
        Index("ix_orders_household_id", "household_id", "id"),
        CheckConstraint("total_fen >= 0", name="total_fen"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    client_id: Mapped[str] = mapped_column(String(140))
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    numbered_on: Mapped[date] = mapped_column(Date)
    number: Mapped[str] = mapped_column(String(6))
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"))
    household_id: Mapped[int] = mapped_column(ForeignKey("households.id"))
    state: Mapped[OrderState] = mapped_column(word(OrderState, "state"))
    channel: Mapped[OrderChannel] = mapped_column(word(OrderChannel, "channel"))
    is_late: Mapped[bool] = mapped_column(Boolean, default=False)
    placed_by: Mapped[str] = mapped_column(String(80))
    placed_by_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    placed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str | None] = mapped_column(String(200))
    total_fen: Mapped[int] = mapped_column(Fen)
    version: Mapped[int] = mapped_column(Integer, default=1)


class OrderLine(Model):
    """So many of one bag in an order: what was wanted and what the household has been given a place for.

    `waiting_since` is set while something is still wanted 候补; the queue goes by (waiting_since, id).
    """

    __tablename__ = "order_lines"
    __table_args__ = (
        UniqueConstraint("order_id", "round_bag_id"),
        partial_index(
            "ix_order_lines_waiting", "round_bag_id", "waiting_since", "id", where="waiting_since IS NOT NULL"
        ),
        CheckConstraint("wanted_count > 0", name="wanted_count"),
        CheckConstraint("given_count >= 0 AND given_count <= wanted_count", name="given_count"),
        CheckConstraint("waiting_since IS NULL OR given_count < wanted_count", name="waits_for_something"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    order_id: Mapped[int] = mapped_column(ForeignKey("orders.id"))
    round_bag_id: Mapped[int] = mapped_column(ForeignKey("round_bags.id"))
    wanted_count: Mapped[int] = mapped_column(Integer)
    given_count: Mapped[int] = mapped_column(Integer)
    price_fen: Mapped[int] = mapped_column(Fen)
    price_version: Mapped[int] = mapped_column(Integer)
    no_substitute: Mapped[bool] = mapped_column(Boolean, default=False)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PrintedSheet(Model):
    """A sheet that was printed: kind, building (or the round's area for all), version and the stored PDF.

    The same content is the same version and never made twice.
    """

    __tablename__ = "printed_sheets"
    __table_args__ = (
        UniqueConstraint("round_id", "kind", "area_id", "version"),
        UniqueConstraint("round_id", "kind", "area_id", "language", "content_hash"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    round_id: Mapped[int] = mapped_column(ForeignKey("rounds.id"))
    kind: Mapped[SheetKind] = mapped_column(word(SheetKind, "kind"))
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    language: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    content_hash: Mapped[str] = mapped_column(String(64))
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    printed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    printed_by: Mapped[str] = mapped_column(String(80))
