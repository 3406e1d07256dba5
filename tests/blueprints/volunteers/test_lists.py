"""Taking a list of volunteers: shown first, taken then, refused rows to correct; and who is there twice."""

import io

import pytest
from sqlalchemy import func, select

from tests.lint import hidden_fields
from webapp.base import clock, db, jobs
from webapp.domain.volunteers.models import Volunteer
from webapp.domain.volunteers.rules import VolunteerState
from webapp.jobs import registry

pytestmark = pytest.mark.db
NEW = "/volunteers/imports/new"
LIST = "姓名,手机号,楼栋,队伍,会什么,身高\n张三,13800138000,3,先锋队,送菜、吹口哨,170\n李四,12,,,,\n王五,13800138000,,,,\n"


def page(browser, path, status=200, **options) -> str:
    answer = browser.get(path, **options)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def upload(browser, content, name="名单.csv", **fields):
    if isinstance(content, str):
        content = content.encode("gb18030")
    form = hidden_fields(page(browser, NEW), "/volunteers/imports") | fields
    return browser.post("/volunteers/imports", data=form | {"file": (io.BytesIO(content), name)})


def take(browser, path):
    return browser.post(f"{path}/take", data=hidden_fields(page(browser, path), f"{path}/take"))


@db.reading
def count(*conditions) -> int:
    return (
        db.connection().execute(select(func.count()).select_from(Volunteer).where(*conditions)).scalar_one()
    )


def test_a_list_is_compared_shown_and_only_then_taken(app, cast) -> None:
    alice = cast.client("alice")
    answer = upload(alice, LIST)
    assert answer.status_code == 303
    shown = page(alice, answer.location)
    for text in ("张三", "138****8000", "身高", "先锋队", "吹口哨", "“12”"):
        assert text in shown
    assert "13800138000" not in shown
    with app.app_context():
        assert count(Volunteer.name == "张三") == 0
    taken = take(alice, answer.location)
    assert taken.status_code == 303
    result = page(alice, taken.location)
    assert "/volunteers/duplicates" in result
    with app.app_context():
        assert count(Volunteer.name.in_(["张三", "王五"])) == 2


def test_the_refused_rows_are_a_file_that_is_taken_once_corrected(app, cast) -> None:
    alice = cast.client("alice")
    answer = upload(alice, LIST)
    path = f"{answer.location}/errors.csv"
    assert path in page(alice, answer.location)
    errors = alice.get(path)
    assert errors.mimetype == "text/csv"
    assert errors.headers["Cache-Control"] == "no-store"
    text = errors.get_data().decode("utf-8-sig")
    assert text.splitlines()[1].startswith("李四,12,,,,,3,手机号,phone_unclear,")
    corrected = text.replace("李四,12,", "李四,13800138001,").encode("utf-8-sig")
    again = upload(alice, corrected, name="errors.csv")
    take(alice, again.location)
    with app.app_context():
        assert count(Volunteer.name == "李四") == 1


def test_a_list_without_anything_new_cannot_be_taken(cast) -> None:
    alice = cast.client("alice")
    first = upload(alice, "姓名,手机号\n张三,13800138000\n")
    take(alice, first.location)
    again = upload(alice, "姓名,手机号\n张三,13800138000\n")
    shown = page(alice, again.location)
    assert f"{again.location}/take" not in shown


def test_what_is_no_list_is_refused_and_said(cast) -> None:
    alice = cast.client("alice")
    for content in (b"", b"PK\x03\x04", "手机号\n13800138000\n".encode()):
        answer = upload(alice, content)
        assert answer.status_code == 422
        assert 'role="alert"' in answer.get_data(as_text=True)
    form = hidden_fields(page(alice, NEW), "/volunteers/imports")
    assert alice.post("/volunteers/imports", data=form).status_code == 422
    assert upload(alice, LIST, area="511623100001").status_code == 404


def test_a_long_list_is_left_to_the_worker_and_its_page_polls(app, cast, monkeypatch) -> None:
    monkeypatch.setattr("webapp.base.lists.IN_THE_WORKER_FROM", 2)
    alice = cast.client("alice")
    answer = upload(alice, LIST)
    waiting = alice.get(answer.location, headers={"HX-Request": "true"}).get_data(as_text=True)
    assert "hx-trigger" in waiting
    assert "<progress" in waiting
    with app.app_context():
        job = jobs.take(now=clock.now())
        result = registry.handler_of(job.kind)(job)
        jobs.finish(job_id=job.id, now=clock.now(), result=result)
    shown = page(alice, answer.location)
    assert "hx-trigger" not in shown
    assert "张三" in shown


def test_the_pages_speak_english(cast) -> None:
    alice = cast.client("alice")
    csrf = alice.get("/session").json["csrf"]
    alice.post(
        "/accounts/preferences", data={"language": "en", "csrf_token": csrf, "_key": "english-for-alice"}
    )
    answer = upload(alice, LIST)
    shown = page(alice, answer.location)
    assert "What the list would do" in shown
    assert "Same phone, another name" in shown


# --- who is there twice -------------------------------------------------------------------------------------


@pytest.fixture
def twins(cast, make):
    first, second = make.user("薇拉"), make.user("薇拉")
    made = make.volunteer(first, area=cast.building), make.volunteer(second, area=cast.building)
    make.phone(first, second.phone)
    return made


def test_a_pair_is_shown_side_by_side_and_merged(app, cast, twins) -> None:
    alice = cast.client("alice")
    path = f"/volunteers/duplicates/{twins[0].public_id}/{twins[1].public_id}"
    assert path in page(alice, "/volunteers/duplicates")
    shown = page(alice, path)
    form = hidden_fields(shown, f"{path}/merge") | {"stays": twins[1].public_id}
    merged = alice.post(f"{path}/merge", data=form)
    assert merged.status_code == 303
    assert merged.location == f"/volunteers/{twins[1].public_id}"
    with app.app_context():
        assert count(Volunteer.id == twins[0].id, Volunteer.state == VolunteerState.MERGED) == 1
    # The old link leads on, and the pair is gone.
    assert alice.get(f"/volunteers/{twins[0].public_id}", follow_redirects=True).status_code == 200
    assert path not in page(alice, "/volunteers/duplicates")
    page(alice, path, status=404)
    again = alice.post(f"{path}/merge", data=form | {"_key": "another-key-for-it"})
    assert again.status_code == 409


def test_a_merge_that_cannot_be_is_said_on_the_page_of_the_two(cast, make, twins, app) -> None:
    alice = cast.client("alice")
    path = f"/volunteers/duplicates/{twins[0].public_id}/{twins[1].public_id}"
    for user in twins:
        shift = make.shift(make.post(cast.community))
        make.signup(shift, user)
    form = hidden_fields(page(alice, path), f"{path}/merge") | {"stays": twins[1].public_id}
    refused = alice.post(f"{path}/merge", data=form)
    assert refused.status_code == 422
    text = refused.get_data(as_text=True)
    assert 'id="refused"' in text
    assert f'value="{twins[1].public_id}" checked' in text


def test_two_people_are_told_apart(cast, twins) -> None:
    alice = cast.client("alice")
    path = f"/volunteers/duplicates/{twins[0].public_id}/{twins[1].public_id}"
    form = hidden_fields(page(alice, path), f"{path}/apart")
    assert alice.post(f"{path}/apart", data=form).status_code == 303
    assert path not in page(alice, "/volunteers/duplicates")


def test_the_list_of_pairs_needs_at_most_five_statements(cast, make, queries, twins) -> None:
    alice = cast.client("alice")
    page(alice, "/volunteers/duplicates")
    queries.statements.clear()
    page(alice, "/volunteers/duplicates")
    few = queries.count
    for _ in range(10):
        first, second = make.user("双双"), make.user("双双")
        make.volunteer(first, area=cast.building)
        make.volunteer(second, area=cast.building)
        make.phone(first, second.phone)
    queries.statements.clear()
    assert page(alice, "/volunteers/duplicates").count("/volunteers/duplicates/") == 11
    assert queries.count == few <= 5
