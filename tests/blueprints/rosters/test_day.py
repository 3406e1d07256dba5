"""The pages of the day: check in, roll call, sheets that came back, the wall, hours, certificates."""

import csv
import io
import re
from datetime import UTC, datetime, timedelta

import pypdf
import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.rosters import services
from webapp.domain.rosters.models import Attendance, HoursEntry, Signup
from webapp.domain.rosters.queries import day
from webapp.domain.rosters.rules import Evidence, Mark

pytestmark = pytest.mark.db
START = datetime(2026, 5, 12, 10, 0, tzinfo=UTC)  # 18:00 in the county


@pytest.fixture(autouse=True)
def evening():
    with clock.set_for_test(START + timedelta(minutes=20)):
        yield


@pytest.fixture
def shift(cast, make):
    post = make.post(cast.community, name="北门卡口", team=cast.team)
    made = make.shift(post, starts_at=START, hours=5, maximum_count=3)
    make.signup(made, cast.people["vera"])
    make.signup(made, cast.people["viktor"])
    return made


def code(app, shift):
    with app.app_context():
        return day.code_of(shift.post.public_id, 1)


def send(client, path, **form):
    headers = form.pop("headers", {})
    csrf = client.get("/session").json["csrf"]
    data = {"csrf_token": csrf, "_key": new_public_id()} | form
    return client.post(path, data=data, headers=headers)


def fields(html: str) -> dict[str, str]:
    """The hidden fields and checked marks of a roll call, as a browser would send them."""
    found = dict(re.findall(r'<input type="hidden" name="((?:was|version)-[^"]+)" value="([^"]*)"', html))
    found |= dict(re.findall(r'<input type="radio" name="([^"]+)" value="([^"]+)" checked', html))
    found |= dict(re.findall(r'<input id="[^"]+" name="((?:arrived|left)-[^"]+)" value="([^"]*)"', html))
    return found


def of(app, shift, person):
    with app.app_context():
        return _evidence(shift, person.person_id)


@db.reading
def _evidence(shift, person_id):
    return (
        db.session()
        .execute(select(Attendance).where(Attendance.shift_id == shift.id, Attendance.person_id == person_id))
        .scalars()
        .one_or_none()
    )


def key_of(form, app, person):
    with app.app_context():
        from webapp.domain.people.models import Person  # noqa: PLC0415

        public_id = db.reading(lambda: db.session().get(Person, person.person_id).public_id)()
    return next(name.removeprefix("was-") for name in form if name.startswith("was-") and public_id in name)


def test_scanning_the_poster_and_pressing_once_checks_in(app, cast, shift):
    client = cast.client("vera")
    page = client.get(f"/rosters/check-in/{shift.post.public_id}/{code(app, shift)}")
    assert "北门卡口" in page.text
    assert f'value="{code(app, shift)}"' in page.text
    done = send(client, f"/rosters/shifts/{shift.public_id}/check-in", code=code(app, shift))
    assert done.status_code == 303
    assert of(app, shift, cast.people["vera"]).mark is Mark.PRESENT
    own = client.get("/rosters/my-shift")
    assert own.headers["X-Offline"] == "keep"
    assert "已签到" in own.text
    assert "签退" in own.text


def test_forged_and_renewed_codes_have_clear_answers(app, cast, shift):
    client, old = cast.client("vera"), code(app, shift)
    assert client.get(f"/rosters/check-in/{shift.post.public_id}/222222").status_code == 404
    send(cast.client("alice"), f"/rosters/posts/{shift.post.public_id}/code/renew")
    page = client.get(f"/rosters/check-in/{shift.post.public_id}/{old}")
    assert page.status_code == 410
    assert page.headers["Linli-Answer"] == "code_renewed"
    typed = send(client, f"/rosters/shifts/{shift.public_id}/check-in", code="abc222")
    assert typed.status_code == 404
    assert 'value="abc222"' in typed.text, "what was typed is kept"
    assert of(app, shift, cast.people["vera"]) is None


def test_a_visitor_who_scans_is_led_through_the_sign_in(app, cast, shift):
    page = cast.client(None).get(f"/rosters/check-in/{shift.post.public_id}/{code(app, shift)}")
    assert page.status_code == 303
    assert "next=/rosters/check-in/" in page.location


def test_roll_call_saves_what_was_ticked_and_nothing_else(app, cast, shift):
    client = cast.client("tess")
    page = client.get(f"/rosters/shifts/{shift.public_id}/roll-call")
    assert "没勾不等于没来" in page.text
    form = fields(page.text)
    vera = key_of(form, app, cast.people["vera"])
    done = send(client, f"/rosters/shifts/{shift.public_id}/roll-call", **form | {f"mark-{vera}": "present"})
    assert done.status_code == 303
    assert of(app, shift, cast.people["vera"]).mark is Mark.PRESENT
    assert of(app, shift, cast.people["viktor"]) is None


def test_a_stale_roll_call_is_answered_with_what_changed_and_one_tap_writes_it_all_the_same(app, cast, shift):
    tess, path = cast.client("tess"), f"/rosters/shifts/{shift.public_id}/roll-call"
    form = fields(tess.get(path).text)
    vera, viktor = (key_of(form, app, cast.people[name]) for name in ("vera", "viktor"))
    send(cast.client("vera"), f"/rosters/shifts/{shift.public_id}/check-in", code=code(app, shift))
    form |= {f"mark-{vera}": "absent", f"mark-{viktor}": "present"}
    page = send(tess, path, **form)
    assert page.status_code == 409
    assert "薇拉 到了 18:2" in page.text
    assert f'name="mark-{viktor}" value="present" checked' in page.text, "what was typed is kept"
    assert f'name="mark-{vera}" value="present" checked' in page.text, "what changed is shown"
    assert of(app, shift, cast.people["viktor"]) is None, "nothing was written"
    said = send(tess, path, **form, headers={"Accept": "application/json"})
    assert (said.status_code, said.json["code"]) == (409, "roll_call_changed")
    agreed = send(tess, path, **form | said.json["confirm"])
    assert agreed.status_code == 303
    assert of(app, shift, cast.people["vera"]).mark is Mark.ABSENT


def test_a_sheet_that_came_back_is_entered_with_two_taps(app, cast, make, shift):
    make.signup(make.shift(shift.post, starts_at=START + timedelta(hours=5)), cast.people["tess"])
    sheet = make.roster_sheet(shift)
    path = f"/rosters/sheets/{sheet.public_id}/roll-call"
    client = cast.client("alice")
    page = client.get(path).text
    form = fields(page)
    viktor = key_of(form, app, cast.people["viktor"])
    assert "18:00–23:00" in page
    assert "23:00–04:00" in page, "all shifts of the post and day"
    with clock.set_for_test(START + timedelta(days=1)):
        done = send(client, path, **form | {"all": "1", "absent": viktor})
    assert done.status_code == 303
    assert of(app, shift, cast.people["vera"]).mark is Mark.PRESENT
    assert of(app, shift, cast.people["viktor"]).mark is Mark.ABSENT
    assert ledger(app) == [300, 300]


@db.reading
def _ledger():
    return list(db.session().execute(select(HoursEntry.minutes).order_by(HoursEntry.id)).scalars())


def ledger(app):
    with app.app_context():
        return _ledger()


@pytest.mark.parametrize("written", ["1830", "18:30", "１８３０", "18点30"])
def test_times_are_read_as_they_stand_on_paper(app, cast, make, shift, written):
    sheet = make.roster_sheet(shift)
    path = f"/rosters/sheets/{sheet.public_id}/roll-call"
    client = cast.client("tess")
    form = fields(client.get(path).text)
    vera = key_of(form, app, cast.people["vera"])
    with clock.set_for_test(START + timedelta(days=1)):
        assert send(client, path, **form | {f"arrived-{vera}": written}).status_code == 303
    found = of(app, shift, cast.people["vera"])
    assert (found.mark, found.arrived_at, found.arrived_from) == (
        Mark.PRESENT,
        START + timedelta(minutes=30),
        Evidence.PAPER,
    )


@pytest.mark.parametrize("written", ["9999", "六点", "12"])
def test_a_time_that_cannot_be_keeps_what_was_typed(app, cast, shift, written):
    path = f"/rosters/shifts/{shift.public_id}/roll-call"
    client = cast.client("tess")
    form = fields(client.get(path).text)
    vera = key_of(form, app, cast.people["vera"])
    page = send(client, path, **form | {f"arrived-{vera}": written})
    assert page.status_code == 422
    assert f'value="{written}"' in page.text


def test_who_joins_on_the_spot_is_found_by_name_or_written_down(app, cast, shift):
    client, path = cast.client("tess"), f"/rosters/shifts/{shift.public_id}/walk-ins"
    assert "佐伊" in client.get(path, query_string={"find": "佐"}).text
    assert "芬恩" not in client.get(path, query_string={"find": "芬"}).text, "of another community"
    bad = send(client, path, name="王新", phone="123")
    assert bad.status_code == 422
    assert 'value="王新"' in bad.text
    assert send(client, path, name="王新", phone="13912345678").status_code == 303
    with app.app_context():
        count = db.reading(lambda: len(db.session().execute(select(Signup.id)).all()))()
    assert count == 3


def test_the_wall_shows_surnames_refreshes_and_is_taken_back(app, cast, shift):
    alice, path = cast.client("alice"), f"/rosters/posts/{shift.post.public_id}/wall"
    assert send(alice, path).status_code == 303
    address = re.search(
        r"/rosters/wall/[\w-]+", alice.get(f"/rosters/posts/{shift.post.public_id}/code").text
    )
    visitor = cast.client(None)
    page = visitor.get(address[0])
    assert page.status_code == 200
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "薇*" in page.text
    assert "薇拉" not in page.text
    fragment = visitor.get(address[0], headers={"HX-Request": "true"})
    assert fragment.text.startswith("<div")
    assert send(alice, f"{path}/revoke").status_code == 303
    assert visitor.get(address[0]).status_code == 410


@pytest.fixture
def worked(app, cast, shift):
    """vera's and viktor's evening, with the hours written."""
    with app.app_context():
        call = day.get_roll_call(actor=cast.actor("alice"), public_id=shift.public_id, now=clock.now())
        lines = [services.Typed(shift.public_id, each.person, Mark.PRESENT, 0) for each in call.lines]
        services.save_roll_call(deed=make_deed(cast.actor("alice")), shift=shift.public_id, lines=lines)
        services.tidy_shifts(now=START + timedelta(hours=7))
    with clock.set_for_test(START + timedelta(hours=8)):
        yield shift


def test_own_hours_and_a_correction_that_tess_accepts(app, cast, worked):
    vera, tess = cast.client("vera"), cast.client("tess")
    page = vera.get("/rosters/hours").text
    assert "5 小时 0 分" in page
    action = re.search(r"/rosters/hours/attendances/\w+/corrections", page)[0]
    assert send(vera, action, hours="五小时", reason="晚走").status_code == 422
    assert send(vera, action, hours="6:00", reason="晚走一小时").status_code == 303
    assert "5 小时 0 分" in vera.get("/rosters/hours").text
    waiting = tess.get("/rosters/hours/corrections").text
    decide = re.search(r"/rosters/hours/corrections/\w+/decide", waiting)[0]
    assert send(tess, decide, answer="accept").status_code == 303
    assert "6 小时 0 分" in vera.get("/rosters/hours").text


def test_totals_can_be_taken_along_and_a_name_is_no_formula(app, cast, make, worked):
    with app.app_context():
        _rename(cast.people["viktor"].person_id, "=1+1")
    alice = cast.client("alice")
    days = {"from": "2026-05-01", "to": "2026-05-31"}
    for by in ("people", "teams", "organisations", "societies"):
        assert "10 小时 0 分" in alice.get(f"/rosters/hours/{by}", query_string=days).text
    text = alice.get("/rosters/hours/people.csv", query_string=days).data.decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert {row[0]: row[2:] for row in rows[1:]} == {"薇拉": ["5", "0", "1"], "'=1+1": ["5", "0", "1"]}
    book = load_workbook(io.BytesIO(alice.get("/rosters/hours/people.xlsx", query_string=days).data))
    cells = list(book.active.iter_rows(values_only=True))
    assert sorted(row[0] for row in cells[1:]) == ["'=1+1", "薇拉"]
    assert (
        cast.client("tess").get("/rosters/hours/people", query_string=days).text.count("/hours/people/") == 1
    )


@db.writing
def _rename(person_id, name):
    from webapp.domain.people.models import Person  # noqa: PLC0415

    db.session().get(Person, person_id).name = name


def test_a_certificate_is_printed_once_and_checked_by_anybody(app, cast, worked):
    vera = cast.client("vera")
    first = send(vera, "/rosters/certificates").location
    assert send(vera, "/rosters/certificates").location == first
    backwards = send(vera, "/rosters/certificates", from_on="2026-05-13", to_on="2026-05-12")
    assert backwards.status_code == 422
    assert "结束日期早于开始日期" in backwards.text
    page = vera.get(first).text
    pdf = vera.get(f"{first}.pdf")
    assert pdf.data.startswith(b"%PDF")
    verify = re.search(r"/rosters/verify/[\w-]+", page)[0]
    shown = cast.client(None).get(verify)
    assert shown.status_code == 200
    assert "薇拉" in shown.text
    assert "5 小时 0 分" in shown.text
    assert cast.people["vera"].phone[-4:] not in shown.text.replace(first[-4:], "")
    assert cast.client(None).get("/rosters/verify/forged-token-0000000000").status_code == 404
    assert send(cast.client("alice"), f"{first}/revoke", reason="填错").status_code == 303
    again = cast.client(None).get(verify).text
    assert "不再有效" in again
    assert vera.get(f"{first}.pdf").status_code == 404


def test_the_poster_is_a_page_with_the_code(app, cast, shift):
    made = cast.client("alice").get(f"/rosters/posts/{shift.post.public_id}/code.pdf")
    document = pypdf.PdfReader(io.BytesIO(made.data))
    assert len(document.pages) == 1
    text = document.pages[0].extract_text()
    assert code(app, shift) in text.replace(" ", "")
    assert "北门卡口" in text


def test_roll_call_and_own_shifts_ask_as_often_for_one_as_for_many(app, cast, make, shift, queries):
    client = cast.client("tess")

    def cost(path):
        client.get(path)
        queries.statements.clear()
        assert client.get(path).status_code == 200
        return queries.count

    path = f"/rosters/shifts/{shift.public_id}/roll-call"
    few = cost(path), cost("/rosters/hours/people"), cost("/rosters/hours")
    many = make.shift(shift.post, starts_at=START, maximum_count=30)
    for number in range(20):
        user = make.user(f"人{number}")
        make.volunteer(user, area=cast.building, team=cast.team)
        make.signup(many, user)
    path = f"/rosters/shifts/{many.public_id}/roll-call"
    assert (cost(path), cost("/rosters/hours/people"), cost("/rosters/hours")) == few
    assert few[0] <= 8
