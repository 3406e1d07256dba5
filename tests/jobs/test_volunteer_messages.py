"""What a decision puts into the outbox is one short message in the volunteer's language, without the reason in it."""

import pytest
from sqlalchemy import delete, update

from tests.factories import make_deed
from webapp.base import clock, db, outbox
from webapp.domain.accounts.models import User
from webapp.domain.people.models import PersonPhone
from webapp.domain.volunteers import services
from webapp.web import messages

pytestmark = [pytest.mark.db, pytest.mark.usefixtures("in_app")]


@pytest.mark.parametrize("language", ["zh_Hans", "en"])
def test_each_decision_is_told_in_one_short_message(cast, make, language) -> None:
    reader = make.user("新人", language=language)
    made = make.volunteer(reader, area=cast.building, state="applied")
    alice = cast.actor("alice")
    services.ask_back(deed=make_deed(alice), public_id=made.public_id, version=1, question="周末能来吗?")
    services.refuse(deed=make_deed(alice), public_id=made.public_id, version=2, reason="人已经够了")
    services.accept(deed=make_deed(alice), public_id=made.public_id, version=3)
    now = clock.now()
    due = outbox.take_due(now=now, limit=99, may_repeat=False)
    assert [each.template for each in due] == ["volunteer_asked", "volunteer_refused", "volunteer_accepted"]
    for each in due:
        text = messages.render(each.template, each.parameters, language=each.language, now=now)
        assert (each.address, each.language) == (reader.phone, language)
        assert len(text) <= messages.LONGEST[language]
        assert text.startswith(
            "【邻里·北辰社区】" if language == "zh_Hans" else "[Linli · Beichen Community]"
        )
        assert text.endswith("0826-3220013")
        assert "人已经够了" not in text
        assert "周末" not in text


def test_who_has_no_number_is_told_when_they_are_met(cast) -> None:
    person = cast.people["zoe"].person_id

    @db.writing
    def no_number() -> None:
        db.connection().execute(delete(PersonPhone.__table__).where(PersonPhone.person_id == person))
        db.connection().execute(update(User.__table__).where(User.person_id == person).values(person_id=None))

    no_number()
    services.accept(
        deed=make_deed(cast.actor("alice")), public_id=cast.volunteers["zoe"].public_id, version=1
    )
    assert outbox.take_due(now=clock.now(), limit=9, may_repeat=False) == []
