"""What the pages of orders say, put into words before the template: templates do no work in loops."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from flask import url_for
from markupsafe import Markup

from webapp.base.errors import LinliError
from webapp.blueprints.supplies.forms import COUNT, NO_SUBSTITUTE
from webapp.domain.people.rules import mask_name
from webapp.domain.supplies.queries.resident import BagChoice, OrderForm, OrderView
from webapp.domain.supplies.rules import Ordering, OrderPhase
from webapp.web import words
from webapp.web.errors import sentence
from webapp.web.words import gettext

# The bags have left: who still waits has got none.
OVER = frozenset({OrderPhase.OUT, OrderPhase.DONE, OrderPhase.NOT_GIVEN})


@dataclass(frozen=True)
class LineWords:
    """A line of an order in words."""

    bag: Any
    count: str
    note: str
    price: str


@dataclass(frozen=True)
class OrderWords:
    """An order in words."""

    public_id: str
    number: str
    version: int
    url: str
    state: str
    tone: str
    when: str
    delivery: str
    title: str
    lines: tuple[LineWords, ...]
    to_pay: str
    placed: str
    can_change: bool
    until: str
    late: bool
    is_live: bool
    again_url: str


def order(view: OrderView, now: datetime) -> OrderWords:
    """An order in words for its household."""
    delivery = words.delivery(view.delivers_on, view.delivery_window, now=now)
    state, tone = words.order_state(view.phase, number=view.number)
    lines = tuple(
        LineWords(
            bag=words.said(line.bag, line.bag_en),
            count=f"× {line.wanted}",
            note=_line_note(line, view.phase),
            price=words.yuan(line.price_fen * line.wanted),
        )
        for line in view.lines
    )
    return OrderWords(
        public_id=view.public_id,
        number=view.number,
        version=view.version,
        url=url_for("supplies.show_order", public_id=view.public_id),
        state=state,
        tone=tone,
        when=words.full_delivery(view.delivers_on, view.delivery_window),
        delivery=delivery,
        title=gettext("Vegetables, %(when)s", when=delivery),
        lines=lines,
        to_pay=words.yuan(view.to_pay_fen),
        placed=_placed(view, now),
        can_change=view.can_change,
        until=gettext(
            "You can order and change until %(until)s.", until=words.moment(view.cuts_off_at, now=now)
        ),
        late=view.is_late and view.phase is OrderPhase.WAITING,
        is_live=view.phase is not OrderPhase.CANCELLED,
        again_url=url_for("supplies.new_order", household=view.household),
    )


def _line_note(line: Any, phase: OrderPhase) -> str:
    """What is not sure about a line: the order as a whole may be received while a bag of it still waits."""
    notes = []
    if phase is not OrderPhase.CANCELLED and line.given < line.wanted:
        notes.append(words.missing(line.given, line.wanted, is_over=phase in OVER))
    if line.no_substitute:
        notes.append(gettext("no substitute"))
    return " · ".join(notes)


def _placed(view: OrderView, now: datetime) -> Any:
    at = words.moment(view.placed_at, now=now)
    if view.is_assisted:
        if not view.is_own_home:
            return gettext("The community, for this home, %(at)s", at=at)
        return gettext("Your community, for you, %(at)s", at=at)
    if view.is_own_deed:
        return gettext("You, %(at)s", at=at)
    if view.placed_by:
        sentence_ = gettext("%(name)s of your home, %(at)s")
        if not view.is_own_home:
            sentence_ = gettext("%(name)s of this home, %(at)s")
        return Markup(sentence_) % {"name": words.said(mask_name(view.placed_by)), "at": at}  # noqa: S704 - from our own catalogue
    return gettext("Ordered %(at)s", at=at)


@dataclass(frozen=True)
class BagWords:
    """A bag on the order form in words, with what was typed."""

    public_id: str
    name: Any
    label: str
    hint: str
    price_version: int
    limit: int
    value: str
    options: tuple[tuple[str, str], ...]
    no_substitute: bool
    error: str | None
    left: str
    contents: tuple[Any, ...]


@dataclass(frozen=True)
class OrderPage:
    """The order form in words."""

    title: str
    door: Any
    my_name: Any
    round: str
    household: str
    when: str
    until: str
    limit: str
    notes: tuple[str, ...]
    bags: tuple[BagWords, ...]
    chosen: tuple[tuple[Any, str], ...]
    takes_orders: bool
    outbox: str
    confirm: Mapping[str, str]
    standing_url: str | None
    standing_number: str | None
    button: str
    price_note: str
    general_error: str | None


def order_page(
    form: OrderForm, now: datetime, *, typed: Mapping[str, str] | None = None, error: LinliError | None = None
) -> OrderPage:
    """The order form in words; `typed` is what was typed before a refusal, or what stands."""
    when = words.delivery(form.delivers_on, form.delivery_window, now=now)
    takes = form.is_served and form.ordering not in {Ordering.NOT_YET, Ordering.OVER}
    confirm = dict(error.params.get("confirm") or {}) if error else {}
    notes = []
    if form.ordering is Ordering.LATE:
        notes.append(gettext("Time is up for this delivery. What you choose is put in the queue for you."))
    elif form.ordering is Ordering.NOT_YET:
        notes.append(gettext("You can order from %(at)s.", at=words.moment(form.opens_at, now=now)))
    elif form.ordering is Ordering.OVER:
        notes.append(sentence("round_over"))
    if not form.is_served:
        notes.append(sentence("round_does_not_serve"))
    if not form.is_confirmed:
        notes.append(sentence("only_basic_bag"))
    field = error.field if error else None
    said = sentence(error.code, **error.params) if error else None
    only = len(form.bags) == 1
    return OrderPage(
        title=gettext("Order vegetables (%(when)s)", when=when),
        door=words.said(form.door),
        my_name=words.said(form.my_name) if form.my_name else "",
        round=form.round,
        household=form.household,
        when=words.full_delivery(form.delivers_on, form.delivery_window),
        until=gettext(
            "You can order and change until %(until)s.", until=words.moment(form.cuts_off_at, now=now)
        ),
        limit=gettext("At most %(limit)s for each household", limit=form.household_limit),
        notes=tuple(notes),
        bags=tuple(
            _bag(
                bag,
                typed,
                only=only,
                price_version=confirm.get(f"price_version-{bag.public_id}"),
                error=said if field == COUNT + bag.public_id else None,
            )
            for bag in form.bags
        ),
        chosen=tuple(
            (words.said(bag.name, bag.name_en), typed.get(COUNT + bag.public_id, "")[:9])
            for bag in form.bags
            if typed is not None and typed.get(COUNT + bag.public_id, "0") not in {"", "0"}
        ),
        takes_orders=takes,
        outbox=gettext("Order vegetables (%(when)s)", when=when),
        confirm=confirm,
        standing_url=url_for("supplies.show_order", public_id=form.order) if form.order else None,
        standing_number=form.order_number,
        button=gettext("Change the order to this") if "order" in confirm else gettext("Confirm the order"),
        price_note=gettext("Prices as of %(time)s.", time=words.clock_time(now)),
        general_error=said if said and not (field or "").startswith(COUNT) else None,
    )


def _bag(
    bag: BagChoice,
    typed: Mapping[str, str] | None,
    *,
    only: bool,
    price_version: str | None,
    error: str | None,
) -> BagWords:
    value = "1" if only else "0"
    if typed is not None:
        value = typed.get(COUNT + bag.public_id, "0")[:9]
    name = words.said(bag.name, bag.name_en)
    return BagWords(
        public_id=bag.public_id,
        name=name,
        label=bag.name if words.is_chinese() or not bag.name_en else bag.name_en,
        hint=gettext("%(price)s each, at most %(limit)s", price=words.yuan(bag.price_fen), limit=bag.limit)
        if bag.price_fen
        else gettext("Free, at most %(limit)s", limit=bag.limit),
        price_version=int(price_version or bag.price_version),
        limit=bag.limit,
        value=value,
        options=tuple((str(count), str(count)) for count in range(bag.limit + 1)),
        no_substitute=typed is not None and NO_SUBSTITUTE + bag.public_id in typed,
        error=error,
        left=""
        if bag.left is None
        else gettext("%(left)s left", left=bag.left)
        if bag.left
        else gettext("none left: you would be in the queue"),
        contents=tuple(
            (
                words.said(item.name, item.name_en),
                item.quantity,
                words.said(item.unit),
                words.said(item.spec) if item.spec else "",
            )
            for item in bag.items
        ),
    )


def standing(view: OrderView) -> dict[str, str]:
    """What stands in an order, as if it had been typed."""
    typed = {COUNT + line.round_bag: str(line.wanted) for line in view.lines}
    return typed | {NO_SUBSTITUTE + line.round_bag: "1" for line in view.lines if line.no_substitute}


def choice(form: OrderForm, now: datetime) -> dict[str, Any]:
    """One household and round to choose from."""
    return {
        "title": words.delivery(form.delivers_on, form.delivery_window, now=now),
        "door": words.said(form.door),
        "detail": gettext(
            "You can order and change until %(until)s.", until=words.moment(form.cuts_off_at, now=now)
        ),
        "url": url_for("supplies.new_order", round=form.round, household=form.household),
    }
