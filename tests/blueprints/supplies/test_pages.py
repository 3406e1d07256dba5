"""Every page of supplies and home answers, in both languages, to those who may see it and to nobody else."""

import re

import pytest

from tests.factories import make_deed
from webapp.base import db
from webapp.base.permissions import Role
from webapp.domain.accounts.models import User
from webapp.domain.supplies import services
from webapp.domain.supplies.rules import Wish

pytestmark = pytest.mark.db
LANGUAGES = ["zh_Hans", "en"]


def page(client, path):
    response = client.get(path)
    assert response.status_code == 200, (path, response.status_code)
    return response.get_data(as_text=True)


@db.writing
def everybody_reads(language):
    db.connection().execute(User.__table__.update().values(language=language))


def fields(html, action):
    """The hidden and shown fields of the form with this action."""
    form = re.search(rf'<form[^>]*action="{re.escape(action)}".*?</form>', html, re.DOTALL)
    assert form, html
    found = {}
    for tag in re.findall(r"<(?:input|button)[^>]*>", form[0]):
        attributes = dict(re.findall(r'([a-z_-]+)="([^"]*)"', tag))
        if attributes.get("type") in {"checkbox", "radio"} and " checked" not in tag:
            continue
        if "name" in attributes:
            found[attributes["name"]] = attributes.get("value", "on")
    return found


@pytest.fixture
def the_round(cast, make):
    return make.round(
        cast.community,
        bags=({"name": "蔬菜包A", "capacity": 5}, {"name": "蔬菜包B", "capacity": 5}),
        buildings=(cast.building, cast.other_building),
    )


def order(cast, the_round, name="ruth", household=None, count=1):
    with cast.app.app_context():
        return services.place_order(
            deed=make_deed(cast.actor(name)),
            round_public_id=the_round.public_id,
            household_public_id=(household or cast.household).public_id,
            lines=(Wish(the_round.bags[0], count, 1),),
        )


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_answers(cast, the_round, language):
    with cast.app.app_context():
        everybody_reads(language)
    placed = order(cast, the_round)
    ruth, rita, alice = cast.client("ruth"), cast.client("rita"), cast.client("alice")
    rounds = f"/supplies/rounds/{the_round.public_id}"
    for client, path in (
        (ruth, "/"),
        (rita, "/"),
        (alice, "/"),
        (cast.client("nora"), "/"),
        (cast.client("wang"), "/"),
        (cast.client(None), "/"),
        (rita, "/supplies/orders/new"),
        (ruth, "/supplies/orders/new"),
        (cast.client("nora"), "/supplies/orders/new"),
        (rita, f"/supplies/orders/new?round={the_round.public_id}&household={cast.neighbours.public_id}"),
        (ruth, "/supplies/orders"),
        (ruth, "/supplies/orders?over=1"),
        (ruth, f"/supplies/orders/{placed.public_id}"),
        (ruth, f"/supplies/orders/{placed.public_id}/change"),
        (alice, f"/supplies/orders/{placed.public_id}"),
        (alice, "/supplies/rounds"),
        (alice, "/supplies/rounds/new"),
        (alice, rounds),
        (alice, f"{rounds}/buildings/{cast.building.public_id}"),
        (alice, f"{rounds}/buildings/{cast.building.public_id}?which=ordered"),
        (alice, f"{rounds}/buildings/{cast.building.public_id}?which=all"),
        (alice, f"{rounds}/sheets"),
        (alice, "/supplies/bags"),
        (alice, f"/supplies/bags/new?area={cast.community.public_id}"),
        (cast.client("bob"), rounds),
        (cast.client("dora"), rounds),
        (cast.client("dora"), "/supplies/rounds"),
    ):
        page(client, path)


def test_an_order_in_three_taps_without_javascript(cast, the_round):
    client = cast.client("rita")
    home = page(client, "/")
    link = re.search(r'href="(/supplies/orders/new[^"]*)"', home)[1].replace("&amp;", "&")
    form = page(client, link)
    typed = fields(form, "/supplies/orders") | {f"count-{the_round.bags[0]}": "1"}
    response = client.post("/supplies/orders", data=typed)
    assert response.status_code == 303, response.get_data(as_text=True)
    shown = page(client, response.location)
    assert "蔬菜包A" in shown
    number = re.search(r"已收到\W(\w{5})\W", shown)[1]
    assert number in page(client, "/")


def test_a_building_with_two_leads_shows_an_order_once(cast, make, the_round):
    for name in ("第一楼长", "第二楼长"):
        make.user(name, roles={Role.BUILDING_LEAD: cast.building})
    order(cast, the_round)
    html = page(cast.client("ruth"), "/")
    assert html.count("蔬菜包A") == 1


def test_the_order_form_has_no_stock_in_what_is_kept(cast, the_round):
    client = cast.client("rita")
    response = client.get("/supplies/orders/new")
    assert response.headers["X-Offline"] == "keep"
    html = response.get_data(as_text=True)
    for match in re.finditer(r"<p[^>]*>[^<]*(?:还剩|left)[^<]*</p>", html):
        assert 'live"' in match[0]
    assert client.get("/").headers["X-Offline"] == "keep"
