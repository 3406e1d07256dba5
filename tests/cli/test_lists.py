"""Divisions, households and staff at the shell: the last line counts, bad rows go to a file."""

import pytest

from webapp.domain.areas.queries import is_exercise, list_zone_classes

pytestmark = pytest.mark.db


@pytest.fixture
def shell(app):
    return app.test_cli_runner()


def last_line(result) -> str:
    assert result.exit_code == 0, result.output
    return result.output.strip().splitlines()[-1]


def test_divisions_with_a_bad_row_that_is_corrected(shell, tmp_path) -> None:
    file = tmp_path / "areas.csv"
    file.write_text("code,name,level,parent_code\nK,县,county,\nT,,town,K\n", encoding="utf-8")
    result = shell.invoke(args=["areas", "import", str(file)])
    assert last_line(result) == "added 1, changed 0, unchanged 0, rejected 1"
    assert "3\tname\t" in result.output
    errors = tmp_path / "areas.errors.csv"
    text = errors.read_text(encoding="utf-8-sig")
    assert (
        text.splitlines()[0] == "code,name,level,parent_code,error_line,error_column,error_code,error_message"
    )
    errors.write_text("\ufeff" + text.replace("T,,town", "T,镇,town"), encoding="utf-8")
    assert last_line(shell.invoke(args=["areas", "import", str(errors)])) == (
        "added 1, changed 0, unchanged 0, rejected 0"
    )
    assert last_line(
        shell.invoke(args=["areas", "import", str(file), "--errors", str(tmp_path / "x.csv")])
    ) == ("added 0, changed 0, unchanged 1, rejected 1")


def test_a_file_that_cannot_be_read_ends_with_a_sentence(shell, tmp_path) -> None:
    file = tmp_path / "areas.csv"
    file.write_bytes(b"")
    chinese = shell.invoke(args=["areas", "import", str(file)])
    english = shell.invoke(args=["areas", "import", str(file), "--language", "en"])
    assert (chinese.exit_code, english.exit_code) == (1, 1)
    assert "Nothing was changed" in english.output
    assert chinese.output != english.output
    assert not (tmp_path / "areas.errors.csv").exists()


def test_households_are_previewed_and_taken(cast, shell, tmp_path) -> None:
    file = tmp_path / "homes.csv"
    file.write_bytes("门牌;姓名;电话;身高\n3-2-601;张三;13800138000;1\n门卫;李四;;2\n".encode("gb18030"))
    arguments = ["households", "import", str(file), "--community", "511623100013"]
    shown = shell.invoke(args=[*arguments, "--preview", "--language", "en"])
    assert last_line(shown) == "rows 2, understood 1, not 1"
    assert "GB18030, semicolon" in shown.output
    assert "not taken: 身高" in shown.output
    assert "138****8000" in shown.output
    assert last_line(shell.invoke(args=arguments)) == "added 1, changed 0, unchanged 0, rejected 1"
    assert (
        last_line(shell.invoke(args=[*arguments, "--invented"]))
        == "added 0, changed 0, unchanged 1, rejected 1"
    )
    wrong = shell.invoke(args=["households", "import", str(file), "--community", "1"])
    assert wrong.exit_code == 1


def test_volunteers_are_compared_and_taken(cast, shell, tmp_path) -> None:
    file = tmp_path / "volunteers.csv"
    file.write_bytes(
        "姓名;手机号;队伍;会什么;身高\n张三;13800138000;先锋队;送菜、吹口哨;1\n李四;12;;;2\n".encode(
            "gb18030"
        )
    )
    arguments = ["volunteers", "import", str(file), "--area", "511623100013"]
    shown = shell.invoke(args=[*arguments, "--preview", "--language", "en"])
    assert last_line(shown).startswith("errors: ")
    for text in (
        "GB18030, semicolon",
        "not taken: 身高",
        "new teams: 先锋队",
        "138****8000\tadded\t吹口哨 – Not known and left out.",
        "added 1, changed 0, unchanged 0, rejected 1, phone_shared 0",
        "3\t手机号\t",
    ):
        assert text in shown.output
    assert last_line(shell.invoke(args=arguments)) == "added 1, changed 0, unchanged 0, rejected 1"
    errors = tmp_path / "volunteers.errors.csv"
    corrected = errors.read_text(encoding="utf-8-sig").replace("李四,12,", "李四,13800138001,")
    errors.write_text("\ufeff" + corrected, encoding="utf-8")
    again = ["volunteers", "import", str(errors), "--area", "511623100013"]
    assert last_line(shell.invoke(args=again)) == "added 1, changed 0, unchanged 0, rejected 0"
    assert last_line(shell.invoke(args=arguments)) == "added 0, changed 0, unchanged 1, rejected 1"
    assert shell.invoke(args=[*arguments[:-1], "1"]).exit_code == 1


def test_staff_come_and_go(cast, shell) -> None:
    appoint = ["staff", "appoint", "李春梅", "15400009904", "grid_worker", "511623100013"]
    assert last_line(shell.invoke(args=[*appoint, "--unit", "县水务局", "--until", "2099-01-01"])).endswith(
        "appointed."
    )
    end = ["staff", "end", "15400009904", "grid_worker", "511623100013"]
    assert last_line(shell.invoke(args=end)).endswith("ended.")
    assert shell.invoke(args=end).exit_code == 1
    assert shell.invoke(args=[*appoint, "--until", "2001-01-01"]).exit_code == 1


def test_rules_are_data_and_an_authority_enables_them(app, shell, tmp_path) -> None:
    from pathlib import Path  # noqa: PLC0415

    rules = Path("migrations/versions/0001_first_data.json")
    assert last_line(shell.invoke(args=["areas", "rules", str(rules)])) == (
        "added 0, changed 0, unchanged 16, rejected 0"
    )
    broken = tmp_path / "rules.json"
    broken.write_text("{}", encoding="utf-8")
    assert shell.invoke(args=["areas", "rules", str(broken)]).exit_code == 1
    assert shell.invoke(args=["areas", "enable-rules", "10th", "--authority", "x"]).exit_code == 1
    with app.app_context():
        assert is_exercise()
        assert len(list_zone_classes()) == 8


def test_reservists_are_compared_and_taken(cast, shell, tmp_path) -> None:
    file = tmp_path / "cadres.csv"
    file.write_bytes(
        "姓名,手机号,类别,社区,身高\n何援,13800138000,下沉干部,北辰社区,1\n无号,,,,2\n".encode("gb18030")
    )
    arguments = ["reserve", "import", str(file), "--area", "511623100000"]
    shown = shell.invoke(args=[*arguments, "--preview", "--language", "en"])
    assert "added 1, changed 0, unchanged 0, rejected 1" in shown.output
    assert "not taken: 身高" in shown.output
    assert "138****8000" in shown.output
    assert last_line(shell.invoke(args=arguments)) == "added 1, changed 0, unchanged 0, rejected 1"
    assert last_line(shell.invoke(args=arguments)) == "added 0, changed 0, unchanged 1, rejected 1"
    assert shell.invoke(args=["reserve", "import", str(file), "--area", "000"]).exit_code == 1
