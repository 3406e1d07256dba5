"""The inbox: mine only, in my language, read when opened; and the badge."""

import gzip
import re
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.conftest import Cast
from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.actor import Actor
from webapp.base.ids import new_public_id
from webapp.domain.accounts.models import User
from webapp.domain.notifications.models import InboxItem
from webapp.domain.notifications.services import Notice, notify

pytestmark = pytest.mark.db

_items: Any = InboxItem.__table__
_users: Any = User.__table__


@db.writing
def _tell(cast: Cast, name: str, **more: Any) -> None:
    values = {
        "template": "stand_in_asked",
        "reference": f"shift:{new_public_id()}",
        "parameters": {
            "post": "北门卡口",
            "post_en": "North gate",
            "starts_at": "2026-11-28T06:00:00+00:00",
            "name": "欧阳娜娜",
        },
        "address": "/rosters/shifts?view=mine",
    } | more
    notice = Notice(person_id=cast.people[name].person_id, **values)
    notify(make_deed(Actor.system("test")), [notice], area_path=cast.community.path)


@pytest.fixture
def tell(cast, app):
    def told(name: str, **more: Any) -> None:
        with app.app_context():
            _tell(cast, name, **more)

    return told


def read_in(app, statement):
    with app.app_context():
        return db.reading(lambda: db.connection().execute(statement).all())()


def post(client, path, key=None, **form):
    csrf = client.get("/session").json["csrf"]
    return client.post(path, data=form | {"csrf_token": csrf, "_key": key or new_public_id()})


def page(client, path="/notifications"):
    response = client.get(path)
    assert response.status_code == 200
    return response.get_data(as_text=True)


def opens(html: str) -> list[str]:
    return re.findall(r'action="(/notifications/[^/"]+/open)"', html)


def test_what_was_said_stands_there_without_sender_and_phone(cast, tell):
    tell("vera")
    html = page(cast.client("vera"))
    assert "11月28日14:00" in html
    text = re.search(r'id="said-[^>]*>(?:<strong>)?([^<]*)', html).group(1)
    assert "【邻里" not in text
    assert "0826" not in text
    # The page stays on the phone: of somebody else's name only the surname.
    assert "欧阳*" in html
    assert "娜娜" not in html
    assert "北辰社区" in html


def test_it_is_kept_on_the_phone_and_the_forms_are_live(cast, tell):
    tell("vera")
    response = cast.client("vera").get("/notifications")
    assert response.headers["X-Offline"] == "keep"
    html = response.get_data(as_text=True)
    # Without network the page it leads to is opened from a plain link.
    assert re.search(
        r'<div class="saved"><a class="button second small" href="/rosters/shifts\?view=mine"', html
    )


def test_each_in_their_language(cast, tell, app):
    tell("vera")
    with app.app_context():
        change(update(_users).where(_users.c.id == cast.people["vera"].id).values(language="en"))
    html = page(cast.client("vera"))
    assert "North gate" in html
    assert "can you stand in 28 Nov 14:00" in html
    assert '<span lang="zh-Hans">欧阳*</span>' in html


@db.writing
def change(statement: Any) -> None:
    db.connection().execute(statement)


def test_opening_reads_it_and_goes_on_to_the_page(cast, tell, app):
    tell("vera")
    tell("vera")
    vera = cast.client("vera")
    html = page(vera)
    assert "2 条未读" in html
    first = opens(html)[0]
    key = new_public_id()
    response = post(vera, first, key)
    assert (response.status_code, response.location) == (303, "/rosters/shifts?view=mine")
    # Pressed twice, or sent twice by the browser: the same again.
    assert post(vera, first, key).location == "/rosters/shifts?view=mine"
    assert post(vera, first).status_code == 303
    unread = select(_users.c.unread_count).where(_users.c.id == cast.people["vera"].id)
    assert read_in(app, unread)[0][0] == 1
    assert len(opens(page(vera))) == 1


def test_an_address_elsewhere_is_never_followed(cast, tell):
    tell("vera", address="//evil.example/")
    vera = cast.client("vera")
    html = page(vera)
    assert "evil" not in html
    assert post(vera, opens(html)[0]).location == "/notifications"


def test_somebody_elses_item_is_not_found(cast, tell, app):
    tell("vera")
    path = opens(page(cast.client("vera")))[0]
    assert post(cast.client("tess"), path).status_code == 404
    assert post(cast.client("alice"), path).status_code == 404
    assert opens(page(cast.client("tess"))) == []
    assert read_in(app, select(_items.c.read_at))[0][0] is None


def test_all_are_read_at_once(cast, tell, app):
    for _ in range(3):
        tell("vera")
    tell("tess")
    vera = cast.client("vera")
    assert post(vera, "/notifications/read").status_code == 303
    assert opens(page(vera)) == []
    counts = read_in(app, select(_users.c.unread_count).where(_users.c.unread_count > 0))
    assert [row[0] for row in counts] == [1]
    assert len(opens(page(cast.client("tess")))) == 1


def test_pages_by_key_newest_first(cast, tell, app):
    with app.app_context():
        add_items(cast, 45)
    vera = cast.client("vera")
    seen, path = [], "/notifications"
    while path:
        html = page(vera, path)
        seen += re.findall(r'id="said-([^"]+)"', html)
        found = re.search(r'href="(/notifications\?before=[^"]+)"', html)
        path = found.group(1) if found else None
    assert len(seen) == len(set(seen)) == 45
    newest_first = read_in(app, select(_items.c.public_id).order_by(_items.c.id.desc()))
    assert seen == [row.public_id for row in newest_first]
    # Somebody else's item as a key shows the first page, and not what lies below it.
    assert (
        re.findall(r'id="said-([^"]+)"', page(cast.client("tess"), f"/notifications?before={seen[0]}")) == []
    )


@db.writing
def add_items(cast, count: int) -> None:
    rows = [
        {
            "public_id": new_public_id(),
            "person_id": cast.people["vera"].person_id,
            "template": "volunteer_accepted",
            "parameters": '{"community": "北辰社区", "community_en": null, "hotline": null}',
            "reference": f"volunteer:{number}",
            "address": None,
            "is_drill": False,
            "created_at": clock.now(),
        }
        for number in range(count)
    ]
    db.connection().execute(insert(_items), rows)


def test_the_same_number_of_queries_with_one_and_twenty(cast, app, queries):
    counts = []
    for more in (1, 19):
        with app.app_context():
            db.writing(lambda: db.connection().execute(_items.delete()))()
            add_items(cast, more)
        client = cast.client("vera")
        queries.statements.clear()
        client.get("/notifications")
        counts.append(queries.count)
    assert counts[0] == counts[1]


def test_a_full_page_stays_small(cast, tell, app):
    for _ in range(20):
        tell("vera")
    html = page(cast.client("vera"))
    body = re.sub(r"<style>.*?</style>", "", html, flags=re.DOTALL)
    size = len(gzip.compress(body.encode(), 6))
    print(f"inbox with 20 unread: {size} bytes")
    assert size <= 5 * 1024


def test_a_drill_says_so(cast, tell):
    tell("vera", is_drill=True)
    html = page(cast.client("vera"))
    assert "【演练】" in html


def test_a_message_of_another_version_does_not_break_the_page(cast, tell):
    tell("vera", template="no_such_template")
    tell("vera")
    html = page(cast.client("vera"))
    assert len(opens(html)) == 2


def test_the_badge_counts_what_is_unread(cast, tell):
    tell("vera")
    home = page(cast.client("vera"), "/")
    assert re.search(r'href="/notifications"[^>]*>[^<]*<span class="badge info">1<', home)


def test_without_a_person_there_is_nothing(cast, make, app):
    nobody = make.user("没有人")
    with app.app_context():
        change(update(_users).where(_users.c.id == nobody.id).values(person_id=None))
    cast.people["nobody"] = nobody
    client = cast.client("nobody")
    assert opens(page(client)) == []
    assert page(client, "/notifications/contacts")
    assert post(client, "/notifications/contacts/stop").status_code == 404
    assert post(client, "/notifications/read").status_code == 303
