"""Deeds of supplies: orders with their waitlist, rounds from draft to done, bags, printed sheets."""

from webapp.domain.supplies.services.bags import ItemPlan, save_bag
from webapp.domain.supplies.services.closing import tidy_merged_orders, tidy_rounds
from webapp.domain.supplies.services.orders import Placed, cancel_order, change_order, place_order
from webapp.domain.supplies.services.rounds import (
    RoundPlan,
    change_round_bag,
    close_round,
    discard_round,
    finish_round,
    make_round,
    open_round,
    send_out_round,
    start_packing,
)
from webapp.domain.supplies.services.sheets import ask_for_sheet, record_sheet

__all__ = [
    "ItemPlan",
    "Placed",
    "RoundPlan",
    "ask_for_sheet",
    "cancel_order",
    "change_order",
    "change_round_bag",
    "close_round",
    "discard_round",
    "finish_round",
    "make_round",
    "open_round",
    "place_order",
    "record_sheet",
    "save_bag",
    "send_out_round",
    "start_packing",
    "tidy_merged_orders",
    "tidy_rounds",
]
