"""What the deeds of supplies put into the outbox is what the templates need: from the tap to the words."""

import pytest

from tests.factories import make_deed
from webapp.base import clock, outbox
from webapp.domain.supplies import services
from webapp.domain.supplies.rules import Wish
from webapp.web import messages

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


def place(cast, name, household, the_round):
    return services.place_order(
        deed=make_deed(cast.actor(name)),
        round_public_id=the_round.public_id,
        household_public_id=household.public_id,
        lines=(Wish(the_round.bags[0], 1, 1),),
    )


def told() -> list[tuple[str, str, str]]:
    now = clock.now()
    return [
        (
            each.template,
            each.address,
            messages.render(each.template, each.parameters, language=each.language, now=now),
        )
        for each in outbox.take_due(now=now, limit=99, may_repeat=False)
    ]


def test_ordered_waiting_cancelled_and_given_are_said_to_the_right_phones(cast, make):
    the_round = make.round(
        cast.community,
        buildings=(cast.building, cast.other_building),
        bags=({"name": "蔬菜包A", "capacity": 1},),
    )
    ruth, rita = cast.people["ruth"], cast.people["rita"]
    first = place(cast, "ruth", cast.household, the_round)
    second = place(cast, "rita", cast.neighbours, the_round)
    services.cancel_order(deed=make_deed(cast.actor("ruth")), order_public_id=first.public_id)
    said = told()
    assert sorted((template, phone) for template, phone, _ in said) == sorted(
        [
            ("ordered", ruth.phone),
            ("waiting", rita.phone),
            ("order_cancelled", ruth.phone),
            ("given", rita.phone),
        ]
    )
    for template, _, text in said:
        assert len(text) <= messages.LONGEST["zh_Hans"]
        assert text.startswith("【邻里·北辰社区】")
        assert text.endswith("0826-3220013")
        assert (first.number if template in {"ordered", "order_cancelled"} else second.number) in text
    assert "蔬菜包A×1" in next(text for template, _, text in said if template == "ordered")
