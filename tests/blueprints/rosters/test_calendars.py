"""Calendar feeds: what stands in them, what never does, and addresses that can be taken back."""

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import icalendar
import pytest
from sqlalchemy import select, update

from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.rosters.models import SecretLink, Shift, Signup
from webapp.domain.rosters.rules import Protection, ShiftState, SignupState

pytestmark = pytest.mark.db
PHONE = re.compile(r"1[3-9]\d{9}|0826-")


def post(client, path, data=None):
    token = client.get("/session").json["csrf"]
    return client.post(path, data={"csrf_token": token, "_key": new_public_id()} | (data or {}))


def at(days: int, hour: int) -> datetime:
    return clock.instant(datetime.combine(clock.day(clock.now()) + timedelta(days=days), time(hour)))


def write(cast, *statements):
    @db.writing
    def run():
        for statement in statements:
            db.connection().execute(statement)

    with cast.app.app_context():
        run()


@pytest.fixture
def gate(cast, make):
    return make.post(
        cast.community,
        name="北门卡口",
        name_en="North gate",
        place="北门岗亭",
        instructions="查验出入",
        protection=Protection.LEVEL_1,
        phone="0826-3220014",
    )


@pytest.fixture
def shift(cast, make, gate):
    made = make.shift(gate, starts_at=at(3, 23), hours=8, maximum_count=5)
    make.signup(made, cast.people["vera"])
    make.signup(made, cast.people["viktor"])
    return made


def address(client, kind, public_id) -> str:
    """Make the address as a person does, and read it from the page."""
    page = "/rosters/calendars" if kind == "volunteer" else f"/rosters/calendars/{kind}/{public_id}"
    made = post(client, f"/rosters/calendars/{kind}/{public_id}")
    assert made.status_code == 303
    assert made.headers["Location"] == page
    html = client.get(page).get_data(as_text=True)
    return re.search(r'value="http://linli\.test(/rosters/calendars/[\w-]+\.ics\?lang=\w+)"', html)[1]


def events(response) -> dict[str, Any]:
    assert response.status_code == 200
    assert response.mimetype == "text/calendar"
    calendar = icalendar.Calendar.from_ical(response.get_data())
    assert calendar["METHOD"] == "PUBLISH"
    return {str(event["UID"]): event for event in calendar.walk("VEVENT")}


def test_a_volunteers_feed_has_the_own_shifts_in_utc_and_nobody_else(cast, shift):
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    response = cast.client(None).get(where)
    (event,) = events(response).values()
    assert event["DTSTART"].dt == at(3, 23)
    assert event["DTEND"].dt == at(4, 7), "over midnight it is one event"
    assert b"DTSTART:" in response.get_data().replace(b"DTSTART;VALUE=DATE-TIME:", b"DTSTART:")
    assert re.search(rb"DTSTART[^\r\n]*Z\r\n", response.get_data()), "times are UTC"
    assert event["SUMMARY"] == "值班：北门卡口"
    assert event["LOCATION"] == "北门岗亭"
    assert "查验出入" in event["DESCRIPTION"]
    text = response.get_data(as_text=True).replace("\r\n ", "")
    for name in ("维克", "泰思", "艾丽"):
        assert name not in text
    assert not PHONE.search(text)


def test_team_and_post_feeds_name_who_is_there_and_no_phone(cast, make, gate, shift):
    team = events(cast.client(None).get(address(cast.client("tess"), "team", cast.team.public_id)))
    (event,) = team.values()
    assert "薇拉" in event["DESCRIPTION"]
    assert "维克" not in event["DESCRIPTION"], "who is not in the team is not the team's business"
    empty = make.shift(gate, starts_at=at(5, 7), minimum_count=2)
    response = cast.client(None).get(address(cast.client("alice"), "post", gate.public_id))
    feed = events(response)
    assert len(feed) == 2
    assert {"薇拉", "维克"} <= set(
        re.split("[、,，\n]", str(feed_of(feed, shift)["DESCRIPTION"]).replace(" ", ""))
    )
    assert "缺2人" in feed_of(feed, empty)["DESCRIPTION"]
    assert not PHONE.search(response.get_data(as_text=True).replace("\r\n ", ""))


def feed_of(feed, shift):
    return next(event for uid, event in feed.items() if uid.startswith(shift.public_id))


def test_the_language_of_the_address_is_the_language_of_the_feed(cast, shift):
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    (event,) = events(cast.client(None).get(where.replace("lang=zh", "lang=en"))).values()
    assert event["SUMMARY"] == "On shift: North gate"


def test_a_change_keeps_the_uid_and_raises_the_sequence_and_who_left_reads_cancelled(cast, make, shift):
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    ask = cast.client(None)
    (before,) = events(ask.get(where)).items()
    shifts, signups = Shift.__table__, Signup.__table__
    moved = update(shifts).where(shifts.c.id == shift.id)
    write(cast, moved.values(starts_at=at(4, 1), version=shifts.c.version + 1))
    (after,) = events(ask.get(where)).items()
    assert after[0] == before[0]
    assert after[1]["DTSTART"].dt == at(4, 1)
    assert after[1]["SEQUENCE"] > before[1]["SEQUENCE"]
    mine = update(signups).where(signups.c.person_id == cast.people["vera"].person_id)
    write(cast, mine.values(state=SignupState.LEFT, ended_at=clock.now()))
    (left,) = events(ask.get(where)).items()
    assert left[0] == before[0]
    assert left[1]["STATUS"] == "CANCELLED"
    assert left[1]["SEQUENCE"] > after[1]["SEQUENCE"]
    make.signup(shift, cast.people["vera"])
    (again,) = events(ask.get(where)).items()
    assert again[0] == before[0], "taken once more it is the same event"
    assert again[1]["STATUS"] == "CONFIRMED"
    assert again[1]["SEQUENCE"] > left[1]["SEQUENCE"]
    write(cast, moved.values(state=ShiftState.CANCELLED, version=shifts.c.version + 1))
    (off,) = events(ask.get(where)).items()
    assert off[1]["STATUS"] == "CANCELLED"
    assert str(off[1]["SUMMARY"]).startswith("已取消")


def test_drafts_and_places_in_a_queue_stand_in_no_feed(cast, make, gate):
    waited = make.shift(gate, starts_at=at(3, 7))
    make.signup(
        waited, cast.people["vera"], state=SignupState.WAITING, waiting_since=clock.now(), confirmed_at=None
    )
    draft = make.shift(gate, starts_at=at(4, 7), state=ShiftState.DRAFT)
    make.signup(draft, cast.people["vera"])
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    assert events(cast.client(None).get(where)) == {}


def test_an_unchanged_feed_is_answered_with_304_and_is_the_same_bytes_later(cast, make, shift):
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    ask = cast.client(None)
    first = ask.get(where)
    with clock.set_for_test(clock.now() + timedelta(hours=5)):
        same = ask.get(where, headers={"If-None-Match": first.headers["ETag"]})
        assert same.status_code == 304
        assert ask.get(where).get_data() == first.get_data()
    make.signup(make.shift(shift.post, starts_at=at(6, 7)), cast.people["vera"])
    assert ask.get(where, headers={"If-None-Match": first.headers["ETag"]}).status_code == 200


def test_a_new_address_ends_the_old_one_and_a_revoked_one_is_gone(cast, shift):
    vera, ask = cast.client("vera"), cast.client(None)
    own = cast.volunteers["vera"].public_id
    first = address(vera, "volunteer", own)
    second = address(vera, "volunteer", own)
    assert first != second
    assert ask.get(first).status_code == 410
    assert ask.get(second).status_code == 200
    post(vera, f"/rosters/calendars/volunteer/{own}/revoke")
    assert ask.get(second).status_code == 410
    assert ask.get("/rosters/calendars/AAAAAAAAAAAAAAAAAAAAAA.ics").status_code == 404
    assert ask.get(f"/rosters/calendars/{'A' * 500}.ics").status_code == 404


def test_the_database_holds_no_address(cast, shift):
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    token = re.search(r"calendars/([\w-]+)\.ics", where)[1]
    assert len(token) >= 22, "128 bits"

    @db.reading
    def read():
        return db.connection().execute(select(SecretLink.__table__)).all()

    with cast.app.app_context():
        (row,) = read()
    assert token not in repr(row)


def test_the_same_press_twice_makes_one_address(cast, shift):
    vera, own = cast.client("vera"), cast.volunteers["vera"].public_id
    token = vera.get("/session").json["csrf"]
    form = {"csrf_token": token, "_key": new_public_id()}
    for _ in range(2):
        assert vera.post(f"/rosters/calendars/volunteer/{own}", data=form).status_code == 303

    @db.reading
    def live():
        links = SecretLink.__table__
        return db.connection().execute(select(links.c.revoked_at)).all()

    with cast.app.app_context():
        assert [row.revoked_at for row in live()] == [None]


def test_a_wall_address_opens_no_calendar(cast, gate):
    assert post(cast.client("alice"), f"/rosters/calendars/wall/{gate.public_id}").status_code == 404


def test_a_county_with_daylight_saving_keeps_its_hours_and_their_length(cast, make, gate):
    clock.configure("Europe/Berlin")
    night = date(clock.day(clock.now()).year + 1, 3, 31)
    night -= timedelta(days=(night.weekday() + 1) % 7)  # the last Sunday of March: 02:00 is 03:00
    evening = clock.instant(datetime.combine(night - timedelta(days=1), time(22)))
    where = address(cast.client("vera"), "volunteer", cast.volunteers["vera"].public_id)
    with clock.set_for_test(evening - timedelta(days=2)):
        made = make.shift(gate, starts_at=evening, hours=7)
        make.signup(made, cast.people["vera"])
        (event,) = events(cast.client(None).get(where)).values()
        assert event["DTSTART"].dt == datetime.combine(night - timedelta(days=1), time(21), tzinfo=UTC)
        assert clock.here(event["DTEND"].dt).hour == 6, "seven hours after 22:00 the clocks show 06:00"
