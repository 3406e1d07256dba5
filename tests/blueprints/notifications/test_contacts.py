"""How messages reach me: my numbers in words, stopping SMS, this phone, staff channels, trying and confirming."""

import json
import re
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from tests.conftest import Cast
from tests.factories import make_deed
from webapp.base import clock, crypto, db, outbox
from webapp.base.ids import new_public_id
from webapp.base.outbox import MessageState, OutboxMessage, Rank, Way
from webapp.domain.accounts.models import User
from webapp.domain.notifications import services
from webapp.domain.notifications.models import Contact
from webapp.domain.notifications.queries import reach
from webapp.domain.notifications.rules import Channel, ContactState
from webapp.domain.people.models import PersonPhone

pytestmark = pytest.mark.db

_contacts: Any = Contact.__table__
_messages: Any = OutboxMessage.__table__
_phones: Any = PersonPhone.__table__
_users: Any = User.__table__
PAGE = "/notifications/contacts"
ROBOT = "https://open.feishu.cn/open-apis/bot/v2/hook/1a2b3c4d-1234-1234-1234-123456789012"
KEYS = {"p256dh": "B" + "A" * 86, "auth": "A" * 22}


def post(client, path, key=None, **form):
    csrf = client.get("/session").json["csrf"]
    return client.post(path, data=form | {"csrf_token": csrf, "_key": key or new_public_id()})


def page(client, **headers):
    response = client.get(PAGE, headers=headers)
    assert response.status_code == 200
    return response.get_data(as_text=True)


@db.reading
def _rows(statement: Any) -> list[Any]:
    return list(db.connection().execute(statement).all())


@db.writing
def _change(statement: Any) -> None:
    db.connection().execute(statement)


@pytest.fixture
def rows(app):
    def read(statement):
        with app.app_context():
            return _rows(statement)

    return read


@pytest.fixture
def change(app):
    def write(statement):
        with app.app_context():
            _change(statement)

    return write


def of(cast: Cast, name: str) -> Any:
    return update(_phones).where(_phones.c.person_id == cast.people[name].person_id)


# --- SMS ----------------------------------------------------------------------------------------------------


def test_my_numbers_are_masked_and_said_in_words(cast, make, change):
    make.phone(cast.people["vera"], "13712345678")
    make.phone(cast.people["vera"], "13787654321")
    failing = crypto.blind_index("phone", "13787654321")
    change(of(cast, "vera").where(_phones.c.phone_index == failing).values(failing_since=clock.now()))
    html = page(cast.client("vera"))
    own = cast.people["vera"].phone
    assert f"{own[:3]}****{own[-4:]}" in html
    assert "137****5678" in html
    assert own not in html
    assert "13712345678" not in html
    for word in ("能收到", "还没核实", "最近发不到", "登录用的号码"):
        assert word in html
    assert "X-Offline" not in cast.client("vera").get(PAGE).headers


def test_stopping_says_what_still_comes_and_can_be_taken_back(cast, app, rows):
    vera = cast.client("vera")
    assert "登录验证码" in page(vera)
    assert post(vera, f"{PAGE}/stop").status_code == 303
    html = page(vera)
    assert "短信已停" in html
    assert "您停了短信" in html
    person = cast.people["vera"].person_id
    with app.app_context():
        assert Channel.SMS not in reach.reach_of([person])[person].channels
    assert post(vera, f"{PAGE}/resume").status_code == 303
    with app.app_context():
        assert Channel.SMS in reach.reach_of([person])[person].channels
    others = _phones.c.person_id != person
    assert [row[0] for row in rows(select(_phones.c.opted_out_at).where(others).distinct())] == [None]


# --- push ---------------------------------------------------------------------------------------------------


def subscribe(client, endpoint="https://fcm.googleapis.com/fcm/send/one-two-three-four", **more):
    return post(client, "/notifications/push", endpoint=endpoint, **(KEYS | more))


def test_a_browser_is_told_a_test_and_proved_when_it_is_seen(cast, app, rows, change):
    vera = cast.client("vera")
    key = new_public_id()
    csrf = vera.get("/session").json["csrf"]
    form = {"endpoint": "https://fcm.googleapis.com/fcm/send/one-two-three-four"} | KEYS
    for _ in range(2):
        response = vera.post(
            "/notifications/push",
            data=form | {"csrf_token": csrf, "_key": key},
            headers={"User-Agent": "Mozilla/5.0 (Linux; Android 13) AppleWebKit Chrome/120 Mobile Safari"},
        )
        assert response.status_code == 303
    [contact] = rows(select(_contacts))
    assert (contact.state, contact.label) == (ContactState.PENDING, "Android · Chrome")
    stored = json.loads(crypto.decrypt(contact.address))
    assert stored == {"endpoint": form["endpoint"], "keys": KEYS}
    [message] = rows(select(_messages))
    assert (message.way, message.rank, message.template) == (Way.PUSH, Rank.CALL, "contact_test")
    # The senders find the contact again by what they hold: the address of the message.
    assert contact.address_index == outbox.address_index(Way.PUSH, crypto.decrypt(message.address))
    html = page(vera)
    assert 'data-tail="o-three-four"' in html
    assert "测试正在发" in html
    confirm = f"{PAGE}/{contact.public_id}/confirm"
    assert confirm not in html
    assert post(vera, confirm).status_code == 422
    change(update(_messages).values(state=MessageState.SENT))
    assert confirm in page(vera)
    assert post(vera, confirm).status_code == 303
    assert rows(select(_contacts.c.state))[0][0] == ContactState.VERIFIED
    person = cast.people["vera"].person_id
    with app.app_context():
        assert Channel.PUSH in reach.reach_of([person])[person].channels


def test_a_phone_has_one_owner_at_a_time(cast, rows):
    assert subscribe(cast.client("vera")).status_code == 303
    assert subscribe(cast.client("tess")).status_code == 303
    assert [row.person_id for row in rows(select(_contacts))] == [cast.people["tess"].person_id]


@pytest.mark.parametrize(
    "bad",
    [
        {"endpoint": "https://evil.example/push"},
        {"endpoint": "http://fcm.googleapis.com/fcm/send/x"},
        {"endpoint": "https://fcm.googleapis.com.evil.example/x"},
        {"endpoint": "https://user@fcm.googleapis.com/x"},
        {"endpoint": ""},
        {"endpoint": "https://fcm.googleapis.com/" + "x" * 2000},
        {"p256dh": "short"},
        {"auth": "<script>"},
        {"auth": ""},
    ],
)
def test_a_subscription_that_is_none_is_refused(cast, rows, bad):
    good = {"endpoint": "https://fcm.googleapis.com/fcm/send/x"} | KEYS
    assert post(cast.client("vera"), "/notifications/push", **(good | bad)).status_code == 422
    assert rows(select(_contacts)) == []


def test_at_most_five_browsers(cast, rows):
    vera = cast.client("vera")
    for number in range(5):
        assert subscribe(vera, f"https://fcm.googleapis.com/fcm/send/{number}").status_code == 303
    assert subscribe(vera, "https://fcm.googleapis.com/fcm/send/six").status_code == 422
    assert len(rows(select(_contacts))) == 5


def test_without_script_or_https_one_line_says_so(cast):
    html = page(cast.client("vera"))
    assert "弹不出通知" in html
    assert re.search(r'<div data-when="ask" hidden>', html)
    assert re.search(r'data-key="[A-Za-z0-9_-]{87}"', html)


# --- staff channels -----------------------------------------------------------------------------------------


def test_a_copied_webhook_becomes_a_channel_that_is_shown_masked(cast, rows, change):
    alice = cast.client("alice")
    assert post(alice, f"{PAGE}/channels", address=ROBOT, label="值班群").status_code == 303
    [contact] = rows(select(_contacts))
    assert crypto.decrypt(contact.address).startswith("feishu://1a2b3c4d")
    html = page(alice)
    assert "值班群" in html
    assert "feishu://1a2b…" in html
    assert "1a2b3c4d" not in html
    assert post(alice, f"{PAGE}/{contact.public_id}/test").status_code == 303
    [message] = rows(select(_messages))
    assert (message.way, message.reference) == (Way.STAFF, f"contact:{contact.public_id}")
    # A second press within half a minute sends nothing more.
    assert post(alice, f"{PAGE}/{contact.public_id}/test").status_code == 429
    assert len(rows(select(_messages))) == 1
    change(update(_messages).values(state=MessageState.SENT))
    assert "您在那里看到了吗" in page(alice)
    assert post(alice, f"{PAGE}/{contact.public_id}/confirm").status_code == 303
    assert post(alice, f"{PAGE}/{contact.public_id}/remove").status_code == 303
    assert rows(select(_contacts)) == []


@pytest.mark.parametrize(
    "address",
    [
        "json://localhost:9000/",
        "https://example.org/hook",
        "http://127.0.0.1:8000/",
        "mailto://user:secret@example.org?smtp=10.0.0.1",
        "file:///etc/passwd",
        "wecombot://",
        "feishu://a b",
        "",
        "x" * 501,
    ],
)
def test_what_is_no_channel_of_ours_is_refused_and_the_typing_kept(cast, rows, address):
    response = post(cast.client("alice"), f"{PAGE}/channels", address=address, label="我的群")
    assert response.status_code == 422
    assert "我的群" in response.get_data(as_text=True)
    assert rows(select(_contacts)) == []


def test_mail_only_where_the_office_can_send_it(cast, app, rows, monkeypatch):
    alice = cast.client("alice")
    response = post(alice, f"{PAGE}/channels", address="alice@example.cn")
    assert response.status_code == 422
    assert "还不能发邮件" in response.get_data(as_text=True)
    monkeypatch.setitem(app.config, "MAIL_URL", "mailtos://user:secret@smtp.example.cn")
    assert post(alice, f"{PAGE}/channels", address="alice@example.cn").status_code == 303
    assert "a…@example.cn" in page(alice)


def test_a_kind_that_the_county_does_not_use_is_refused(cast, app, rows, monkeypatch):
    monkeypatch.setitem(app.config, "STAFF_CHANNELS", ("wecombot",))
    assert post(cast.client("alice"), f"{PAGE}/channels", address=ROBOT).status_code == 422
    assert rows(select(_contacts)) == []


def test_channels_are_for_staff(cast, rows):
    vera = cast.client("vera")
    assert "工作群" not in page(vera)
    assert post(vera, f"{PAGE}/channels", address=ROBOT).status_code == 403
    assert rows(select(_contacts)) == []


def test_a_failing_channel_says_so_until_a_test_is_seen(cast, rows, change):
    alice = cast.client("alice")
    post(alice, f"{PAGE}/channels", address=ROBOT)
    [contact] = rows(select(_contacts))
    change(
        update(_contacts).values(
            state=ContactState.FAILING, failing_since=clock.now(), fail_count=3, verified_at=clock.now()
        )
    )
    assert "最近发不到" in page(alice)
    post(alice, f"{PAGE}/{contact.public_id}/test")
    change(update(_messages).values(state=MessageState.FAILED))
    assert "测试没有发到" in page(alice)
    assert post(alice, f"{PAGE}/{contact.public_id}/confirm").status_code == 422
    change(update(_messages).values(state=MessageState.SENT))
    assert post(alice, f"{PAGE}/{contact.public_id}/confirm").status_code == 303
    [after] = rows(select(_contacts))
    assert (after.state, after.failing_since, after.fail_count) == (ContactState.VERIFIED, None, 0)


# --- asking whether a number works --------------------------------------------------------------------------


def test_staff_ask_by_sms_and_the_answer_proves_the_number(cast, make, app, rows):
    make.phone(cast.people["vera"], "13712345678")
    index = crypto.blind_index("phone", "13712345678")
    ask = f"/notifications/reservists/{cast.reservists['vera'].public_id}/verify"
    with app.app_context():
        assert not verify(index)
    alice = cast.client("alice")
    answered = post(alice, ask)
    assert answered.status_code == 303
    assert "回1" in alice.get(answered.location).get_data(as_text=True).replace(" ", "")
    [message] = rows(select(_messages))
    assert (message.template, message.rank, message.way) == ("phone_check", Rank.OTHER, Way.SMS)
    assert crypto.decrypt(message.address) == "13712345678"
    # Asked once a day; the number of the sign-in is proved by that.
    again = post(alice, ask)
    assert "没有发" in alice.get(again.location).get_data(as_text=True)
    assert len(rows(select(_messages))) == 1
    with app.app_context():
        assert verify(index)
        assert not verify(crypto.blind_index("phone", "13700000000"))
    proved = select(_phones.c.verified_at).where(_phones.c.phone_index == index)
    assert rows(proved)[0][0] is not None


@db.writing
def verify(index: str) -> bool:
    return services.verify_phone_by_reply(index, clock.now())


def test_the_button_stands_where_a_number_is_not_proved(cast, change):
    path = f"/mobilization/reserve/{cast.reservists['vera'].public_id}"
    alice = cast.client("alice")
    assert "/verify" not in alice.get(path).get_data(as_text=True)
    change(of(cast, "vera").values(failing_since=clock.now()))
    assert "/verify" in alice.get(path).get_data(as_text=True)
    assert "/verify" not in cast.client("bob").get(path).get_data(as_text=True)


def test_who_opted_out_is_not_asked_and_a_late_answer_means_something_else(cast, make, app, rows, change):
    make.phone(cast.people["vera"], "13712345678")
    change(of(cast, "vera").values(opted_out_at=clock.now()))
    ask = f"/notifications/reservists/{cast.reservists['vera'].public_id}/verify"
    post(cast.client("alice"), ask)
    assert rows(select(_messages)) == []
    change(of(cast, "vera").values(opted_out_at=None))
    post(cast.client("alice"), ask)
    before = clock.now().replace(year=clock.now().year - 1)
    change(update(_messages).values(created_at=before))
    with app.app_context():
        assert not verify(crypto.blind_index("phone", "13712345678"))


def test_a_reply_from_a_failing_number_shows_that_it_works(cast, app, rows, change):
    change(of(cast, "vera").values(failing_since=clock.now()))
    vera = cast.people["vera"]
    with app.app_context():
        asked = services.ask_to_verify(
            deed=make_deed(cast.actor("alice")),
            people=[vera.person_id],
            area_path=cast.community.path,
        )
        assert asked == 1
        assert verify(crypto.blind_index("phone", vera.phone))
    failing = select(_phones.c.failing_since).where(_phones.c.person_id == vera.person_id)
    assert rows(failing)[0][0] is None


def test_the_key_sent_twice_is_one_deed(cast, rows):
    alice = cast.client("alice")
    post(alice, f"{PAGE}/channels", address=ROBOT)
    [contact] = rows(select(_contacts))
    key = new_public_id()
    for _ in range(3):
        assert post(alice, f"{PAGE}/{contact.public_id}/test", key).status_code == 303
    assert len(rows(select(_messages))) == 1
    key = new_public_id()
    for _ in range(3):
        assert post(alice, f"{PAGE}/{contact.public_id}/remove", key).status_code == 303


def test_the_same_number_of_queries_with_one_and_five(cast, app, change, queries):
    counts = []
    for number in (1, 4):
        for each in range(number):
            change(
                insert(_contacts).values(
                    public_id=new_public_id(),
                    person_id=cast.people["alice"].person_id,
                    channel=Channel.STAFF,
                    address=crypto.encrypt(f"feishu://{number}{each}"),
                    address_index=f"{number}{each}",
                    label="",
                    state=ContactState.PENDING,
                    made_at=clock.now(),
                    fail_count=0,
                )
            )
        client = cast.client("alice")
        queries.statements.clear()
        client.get(PAGE)
        counts.append(queries.count)
    assert counts[0] == counts[1]


def test_all_numbers_that_nobody_has_answered_from_are_asked_at_once(cast, make, app, rows, change):
    for name, number in (("vera", "13712345671"), ("viktor", "13712345672"), ("fern", "13712345673")):
        make.phone(cast.people[name], number)
    # Two who share a number are asked once.
    make.phone(cast.people["tess"], "13712345671")
    alice = cast.client("alice")
    html = alice.get("/notifications/verify").get_data(as_text=True)
    assert "发 2 条短信" in html
    assert post(alice, "/notifications/verify").status_code == 303
    asked = {crypto.decrypt(row.address) for row in rows(select(_messages))}
    assert asked == {"13712345671", "13712345672"}
    html = alice.get("/notifications/verify").get_data(as_text=True)
    assert "一天内都问过了" in html
    assert post(alice, "/notifications/verify").status_code == 303
    assert len(rows(select(_messages))) == 2
    with app.app_context():
        assert verify(crypto.blind_index("phone", "13712345672"))
    # The other community's are its own.
    assert "发 1 条短信" in cast.client("charlie").get("/notifications/verify").get_data(as_text=True)
