"""The pages of the muster: roll call, walk-ins, the code at the point, check-in, standing down, shifts, the report."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.conftest import Cast
from tests.factories import Factory, MadeCallUp, MadeSummons
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.mobilization.models import CallUp, CallUpRole, Summons
from webapp.domain.mobilization.queries.muster import code_of
from webapp.domain.mobilization.rules import CallUpState, MusterState, SummonsState
from webapp.domain.rosters.rules import Evidence

pytestmark = pytest.mark.db

COMING = SummonsState.COMING


def person(cast: Cast, name: str) -> int:
    return cast.people[name].person_id


def read(app: Any, table: Any, row_id: int) -> Any:
    with app.app_context(), db.db.engine.connect() as connection:
        return connection.execute(select(table.__table__).where(table.id == row_id)).one()


def press(client: Any, path: str, *, key: str | None = None, headers: Any = None, **form: Any) -> Any:
    csrf = client.get("/session").json["csrf"]
    data = {"csrf_token": csrf, "_key": key or new_public_id(), **form}
    return client.post(f"/mobilization{path}", data=data, headers=headers)


@pytest.fixture
def made(cast: Cast, make: Factory) -> MadeCallUp:
    return make.call_up(cast.community, roles=((None, 2),), next_at=clock.now() + timedelta(hours=1))


@pytest.fixture
def vera(cast: Cast, make: Factory, made: MadeCallUp) -> MadeSummons:
    return make.summons(made, person(cast, "vera"), state=COMING, slip_code="A7K3P")


@pytest.fixture
def point(app: Any, made: MadeCallUp) -> str:
    with app.app_context():
        return f"/check-in/{made.public_id}/{code_of(made.public_id, 1)}"


def mark(
    made: MadeSummons, word: str, *, version: int = 1, was: str = "unknown|||", **more: str
) -> dict[str, str]:
    key = made.public_id
    extra = {f"{name}-{key}": text for name, text in more.items()}
    return {f"was-{key}": was, f"version-{key}": str(version), f"mark-{key}": word} | extra


# --- roll call ----------------------------------------------------------------------------------------------


def test_the_roll_is_called_and_says_what_it_counts(app, cast, made, vera) -> None:
    alice = cast.client("alice")
    page = alice.get(f"/mobilization/call-ups/{made.public_id}/muster").get_data(as_text=True)
    assert "应到 1 · 实到 0 · 在路上 0 · 没消息 1" in page
    assert "薇拉" in page
    done = press(alice, f"/call-ups/{made.public_id}/muster", **mark(vera, "present", post="北门"))
    assert done.status_code == 303
    found = read(app, Summons, vera.id)
    assert (found.muster, found.assigned_to) == (MusterState.ON_DUTY, "北门")
    page = alice.get(f"/mobilization/call-ups/{made.public_id}/muster").get_data(as_text=True)
    assert "到位率 100%（说能来的 1 人，到了 1 人）" in page


def test_a_written_time_says_that_somebody_came_and_a_wrong_one_keeps_the_typing(
    app, cast, make, vera, made
) -> None:
    alice = cast.client("alice")
    wrong = press(alice, f"/call-ups/{made.public_id}/muster", **mark(vera, "unknown", arrived="77:99"))
    assert wrong.status_code == 422
    assert 'value="77:99"' in wrong.get_data(as_text=True)
    now = f"{clock.here(clock.now()):%H%M}"
    press(alice, f"/call-ups/{made.public_id}/muster", **mark(vera, "unknown", arrived=now))
    assert read(app, Summons, vera.id).muster is MusterState.ARRIVED


def test_what_somebody_else_wrote_is_said_and_one_tap_writes_over_it(app, cast, made, vera) -> None:
    press(cast.client("alice"), f"/call-ups/{made.public_id}/muster", **mark(vera, "present"))
    bob = cast.client("bob")
    late = press(bob, f"/call-ups/{made.public_id}/muster", **mark(vera, "absent"))
    assert late.status_code == 409
    assert "薇拉" in late.get_data(as_text=True)
    queued = press(
        bob,
        f"/call-ups/{made.public_id}/muster",
        headers={"Accept": "application/json"},
        **mark(vera, "absent"),
    )
    confirm = queued.json["confirm"]
    assert confirm == {f"version-{vera.public_id}": "2"}
    again = press(bob, f"/call-ups/{made.public_id}/muster", **(mark(vera, "absent") | confirm))
    assert again.status_code == 303
    assert read(app, Summons, vera.id).muster is MusterState.OVERDUE


def test_a_roll_call_that_lay_on_the_phone_is_saved_once(app, cast, made, vera) -> None:
    bob, key = cast.client("bob"), new_public_id()
    for _ in range(2):
        sent = press(
            bob,
            f"/call-ups/{made.public_id}/muster",
            key=key,
            headers={"Accept": "application/json"},
            **mark(vera, "present"),
        )
        assert sent.status_code == 200
        assert sent.headers["Linli-Receipt"] == key
    assert read(app, Summons, vera.id).version == 2


def test_a_teams_lead_sees_the_team_and_no_figures_of_others(cast, make, made, vera) -> None:
    make.summons(made, person(cast, "viktor"), state=COMING)
    page = cast.client("tess").get(f"/mobilization/call-ups/{made.public_id}/muster").get_data(as_text=True)
    assert "薇拉" in page
    assert "维克" not in page
    assert "应到" not in page


def test_the_roll_of_closed_books_is_read_and_not_written(cast, make) -> None:
    closed = make.call_up(cast.community, state=CallUpState.CLOSED, closed_at=clock.now())
    summons = make.summons(closed, person(cast, "vera"), state=COMING)
    alice = cast.client("alice")
    page = alice.get(f"/mobilization/call-ups/{closed.public_id}/muster").get_data(as_text=True)
    assert "保存点名" not in page
    assert press(alice, f"/call-ups/{closed.public_id}/muster", **mark(summons, "present")).status_code == 410


# --- walk-ins, more places, replacement ---------------------------------------------------------------------


def test_somebody_joins_on_the_spot_and_more_places_are_given(app, cast, made, vera) -> None:
    alice = cast.client("alice")
    path = f"/call-ups/{made.public_id}/muster/walk-ins"
    found = alice.get(f"/mobilization{path}?find=维").get_data(as_text=True)
    assert "维克" in found
    assert press(alice, path, name="路人甲", phone="13812345678").status_code == 303
    empty = press(alice, path, name="路人甲")
    assert empty.status_code == 422
    assert 'value="路人甲"' in empty.get_data(as_text=True)
    assert press(alice, path, name="路人乙", phone="13812345679").status_code == 303
    page = alice.get(f"/mobilization/call-ups/{made.public_id}/muster").get_data(as_text=True)
    assert "另有 1 人到了，没有空位" in page
    role = read(app, CallUpRole, made.roles[0])
    done = press(alice, f"/call-ups/{made.public_id}/places", role=role.public_id, count="1")
    assert done.status_code == 303
    assert read(app, CallUpRole, made.roles[0]).taken_count == 3
    assert (
        press(alice, f"/call-ups/{made.public_id}/places", role=role.public_id, count="0").status_code == 422
    )


def test_who_does_not_come_is_replaced(app, cast, made, vera) -> None:
    assert press(cast.client("bob"), f"/summonses/{vera.public_id}/replace").status_code == 303
    assert read(app, Summons, vera.id).state is SummonsState.DROPPED
    assert read(app, CallUp, made.id).next_at <= clock.now()


# --- at the point -------------------------------------------------------------------------------------------


def test_the_code_at_the_point_checks_in_who_is_signed_in_once(app, cast, made, vera, point) -> None:
    client = cast.client("vera")
    page = client.get(f"/mobilization{point}")
    assert page.headers["Referrer-Policy"] == "no-referrer"
    assert "我到了" in page.get_data(as_text=True)
    key = new_public_id()
    for _ in range(2):
        assert press(client, point, key=key).status_code == 303
    assert read(app, Summons, vera.id).muster is MusterState.ARRIVED
    assert press(client, point, leave="1").status_code == 303
    assert read(app, Summons, vera.id).muster is MusterState.DEPARTED


def test_a_visitor_checks_in_by_slip_and_a_wrong_slip_keeps_the_typing(app, cast, made, vera, point) -> None:
    visitor = cast.client(None)
    wrong = press(visitor, point, slip="ZZZZZ")
    assert wrong.status_code == 404
    assert 'value="ZZZZZ"' in wrong.get_data(as_text=True)
    assert press(visitor, point).status_code == 404
    done = press(visitor, point, slip="a7k3p")
    assert done.status_code == 303
    assert "已签到" in visitor.get(done.location).get_data(as_text=True)
    assert read(app, Summons, vera.id).arrived_from is Evidence.CHECK_IN


def test_a_forged_code_shows_nothing(cast, made, vera) -> None:
    for path in (f"/check-in/{made.public_id}/AAAAAA", f"/check-in/{'0' * 22}/AAAAAA"):
        assert cast.client("vera").get(f"/mobilization{path}").status_code == 404
        assert press(cast.client("vera"), path).status_code == 404


def test_setting_out_shows_on_the_roll(cast, made, vera) -> None:
    assert press(cast.client("vera"), f"/summonses/{vera.public_id}/set-out").status_code == 303
    page = cast.client("alice").get(f"/mobilization/call-ups/{made.public_id}/muster").get_data(as_text=True)
    assert "在路上 1 · 没消息 0" in page


# --- standing down, shifts, the report ----------------------------------------------------------------------


def test_a_stand_down_says_before_whom_it_lets_go(app, cast, make, made, vera) -> None:
    make.summons(made, person(cast, "viktor"), state=COMING, eta_at=clock.now() + timedelta(minutes=5))
    alice = cast.client("alice")
    path = f"/call-ups/{made.public_id}/stand-down"
    page = alice.get(f"/mobilization{path}").get_data(as_text=True)
    assert "解除召集" in page
    assert press(alice, path, reason="货已到").status_code == 303
    assert read(app, Summons, vera.id).state is SummonsState.STOOD_DOWN
    assert read(app, CallUp, made.id).state is CallUpState.STOOD_DOWN
    assert press(alice, path).status_code == 409
    assert press(alice, f"/call-ups/{made.public_id}/close").status_code == 303
    report = alice.get(f"/mobilization/call-ups/{made.public_id}/report").get_data(as_text=True)
    assert "<polyline" in report
    assert 'role="img"' in report
    assert "解除" in report


def test_a_shift_is_made_of_who_is_here(cast, make, made) -> None:
    there = {"muster": MusterState.ARRIVED, "arrived_at": clock.now(), "arrived_from": Evidence.ROLL_CALL}
    make.summons(made, person(cast, "bob"), state=COMING, **there)
    alice = cast.client("alice")
    path = f"/call-ups/{made.public_id}/shift"
    nameless = press(alice, path, new_post=" ")
    assert nameless.status_code == 422
    done = press(alice, path, new_post="卸货点")
    assert done.status_code == 303
    assert "鲍伯" in alice.get(done.location).get_data(as_text=True)


@pytest.mark.parametrize(
    "page", ["muster", "muster/walk-ins", "code", "board", "wall", "stand-down", "report", "shift"]
)
def test_every_page_of_a_drill_says_so(cast, make, page) -> None:
    drill = make.call_up(cast.community, is_drill=True)
    shown = cast.client("alice").get(f"/mobilization/call-ups/{drill.public_id}/{page}")
    assert "【演练】" in shown.get_data(as_text=True)


def test_the_report_of_a_drill_shows_its_score_with_what_it_is_of(cast, make) -> None:
    drill = make.call_up(cast.community, is_drill=True)
    make.summons(drill, person(cast, "vera"), state=COMING)
    page = cast.client("alice").get(f"/mobilization/call-ups/{drill.public_id}/report").get_data(as_text=True)
    assert "召集了 1 人，通知到 1 人" in page
