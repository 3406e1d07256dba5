"""The live board: polled with a tag, 304 in few bytes and queries; the wall behind its address."""

import pytest

from webapp.base import clock
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.queries import board as queries
from webapp.domain.mobilization.rules import SummonsState

pytestmark = pytest.mark.db

POLL = {"HX-Request": "true"}


def press(client, path, **form):
    csrf = client.get("/session").json["csrf"]
    return client.post(f"/mobilization{path}", data={"csrf_token": csrf, "_key": new_public_id(), **form})


def address_of(cast, made):
    press(cast.client("alice"), f"/call-ups/{made.public_id}/wall")
    with cast.app.app_context():
        token = queries.find_wall(actor=cast.actor("alice"), public_id=made.public_id).token
    return f"/mobilization/wall/{token}"


@pytest.fixture
def made(cast, make):
    call_up = make.call_up(cast.community, roles=((None, 9),))
    vera = make.summons(call_up, cast.people["vera"].person_id, state=SummonsState.COMING)
    for number in range(20):
        make.summons(call_up, make.user(f"某人{number}").person_id)
    return call_up, vera


def size_of(response):
    """As it goes over the line: status line, headers, body; with the two that the server adds."""
    lines = [f"HTTP/1.1 {response.status}", "Date: Tue, 24 Nov 2026 04:00:00 GMT", "Server: granian"]
    lines += [f"{name}: {value}" for name, value in response.headers]
    return len("\r\n".join(lines)) + 4 + len(response.get_data())


def test_the_board_says_what_its_rate_is_of_and_polls_itself(cast, made):
    page = (
        cast.client("alice").get(f"/mobilization/call-ups/{made[0].public_id}/board").get_data(as_text=True)
    )
    assert f'data-address="/mobilization/call-ups/{made[0].public_id}/board"' in page
    assert "board." in page, "the script that asks again"
    assert "到位率 0%（说能来的 1 人，到了 0 人）" in page


@pytest.mark.parametrize("who", ["alice", "wall"])
def test_nothing_new_costs_two_queries_and_four_hundred_bytes(cast, made, queries, who):
    path = address_of(cast, made[0]) if who == "wall" else f"/mobilization/call-ups/{made[0].public_id}/board"
    client = cast.client(None if who == "wall" else who)
    first = client.get(path, headers=POLL)
    assert first.status_code == 200
    queries.statements.clear()
    again = client.get(path, headers=POLL | {"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304
    assert queries.count <= (1 if who == "wall" else 2)
    print(f"304 of the board ({who}): {size_of(again)} bytes, {queries.count} queries")
    assert size_of(again) <= 400
    press(cast.client("vera"), f"/summonses/{made[1].public_id}/set-out")
    new = client.get(path, headers=POLL | {"If-None-Match": first.headers["ETag"]})
    assert new.status_code == 200
    assert "在路上" in new.get_data(as_text=True)


def test_the_board_of_many_costs_as_many_queries_as_that_of_few(cast, make, queries):
    counts = []
    for people in (1, 30):
        call_up = make.call_up(cast.community, roles=((None, 60), (None, 60)))
        for number in range(people):
            make.summons(call_up, make.user(f"甲{number}").person_id, state=SummonsState.COMING)
        client = cast.client("alice")
        queries.statements.clear()
        client.get(f"/mobilization/call-ups/{call_up.public_id}/board", headers=POLL)
        counts.append(queries.count)
    assert counts[0] == counts[1] <= 5


def test_a_tag_is_of_one_language(cast, made):
    path = f"/mobilization/call-ups/{made[0].public_id}/board"
    alice = cast.client("alice")
    first = alice.get(path, headers=POLL)
    press_language = alice.get("/session").json["csrf"]
    alice.post(
        "/accounts/preferences",
        data={"csrf_token": press_language, "_key": new_public_id(), "language": "en", "next": "/"},
    )
    other = alice.get(path, headers=POLL | {"If-None-Match": first.headers["ETag"]})
    assert other.status_code == 200
    assert "Expected" in other.get_data(as_text=True)


def test_the_wall_shows_surnames_and_no_phones_and_is_taken_back(cast, make):
    now = clock.now()
    call_up = make.call_up(cast.community, started_at=now, starts_at=now.replace(year=now.year - 1))
    make.summons(call_up, cast.people["vera"].person_id, state=SummonsState.COMING)
    alice = cast.client("alice")
    path = address_of(cast, call_up)
    wall = cast.client(None).get(path)
    page = wall.get_data(as_text=True)
    assert "薇*" in page
    assert "薇拉" not in page
    assert cast.people["vera"].phone not in page
    assert 'data-text-size="xlarge"' in page
    assert wall.headers["Referrer-Policy"] == "no-referrer"
    again = address_of(cast, call_up)
    assert cast.client(None).get(path).status_code == 404, "a new address makes the one before worthless"
    assert cast.client(None).get(again).status_code == 200
    press(alice, f"/call-ups/{call_up.public_id}/wall/revoke")
    assert cast.client(None).get(again).status_code == 404
    assert cast.client(None).get("/mobilization/wall/forged").status_code == 404


def test_the_wall_of_closed_books_is_over(cast, made):
    path = address_of(cast, made[0])
    press(cast.client("alice"), f"/call-ups/{made[0].public_id}/close")
    assert cast.client(None).get(path).status_code == 404


def test_a_teams_lead_has_no_board(cast, made):
    assert cast.client("tess").get(f"/mobilization/call-ups/{made[0].public_id}/board").status_code == 404
