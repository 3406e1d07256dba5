"""Whoever waits for a home to be confirmed hears by message what was decided, in their language."""

import pytest
from sqlalchemy import update

from tests.factories import make_deed
from webapp.base import clock, db, outbox
from webapp.domain.accounts.models import User
from webapp.domain.households.services import joining as services
from webapp.web import messages

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


@pytest.fixture
def stated(cast) -> str:
    return services.state_household(
        deed=make_deed(cast.actor("nora")),
        name="诺拉",
        community=cast.community.public_id,
        building=cast.building.public_id,
        unit="2",
        number="501",
    )


def told() -> list[tuple[str, str]]:
    """Who was told what, as the worker reads and renders it."""
    now = clock.now()
    return [
        (each.address, messages.render(each.template, each.parameters, language=each.language, now=now))
        for each in outbox.take_due(now=now, limit=9, may_repeat=False)
    ]


@pytest.mark.parametrize("way", ["into", "own"])
def test_confirmed(cast, stated, way) -> None:
    deed = make_deed(cast.actor("lead"))
    for _ in range(2):
        if way == "into":
            services.confirm_into(deed=deed, public_id=stated, into=cast.household.public_id)
        else:
            services.confirm_own(deed=deed, public_id=stated)
    ((phone, text),) = told()
    assert phone == cast.people["nora"].phone
    assert text.startswith("【邻里·北辰社区】")
    assert "3栋2单元501" in text
    assert text.endswith("0826-3220013")


def test_refused_in_the_language_of_the_one_who_waits(cast, stated) -> None:
    db.writing(
        lambda: db.connection().execute(
            update(User).where(User.id == cast.people["nora"].id).values(language="en")
        )
    )()
    services.refuse(deed=make_deed(cast.actor("lead")), public_id=stated, reason="501 没有这个人")
    ((phone, text),) = told()
    assert phone == cast.people["nora"].phone
    assert text.startswith("[Linli")
    assert "could not confirm" in text
