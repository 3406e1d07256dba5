"""A head's evening over HTTP: plan, open, watch, close, print; what is refused keeps what was typed."""

import io
import re
from datetime import timedelta

import pypdf
import pytest
from sqlalchemy import select

from tests.factories import make_deed
from webapp.base import clock, db, jobs
from webapp.base.ids import new_public_id
from webapp.domain.households.models import MemberState
from webapp.domain.supplies import services
from webapp.domain.supplies.models import PrintedSheet, Round, RoundArea, RoundBag
from webapp.domain.supplies.rules import Wish
from webapp.jobs import sheets

pytestmark = pytest.mark.db


def post(client, path, data=None, *, key=None, **headers):
    token = client.get("/session").json["csrf"]
    data = {"csrf_token": token, "_key": key or new_public_id()} | (data or {})
    return client.post(path, data=data, headers=headers)


def text(response):
    return response.get_data(as_text=True)


def rows_of(cast, model):
    @db.reading
    def read():
        table = model.__table__
        return db.connection().execute(select(table).order_by(*table.primary_key.columns)).all()

    with cast.app.app_context():
        return read()


@pytest.fixture
def bag(cast):
    with cast.app.app_context():
        return services.save_bag(
            deed=make_deed(cast.actor("alice")),
            area_public_id=cast.community.public_id,
            bag_public_id=None,
            name="蔬菜包A",
            name_en="Bag A",
            is_basic=True,
            is_offered=True,
            items=[services.ItemPlan("土豆", "", "斤", 2)],
        )


def plan(cast, bag, **changes):
    tomorrow = clock.day(clock.now() + timedelta(days=1)).isoformat()
    return {
        "area": cast.community.public_id,
        "kind": "registration",
        "delivers_on": tomorrow,
        "delivery_window": "morning",
        "cuts_off_on": tomorrow,
        "cuts_off_time": "08:00",
        "household_limit": "2",
        "bag": bag,
        f"price-{bag}": "30.5",
        f"limit-{bag}": "2",
        "whole": "1",
    } | changes


def make_open(cast, bag, **changes):
    alice = cast.client("alice")
    made = post(alice, "/supplies/rounds", plan(cast, bag, **changes))
    assert made.status_code == 303, text(made)
    post(alice, f"{made.location}/open")
    return made.location


def order(cast, name, household):
    (round_bag,) = rows_of(cast, RoundBag)
    with cast.app.app_context():
        return services.place_order(
            deed=make_deed(cast.actor(name)),
            round_public_id=rows_of(cast, Round)[0].public_id,
            household_public_id=household.public_id,
            lines=(Wish(round_bag.public_id, 1, round_bag.price_version),),
        )


def test_a_heads_evening(cast, bag):
    alice = cast.client("alice")
    assert "蔬菜包A" in text(alice.get("/supplies/rounds/new"))
    path = make_open(cast, bag)
    order(cast, "ruth", cast.household)
    watched = text(alice.get(path))
    assert "3栋" in watched
    for step in ("close", "pack", "send-out", "finish"):
        assert post(alice, f"{path}/{step}").status_code == 303
        assert alice.get(path).status_code == 200
    late = post(alice, f"{path}/close")
    assert late.status_code == 409
    assert late.headers["Linli-Answer"] == "round_state_wrong"
    assert "已完成" in text(late)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"cuts_off_time": "25:00"}, "time_wrong"),
        ({"cuts_off_on": "2020-01-01"}, "cut_off_in_the_past"),
        ({"delivers_on": ""}, "time_wrong"),
        ({"household_limit": "zwei"}, "count_wrong"),
        ({"household_limit": "0"}, "count_wrong"),
        ({"whole": ""}, "no_buildings"),
        ({"kind": "limited"}, "capacity_missing"),
        ({"bag": "0" * 22, f"limit-{'0' * 22}": "1"}, None),
        ({"kind": "raffle"}, "bad_request"),
        ({"price": "viel"}, "price_wrong"),
    ],
)
def test_a_plan_that_is_refused_keeps_what_was_typed(cast, bag, changes, code):
    if "price" in changes:
        changes = {f"price-{bag}": changes["price"]}
    typed = plan(cast, bag) | changes
    response = post(cast.client("alice"), "/supplies/rounds", typed)
    # A bag of nobody's is not there; all else is answered on the form.
    assert response.status_code == (422 if code else 404)
    if code:
        assert response.headers["Linli-Answer"] == code
        assert f'value="{typed["delivers_on"]}"' in text(response)
    assert rows_of(cast, Round) == []


def test_prices_are_read_as_people_type_them(cast, bag):
    make_open(cast, bag, **{f"price-{bag}": "¥３０。５"})
    assert [row.price_fen for row in rows_of(cast, RoundBag)] == [3050]


def test_some_buildings_only(cast, bag):
    make_open(cast, bag, whole="", building=cast.building.public_id)
    assert [row.area_id for row in rows_of(cast, RoundArea)] == [cast.building.id]


def test_the_figures_are_answered_with_304_until_something_changes(cast, bag):
    path = make_open(cast, bag)
    alice = cast.client("alice")
    first = alice.get(f"{path}/watch", headers={"HX-Request": "true"})
    assert first.status_code == 200
    again = {"HX-Request": "true", "If-None-Match": first.headers["ETag"]}
    assert alice.get(f"{path}/watch", headers=again).status_code == 304
    order(cast, "ruth", cast.household)
    assert alice.get(f"{path}/watch", headers=again).status_code == 200
    assert alice.get(f"{path}/watch").status_code == 303


@pytest.mark.parametrize("name", ["bob", "dora", "charlie", "ruth", "lead"])
@pytest.mark.parametrize("step", ["open", "close", "pack", "send-out", "finish", "discard"])
def test_only_the_head_moves_a_round(cast, bag, name, step):
    path = make_open(cast, bag)
    expected = 404 if name == "charlie" else 403
    assert post(cast.client(name), f"{path}/{step}").status_code == expected


def test_a_price_is_changed_and_a_wrong_one_kept_out(cast, bag):
    path, alice = make_open(cast, bag), cast.client("alice")
    url = f"{path}/bags/{rows_of(cast, RoundBag)[0].public_id}"
    assert post(alice, url, {"price": "40"}).status_code == 303
    assert post(alice, url, {"price": "a lot"}).status_code == 422
    assert [(row.price_fen, row.price_version) for row in rows_of(cast, RoundBag)] == [(4000, 2)]
    assert post(cast.client("charlie"), url, {"price": "1"}).status_code == 404


@pytest.mark.parametrize(
    ("typed", "code"),
    [
        ({"name": "", "item-0": "土豆", "quantity-0": "2"}, "bag_name_missing"),
        ({"name": "B", "item-0": ""}, "bag_is_empty"),
        ({"name": "B", "item-0": "土豆", "quantity-0": "viele"}, "count_wrong"),
        ({"name": "B", "item-0": "土豆", "quantity-0": "0"}, "count_wrong"),
    ],
)
def test_a_bag_that_is_refused_keeps_what_was_typed(cast, typed, code):
    response = post(
        cast.client("alice"), "/supplies/bags", typed | {"area": cast.community.public_id, "spec-0": "大的"}
    )
    assert response.status_code == 422
    assert response.headers["Linli-Answer"] == code
    assert 'value="大的"' in text(response)


def test_a_bag_is_made_and_changed(cast):
    alice = cast.client("alice")
    typed = {"name": "蔬菜包C", "item-0": "白菜", "quantity-0": "１", "unit-0": "棵", "is_offered": "1"}
    made = post(alice, "/supplies/bags", typed | {"area": cast.community.public_id})
    assert made.status_code == 303
    link = re.search(r'href="(/supplies/bags/\w{22})"', text(alice.get(made.location)))[1]
    assert 'value="白菜"' in text(alice.get(link))
    assert post(alice, link, typed | {"name": "蔬菜包D"}).status_code == 303
    assert "蔬菜包D" in text(alice.get(made.location))
    assert cast.client("charlie").get(link).status_code == 404
    assert post(cast.client("charlie"), link, typed).status_code == 404


def test_each_sheet_is_a_pdf_with_the_door_in_it(cast, bag):
    path, alice = make_open(cast, bag), cast.client("alice")
    order(cast, "ruth", cast.household)
    for kind, word in (("picking", "土豆"), ("packing", "501"), ("run", "501")):
        made = post(alice, f"{path}/sheets", {"kind": kind, "building": ""})
        assert made.status_code == 303, text(made)
        pdf = alice.get(made.location)
        assert pdf.mimetype == "application/pdf"
        page = pypdf.PdfReader(io.BytesIO(pdf.data)).pages[0].extract_text()
        assert word in page
        assert "邻水县鼎屏镇北辰社区居民委员会" in page
    assert "已打印的" in text(alice.get(f"{path}/sheets"))


def test_the_same_content_is_never_printed_twice_and_new_content_is_a_new_version(cast, bag):
    path, alice = make_open(cast, bag), cast.client("alice")
    order(cast, "ruth", cast.household)
    wanted = {"kind": "run", "building": cast.building.public_id}
    first = post(alice, f"{path}/sheets", wanted).location
    assert post(alice, f"{path}/sheets", wanted).location == first
    order(cast, "rita", cast.neighbours)
    assert post(alice, f"{path}/sheets", wanted).location == first
    everywhere = {"kind": "run", "building": ""}
    post(alice, f"{path}/sheets", everywhere)
    post(alice, f"{path}/close")
    versions = [(row.area_id == cast.building.id, row.version) for row in rows_of(cast, PrintedSheet)]
    assert sorted(versions) == [(False, 1), (True, 1)]


def test_a_changed_order_is_a_new_version(cast, bag):
    path, alice = make_open(cast, bag), cast.client("alice")
    placed = order(cast, "ruth", cast.household)
    first = post(alice, f"{path}/sheets", {"kind": "run"}).location
    with cast.app.app_context():
        services.change_order(
            deed=make_deed(cast.actor("ruth")),
            order_public_id=placed.public_id,
            version=1,
            lines=(Wish(rows_of(cast, RoundBag)[0].public_id, 2, 1),),
        )
    second = post(alice, f"{path}/sheets", {"kind": "run"}).location
    assert (first[-1], second[-1]) == ("1", "2")
    assert alice.get(first).data != alice.get(second).data


def test_an_empty_sheet_is_no_sheet(cast, bag):
    path = make_open(cast, bag)
    response = post(cast.client("alice"), f"{path}/sheets", {"kind": "run"})
    assert response.status_code == 422
    assert response.headers["Linli-Answer"] == "sheet_empty"


@pytest.mark.parametrize(
    ("name", "status"), [("bob", 403), ("dora", 403), ("ruth", 403), ("charlie", 404), ("lead", 403)]
)
def test_only_the_head_prints(cast, bag, name, status):
    path = make_open(cast, bag)
    order(cast, "ruth", cast.household)
    made = post(cast.client("alice"), f"{path}/sheets", {"kind": "run"})
    client = cast.client(name)
    assert client.get(made.location).status_code == status
    assert client.get(f"{path}/sheets").status_code == status
    assert post(client, f"{path}/sheets", {"kind": "run"}).status_code == status


def test_nothing_is_printed_by_looking(cast, bag):
    path, alice = make_open(cast, bag), cast.client("alice")
    order(cast, "ruth", cast.household)
    assert alice.get(f"{path}/sheets/run.pdf").status_code == 404
    assert alice.get(f"{path}/sheets/menu.pdf").status_code == 404
    assert alice.get(f"{path}/sheets/run.pdf?building={cast.foreign_building.public_id}").status_code == 404
    assert rows_of(cast, PrintedSheet) == []


def test_a_rare_name_prints_or_the_sheet_says_which_character(cast, bag, make):
    path, alice = make_open(cast, bag), cast.client("alice")
    rare = make.user("䶮小明")
    cast.people["rare"] = rare
    home = make.household(cast.building, number="801", members={rare: MemberState.CONFIRMED})
    order(cast, "rare", home)
    made = post(alice, f"{path}/sheets", {"kind": "run"})
    if made.status_code == 303:
        reader = pypdf.PdfReader(io.BytesIO(alice.get(made.location).data))
        assert "䶮" in reader.pages[0].extract_text()
    else:
        assert made.status_code == 422
        assert "䶮" in text(made)


def test_a_long_sheet_is_made_by_the_worker(cast, bag, monkeypatch):
    path, alice = make_open(cast, bag), cast.client("alice")
    order(cast, "ruth", cast.household)
    # The limit is lowered instead of two hundred orders being placed; the way is the same.
    monkeypatch.setattr("webapp.blueprints.supplies.sheets.LONGEST_HERE", 0)
    asked = post(alice, f"{path}/sheets", {"kind": "run"})
    assert asked.status_code == 303
    assert "正在生成" in text(alice.get(asked.location))
    assert cast.client("charlie").get(asked.location).status_code == 404
    with cast.app.app_context():
        job = jobs.take(now=clock.now())
        jobs.finish(job_id=job.id, now=clock.now(), result=sheets.run(job))
    done = alice.get(asked.location)
    assert done.status_code == 303
    assert alice.get(done.location).data.startswith(b"%PDF")
    poll = alice.get(asked.location, headers={"HX-Request": "true"})
    assert poll.headers["HX-Redirect"] == done.location
