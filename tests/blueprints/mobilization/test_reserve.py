"""The reserve on the screen: the list and its filters, a person, the own page, who comes in, lists through the form."""

import io
from datetime import datetime, time, timedelta

import pytest
from sqlalchemy import func, select

from tests.lint import hidden_fields
from webapp.base import clock, db, jobs
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import ReserveDay, Reservist
from webapp.domain.mobilization.rules import Readiness, SummonsState
from webapp.domain.volunteers.rules import Availability, Half
from webapp.jobs import registry

pytestmark = pytest.mark.db
RESERVE, OWN = "/mobilization/reserve", "/mobilization/me"
RESERVISTS = Reservist.__table__


@db.reading
def rows(statement):
    return db.connection().execute(statement).all()


def page(browser, path, status=200, **options):
    answer = browser.get(path, **options)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def send(browser, path, action=None, **fields):
    action = action or path
    return browser.post(action, data=hidden_fields(page(browser, path), action) | fields)


def post(browser, action, **fields):
    """Send a form as a page of long ago would: with nothing hidden but the token and the key."""
    csrf = browser.get("/session").json["csrf"]
    return browser.post(action, data={"csrf_token": csrf, "_key": new_public_id()} | fields)


def row_of(app, made):
    with app.app_context():
        (found,) = rows(select(Reservist.__table__).where(RESERVISTS.c.id == made.id))
        return found


def noon():
    """A minute before noon of today, so that the half-day from noon is a minute ahead."""
    return clock.instant(datetime.combine(clock.day(clock.now()), time(11, 59)))


# --- the list -----------------------------------------------------------------------------------------------


def test_a_head_reads_who_is_how_ready_and_no_phone(cast):
    shown = page(cast.client("alice"), RESERVE)
    for name in ("泰思", "薇拉", "维克", "鲍伯"):
        assert name in shown
    assert "芬恩" not in shown
    for name in ("tess", "vera", "viktor", "bob"):
        phone = cast.people[name].phone
        assert phone not in shown
        assert phone[-4:] in shown
    assert f"{RESERVE}?readiness=ready" in shown


def test_the_url_narrows_the_list_and_nonsense_in_it_does_no_harm(cast):
    alice = cast.client("alice")
    shown = page(alice, f"{RESERVE}?category=community")
    assert "鲍伯" in shown
    assert "薇拉" not in shown
    shown = page(alice, f"{RESERVE}?skill=sampling&side=outside&reached=yes&readiness=ready")
    assert "维克" in shown
    assert "薇拉" not in shown
    odd = "?category=x&skill=%27&readiness=9&team=x&area=x&side=up&reached=maybe&after=x&q=%25"
    assert "薇拉" not in page(alice, RESERVE + odd)


def test_the_list_asks_at_most_five_times_at_any_size(make, cast, queries):
    alice = cast.client("alice")
    page(alice, RESERVE)
    queries.statements.clear()
    page(alice, RESERVE)
    few = queries.count
    for number in range(60):
        make.reservist(make.user(f"多{number}"), area=cast.community, skills=("order",))
    queries.statements.clear()
    shown = page(alice, RESERVE)
    assert queries.count == few
    assert few <= 5, queries.statements
    after = shown.split("after=")[1].split('"')[0]
    queries.statements.clear()
    second = page(alice, f"{RESERVE}?after={after}")
    assert queries.count == few
    assert "多" in second


def test_htmx_gets_the_rows_and_everybody_else_the_page(cast):
    alice = cast.client("alice")
    fragment = page(alice, RESERVE, headers={"HX-Request": "true"})
    assert fragment.lstrip().startswith('<div id="reserve"')
    assert "<h1" not in fragment


def test_who_has_nobody_is_told_what_to_do(cast):
    shown = page(cast.client("olga"), RESERVE)
    assert f"{RESERVE}/enrol" in shown


# --- a person -----------------------------------------------------------------------------------------------


def test_the_page_of_a_person_shows_everything_but_the_number(make, cast):
    call_up = make.call_up(cast.community, title="卸菜")
    make.summons(call_up, cast.people["vera"].person_id, state=SummonsState.MISSED)
    vera = cast.reservists["vera"]
    shown = page(cast.client("alice"), f"{RESERVE}/{vera.public_id}")
    for text in ("薇拉", "红马甲", "送菜上门", "卸菜", "days"):
        assert text in shown
    assert cast.people["vera"].phone not in shown


def test_a_lead_sees_the_team_and_changes_nothing(cast):
    tess, vera = cast.client("tess"), cast.reservists["vera"]
    shown = page(tess, f"{RESERVE}/{vera.public_id}")
    assert "<form" not in shown.split("<main")[1].split("</main>")[0]
    assert (
        post(tess, f"{RESERVE}/{vera.public_id}/readiness", readiness="resting", reason="累").status_code
        == 403
    )


def test_readiness_is_changed_with_a_reason_and_what_was_typed_stays(app, cast):
    alice, vera = cast.client("alice"), cast.reservists["vera"]
    path = f"{RESERVE}/{vera.public_id}"
    refused = send(alice, path, f"{path}/readiness", readiness="away", reason="出差")
    shown = refused.get_data(as_text=True)
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "away_until_missing")
    assert 'value="出差"' in shown
    assert 'value="away" checked' in shown
    day = clock.day(clock.now()) + timedelta(days=3)
    done = send(alice, path, f"{path}/readiness", readiness="away", away_until=day.isoformat(), reason="出差")
    assert (done.status_code, done.location) == (303, path)
    row = row_of(app, vera)
    assert row.readiness is Readiness.AWAY
    assert row.away_until == clock.instant(datetime.combine(day, time()))
    assert str(day.day) in page(alice, path)


def test_a_head_writes_days_near_at_hand_with_a_reason(app, cast):
    alice, vera = cast.client("alice"), cast.reservists["vera"]
    path = f"{RESERVE}/{vera.public_id}"
    with clock.set_for_test(noon()):
        on = clock.day(clock.now()) + timedelta(days=1)
        field = {f"day-{on}.morning": "available"}
        refused = send(alice, path, f"{path}/days", **field)
        assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "days_frozen")
        done = send(alice, path, f"{path}/days", reason="本人来电", **field)
        assert done.status_code == 303
    with app.app_context():
        ((state,),) = rows(select(ReserveDay.state).where(ReserveDay.reservist_id == vera.id))
    assert state is Availability.AVAILABLE


def test_what_is_known_is_edited_and_an_old_page_is_refused(app, cast):
    alice, bob = cast.client("alice"), cast.reservists["bob"]
    path = f"{RESERVE}/{bob.public_id}/edit"
    fields = {"category": "cadre", "unit": "县水务局", "area": cast.building.public_id, "skills": ["driving"]}
    old = hidden_fields(page(alice, path), path)
    done = send(alice, path, **fields)
    assert (done.status_code, done.location) == (303, f"{RESERVE}/{bob.public_id}")
    assert row_of(app, bob).unit == "县水务局"
    refused = alice.post(path, data=old | fields | {"unit": "县财政局", "_key": new_public_id()})
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (409, "reservist_changed")
    assert 'value="县财政局"' in refused.get_data(as_text=True)
    assert row_of(app, bob).unit == "县水务局"


def test_the_number_is_shown_once_to_who_says_why(cast):
    alice, bob = cast.client("alice"), cast.reservists["bob"]
    path = f"{RESERVE}/{bob.public_id}"
    refused = send(alice, path, f"{path}/reveal")
    assert refused.status_code == 422
    shown = send(alice, path, f"{path}/reveal", reason="通知集合")
    assert cast.people["bob"].phone in shown.get_data(as_text=True)
    assert shown.headers["Cache-Control"] == "no-store"
    assert cast.people["bob"].phone not in page(alice, path)


def test_somebody_is_taken_out_with_a_reason(app, cast):
    alice, bob = cast.client("alice"), cast.reservists["bob"]
    path = f"{RESERVE}/{bob.public_id}"
    assert send(alice, path, f"{path}/leave").headers["Linli-Answer"] == "reason_missing"
    assert row_of(app, bob).left_at is None
    done = send(alice, path, f"{path}/leave", reason="回原单位")
    assert (done.status_code, done.location) == (303, RESERVE)
    page(alice, path, status=404)


# --- the own page -------------------------------------------------------------------------------------------


def test_somebody_joins_with_one_press_and_leaves_again(make, app, cast):
    user = make.user("新友")
    make.volunteer(user, area=cast.building)
    cast.people["new"] = user
    browser = cast.client("new")
    assert send(browser, OWN, f"{OWN}/join").location == OWN
    shown = page(browser, OWN)
    assert f'action="{OWN}/days"' in shown
    assert send(browser, OWN, f"{OWN}/leave").location == OWN
    assert f'action="{OWN}/join"' in page(browser, OWN)


def test_who_cannot_join_reads_why(cast):
    ruth = cast.client("ruth")
    shown = page(ruth, OWN)
    assert f'action="{OWN}/join"' not in shown
    assert "/volunteers/me" in shown
    refused = post(ruth, f"{OWN}/join")
    assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "reserve_not_for_you")


def test_half_days_are_ticks_and_frozen_ones_are_words(app, cast):
    vera = cast.client("vera")
    with clock.set_for_test(noon()):
        shown = page(vera, OWN)
        today = clock.day(clock.now())
        near, far = today + timedelta(days=1), today + timedelta(days=5)
        assert f'name="can" value="{near}.morning"' not in shown
        assert f'name="can" value="{far}.morning"' in shown
        # From noon of the day after tomorrow: 28 half-days without the first five.
        assert shown.count('name="shown"') == 28 - 5
        keys = [part.split('"')[0] for part in shown.split('name="shown" value="')[1:]]
        done = send(vera, OWN, f"{OWN}/days", shown=keys, can=[f"{far}.morning"])
        assert (done.status_code, done.location) == (303, OWN)
        again = page(vera, OWN)
    assert f'value="{far}.morning" aria-label' in again
    with app.app_context():
        said = {
            (row.day, row.half): row.state
            for row in rows(
                select(ReserveDay.__table__).where(ReserveDay.reservist_id == cast.reservists["vera"].id)
            )
        }
    assert said.pop((far, Half.MORNING)) is Availability.AVAILABLE
    assert len(said) == 22
    assert set(said.values()) == {Availability.NOT_AVAILABLE}


def test_a_page_of_yesterday_cannot_move_what_is_frozen_by_now(app, cast):
    vera = cast.client("vera")
    with clock.set_for_test(noon()):
        near = clock.day(clock.now()) + timedelta(days=1)
        refused = post(vera, f"{OWN}/days", shown=[f"{near}.morning", "nonsense"], can=[f"{near}.morning"])
        assert (refused.status_code, refused.headers["Linli-Answer"]) == (422, "days_frozen")
        as_json = vera.post(
            f"{OWN}/days",
            data={
                "csrf_token": vera.get("/session").json["csrf"],
                "_key": new_public_id(),
                "shown": f"{near}.morning",
                "can": f"{near}.morning",
            },
            headers={"Accept": "application/json"},
        )
    assert (as_json.status_code, as_json.json["code"]) == (422, "days_frozen")
    with app.app_context():
        assert rows(select(func.count()).select_from(ReserveDay.__table__))[0][0] == 0


def test_the_outbox_gets_its_receipt_and_a_repeat_the_same_answer(app, cast):
    vera = cast.client("vera")
    form = {
        "csrf_token": vera.get("/session").json["csrf"],
        "_key": new_public_id(),
        "readiness": "limited",
        "away_until": "",
    }
    for _ in range(2):
        answer = vera.post(f"{OWN}/readiness", data=form, headers={"Accept": "application/json"})
        assert answer.status_code == 200
        assert answer.headers["Linli-Receipt"] == form["_key"]
    row = row_of(app, cast.reservists["vera"])
    assert (row.readiness, row.version) == (Readiness.LIMITED, 2)


def test_the_own_page_is_kept_for_the_dead_link_and_forms_go_through_the_outbox(cast):
    answer = cast.client("vera").get(OWN)
    assert answer.headers["X-Offline"] == "keep"
    shown = answer.get_data(as_text=True)
    assert shown.count("data-outbox=") == 3
    assert OWN in page(cast.client("vera"), "/volunteers/me")


# --- who comes in -------------------------------------------------------------------------------------------


def test_a_head_takes_all_in_or_some(make, app, cast):
    one, two = make.user("合一"), make.user("合二")
    for user in (one, two):
        make.volunteer(user, area=cast.building)
    alice, path = cast.client("alice"), f"{RESERVE}/enrol"
    shown = page(alice, path)
    for name in ("合一", "合二", "楼栋长"):
        assert name in shown
    assert "薇拉" not in shown
    nobody = post(alice, path, area=cast.community.public_id)
    assert (nobody.status_code, nobody.headers["Linli-Answer"]) == (422, "nobody_chosen")
    value = shown.split("合一")[0].rsplit('name="people" value="', 1)[1].split('"')[0]
    done = post(alice, path, area=cast.community.public_id, people=[value])
    assert (done.status_code, done.location) == (303, RESERVE)
    assert "合一" in page(alice, RESERVE)
    assert "合二" not in page(alice, RESERVE)
    assert send(alice, path).location == RESERVE
    shown = page(alice, RESERVE)
    assert "合二" in shown
    assert "楼栋长" in shown
    assert 'name="people"' not in page(alice, path)


def test_a_town_first_says_which_area(cast):
    shown = page(cast.client("dora"), f"{RESERVE}/enrol")
    assert 'name="people"' not in shown
    assert cast.other_community.public_id in shown
    chosen = page(cast.client("dora"), f"{RESERVE}/enrol?area={cast.community.public_id}")
    assert "楼栋长" in chosen


# --- lists --------------------------------------------------------------------------------------------------

NEW = f"{RESERVE}/imports/new"
LIST = "姓名,手机号,类别,单位,身高\n何援,13800138000,下沉干部,县水务局,170\n无号,12,,,\n"


def upload(browser, content, name="名单.csv"):
    content = content.encode("gb18030") if isinstance(content, str) else content
    form = hidden_fields(page(browser, NEW), f"{RESERVE}/imports")
    return browser.post(f"{RESERVE}/imports", data=form | {"file": (io.BytesIO(content), name)})


def take(browser, path):
    return browser.post(f"{path}/take", data=hidden_fields(page(browser, path), f"{path}/take"))


@db.reading
def count(name):
    statement = select(func.count()).select_from(Reservist).where(Reservist.name == name)
    return db.connection().execute(statement).scalar_one()


def test_a_list_is_compared_shown_and_only_then_taken(app, cast):
    alice = cast.client("alice")
    answer = upload(alice, LIST)
    assert answer.status_code == 303
    shown = page(alice, answer.location)
    for text in ("何援", "138****8000", "身高", "“12”"):
        assert text in shown
    assert "13800138000" not in shown
    with app.app_context():
        assert count("何援") == 0
    taken = take(alice, answer.location)
    assert RESERVE in page(alice, taken.location)
    with app.app_context():
        assert count("何援") == 1


def test_the_refused_rows_are_a_file_that_is_taken_once_corrected(app, cast):
    alice = cast.client("alice")
    answer = upload(alice, LIST)
    path = f"{answer.location}/errors.csv"
    assert path in page(alice, answer.location)
    errors = alice.get(path)
    assert errors.headers["Cache-Control"] == "no-store"
    text = errors.get_data().decode("utf-8-sig")
    assert text.splitlines()[1].startswith("无号,12,,,,3,手机号,phone_unclear,")
    again = upload(alice, text.replace("无号,12,", "有号,13800138001,").encode("utf-8-sig"), "errors.csv")
    take(alice, again.location)
    with app.app_context():
        assert count("有号") == 1


def test_a_list_that_is_none_is_refused_on_the_form(cast):
    refused = upload(cast.client("alice"), "甲,乙\n1,2\n")
    assert refused.status_code == 422
    assert "<h1" in refused.get_data(as_text=True)


def test_a_long_list_is_left_to_the_worker(app, cast):
    alice = cast.client("alice")
    lines = "".join(f"何{number},138{number:08d}\n" for number in range(1001))
    answer = upload(alice, f"姓名,手机号\n{lines}")
    assert "hx-get" in page(alice, answer.location)
    with app.app_context():
        job = jobs.take(now=clock.now())
        assert job is not None
        assert job.kind == "mobilization.import"
        result = registry.handler_of(job.kind)(job)
        jobs.finish(job_id=job.id, now=clock.now(), result=result)
    assert "1001" in page(alice, answer.location)
