"""The list of households, and taking one from a file."""

import io

import pytest

from tests.lint import hidden_fields
from webapp.base import clock, jobs
from webapp.domain.households.services import lists
from webapp.jobs import imports as handler

pytestmark = pytest.mark.db
NEW = "/households/imports/new"
LIST = "小区,楼栋,单元,房号,姓名,电话,身高\n北辰花园,3栋,2,601,张三,13800138000,170\n北辰花园,3栋,2,602,李四,12,\n"


def page(browser, path, status=200, **options) -> str:
    answer = browser.get(path, **options)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def upload(browser, content, name="名单.csv", **fields):
    if isinstance(content, str):
        content = content.encode("gb18030")
    form = hidden_fields(page(browser, NEW), "/households/imports") | fields
    return browser.post("/households/imports", data=form | {"file": (io.BytesIO(content), name)})


def take(browser, path):
    form = hidden_fields(page(browser, path), f"{path}/take")
    return browser.post(f"{path}/take", data=form)


def test_the_list_shows_doors_members_and_masked_phones(cast) -> None:
    shown = page(cast.client("alice"), "/households")
    assert "3-2-501" in shown
    assert "如诗" in shown
    ruth = cast.people["ruth"].phone
    assert f"{ruth[:3]}****{ruth[-4:]}" in shown
    assert ruth not in shown
    assert "雷莫" not in shown


def test_htmx_gets_the_rows_and_everybody_else_the_page(cast) -> None:
    browser = cast.client("alice")
    fragment = browser.get("/households", headers={"HX-Request": "true"})
    assert fragment.get_data(as_text=True).lstrip().startswith('<div id="households"')
    assert "HX-Request" in fragment.headers["Vary"]
    assert "<h1" in page(browser, "/households")


def test_a_search_keeps_what_was_typed_and_says_when_nothing_is_found(cast) -> None:
    shown = page(cast.client("alice"), "/households?q=如")
    assert "3-2-501" in shown
    assert 'value="如"' in shown
    nothing = page(cast.client("alice"), "/households?q=nobody")
    assert 'class="empty"' in nothing


def test_another_area_is_not_found(cast) -> None:
    page(cast.client("alice"), f"/households?area={cast.foreign_building.public_id}", status=404)


def test_the_page_needs_at_most_five_statements(cast, make, queries) -> None:
    browser = cast.client("alice")
    page(browser, "/households")
    queries.statements.clear()
    page(browser, "/households")
    few = queries.count
    for number in range(100, 130):
        make.household(cast.building, unit="1", number=str(number), members={})
    queries.statements.clear()
    page(browser, "/households")
    assert queries.count == few <= 5


def test_a_list_is_read_shown_and_only_then_taken(cast) -> None:
    alice = cast.client("alice")
    answer = upload(alice, LIST)
    assert answer.status_code == 303
    shown = page(alice, answer.location)
    assert "3栋2单元601" in shown
    assert "138****8000" in shown
    assert "身高" in shown
    assert "“12”" in shown
    assert "张三" not in page(alice, "/households")
    taken = take(alice, answer.location)
    assert taken.status_code == 303
    result = page(alice, taken.location)
    assert f"{taken.location}/errors.csv" in result
    assert "张三" in page(alice, "/households")
    errors = alice.get(f"{taken.location}/errors.csv")
    assert errors.headers["Cache-Control"] == "no-store"
    text = errors.get_data().decode("utf-8-sig")
    assert (
        text.splitlines()[0]
        == "小区,楼栋,单元,房号,姓名,电话,身高,error_line,error_column,error_code,error_message"
    )
    assert text.splitlines()[1].startswith("北辰花园,3栋,2,602,李四,12,,3,电话,phone_unclear,")
    corrected = upload(alice, errors.get_data().replace(b",12,", b",13900139000,"))
    result = page(alice, take(alice, corrected.location).location)
    assert "errors.csv" not in result
    assert "李四" in page(alice, "/households")


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "file_empty"),
        (b"PK\x03\x04", "file_workbook_broken"),
        ("a,b\n1,2\n", "file_columns_missing"),
        ("door,name\nJos\u00e9,1\n".encode("latin-1"), "file_encoding"),
    ],
)
def test_a_file_that_cannot_be_read_changes_nothing_and_says_why(cast, content, code) -> None:
    answer = upload(cast.client("alice"), content)
    assert (answer.status_code, answer.headers["Linli-Answer"]) == (422, code)
    assert 'id="file-error"' in answer.get_data(as_text=True)


def test_no_file_and_a_file_of_over_20_mb(cast) -> None:
    alice = cast.client("alice")
    form = hidden_fields(page(alice, NEW), "/households/imports")
    assert alice.post("/households/imports", data=form).status_code == 422
    big = upload(alice, b"door,name\n" + b"x" * (20 * 1024 * 1024))
    assert (big.status_code, big.headers["Linli-Answer"]) == (413, "too_large")
    # The test client keeps what it sent in a temporary file and leaves it open.
    big.request.environ["wsgi.input"].close()


def test_a_forged_community_is_not_found(cast) -> None:
    assert upload(cast.client("alice"), LIST, community="511623100001").status_code == 404


def test_a_long_list_is_left_to_the_worker_and_the_page_can_be_left(cast) -> None:
    alice = cast.client("alice")
    rows = [
        f"9-{unit}-{floor}0{door},张{'三四五六七八九'[floor % 7]}"
        for unit in range(1, 21)
        for floor in range(1, 10)
        for door in range(1, 7)
    ]
    answer = upload(alice, "门牌,姓名\n" + "\n".join(rows) + "\n")
    waiting = page(alice, answer.location)
    assert "hx-get" in waiting
    assert "<progress" in waiting
    assert "/take" not in waiting
    fragment = page(alice, answer.location, headers={"HX-Request": "true"})
    assert fragment.lstrip().startswith('<div id="import"')
    public_id = answer.location.rsplit("/", 1)[1]
    early = alice.post(f"{answer.location}/take", data=hidden_fields(page(alice, NEW), "/households/imports"))
    assert (early.status_code, early.headers["Linli-Answer"]) == (409, "list_not_read_yet")

    def work() -> None:
        with cast.app.app_context():
            job = jobs.take(now=clock.now())
            assert job.kind == lists.KIND
            jobs.finish(job_id=job.id, now=clock.now(), result=handler.run(job))

    work()
    assert "1080" in page(alice, answer.location)
    taken = take(alice, answer.location)
    assert public_id not in taken.location
    assert "hx-get" in page(alice, taken.location)
    work()
    assert "1080" in page(alice, taken.location)
    assert "9-1-101" in page(alice, "/households?q=9-1-101")


def test_a_crash_in_a_short_list_gives_it_back(cast, monkeypatch) -> None:
    monkeypatch.setattr(lists.imports, "preview", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        upload(cast.client("alice"), LIST)
    with cast.app.app_context():
        assert jobs.take(now=clock.now()) is not None
