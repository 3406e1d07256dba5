"""Proposals over HTTP: from the week's page to the published roster."""

from datetime import timedelta

import pytest

from tests.lint import hidden_fields
from webapp.base import clock
from webapp.domain.rosters.services import fills

pytestmark = pytest.mark.db


@pytest.fixture
def post(cast, make):
    made = make.post(cast.community)
    make.shift(made)
    return made


def _ask(cast, post, who="alice", **overrides):
    client = cast.client(who)
    page = client.get("/rosters/fills/new").get_data(as_text=True)
    tomorrow = clock.day(clock.now()) + timedelta(days=1)
    form = hidden_fields(page, "/rosters/fills") | {
        "from_on": tomorrow.isoformat(),
        "to_on": tomorrow.isoformat(),
        "posts": post.public_id,
    }
    return client, client.post("/rosters/fills", data=form | overrides)


def _solve(app, address):
    public_id = address.rsplit("/", 1)[-1]
    with app.app_context():
        fills.solve(
            public_id=public_id, now=clock.now(), limit_seconds=10, workers=1, progress=lambda _percent: None
        )


def test_a_head_asks_looks_and_publishes(app, cast, post):
    client, answer = _ask(cast, post)
    address = answer.location
    waiting = client.get(address).get_data(as_text=True)
    assert 'hx-get="' in waiting
    _solve(app, address)
    page = client.get(address).get_data(as_text=True)
    published = client.post(f"{address}/publish", data=hidden_fields(page, f"{address}/publish"))
    assert published.status_code == 303
    again = client.post(f"{address}/publish", data=hidden_fields(page, f"{address}/discard"))
    assert again.status_code == 409


def test_progress_is_a_fragment_until_the_worker_is_done(app, cast, post):
    client, answer = _ask(cast, post)
    watch = f"{answer.location}/progress"
    asking = client.get(watch, headers={"HX-Request": "true"})
    assert 'id="fill-progress"' in asking.get_data(as_text=True)
    _solve(app, answer.location)
    done = client.get(watch, headers={"HX-Request": "true"})
    assert done.headers["HX-Redirect"] == answer.location


def test_what_was_typed_stays_when_the_span_is_wrong(cast, post):
    _client, answer = _ask(cast, post, to_on="2020-01-01")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 422
    assert answer.headers["Linli-Answer"] == "fill_span_backwards"
    assert 'value="2020-01-01"' in page


def test_a_day_that_is_none_is_refused_on_its_field(cast, post):
    _client, answer = _ask(cast, post, from_on="morgen")
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (422, "day_wrong")


def test_a_shift_of_a_proposal_is_changed_by_hand(app, cast, post):
    client, answer = _ask(cast, post)
    _solve(app, answer.location)
    page = client.get(answer.location).get_data(as_text=True)
    shift = page.split(f"{answer.location}/shifts/")[1].split('"')[0]
    address = f"{answer.location}/shifts/{shift}"
    for verb in ("lock", "unlock", "remove"):
        form = hidden_fields(client.get(address).get_data(as_text=True), f"{answer.location}/{verb}")
        assert client.post(f"{answer.location}/{verb}", data=form).location == address
    missing = client.get(f"{answer.location}?which=gaps")
    assert missing.status_code == 200


def test_a_teams_lead_who_comes_from_the_communitys_week_is_asked_about_the_team(cast, make):
    ours = make.post(cast.community, team=cast.team)
    page = cast.client("tess").get(f"/rosters/fills/new?place={cast.community.public_id}")
    text = page.get_data(as_text=True)
    assert page.status_code == 200
    assert ours.public_id in text
    assert f"{cast.community.public_id}/{cast.team.public_id}" in text
