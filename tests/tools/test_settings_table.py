import settings_table
from webapp.base.config import SETTINGS


def test_every_setting_has_its_row_in_both_languages():
    table = settings_table.table("zh en")
    rows = table.splitlines()[2:]
    assert len(rows) == len(SETTINGS)
    for row, setting in zip(rows, SETTINGS, strict=True):
        assert f"`{setting.name}`" in row
        assert setting.help_zh in row
        assert setting.help_en in row


def test_a_secret_is_marked_and_a_default_shown():
    rows = {row.split("`")[1]: row for row in settings_table.table("en").splitlines()[2:]}
    assert "(secret)" in rows["SECRET_KEY"]
    assert "(secret)" not in rows["PORT"]
    assert "`8000`" in rows["PORT"]


def test_a_stale_table_is_found_and_mended(tmp_path, monkeypatch, capsys):
    readme = tmp_path / "README.md"
    readme.write_text("# x\n<!-- settings en -->\nold\n<!-- /settings -->\nend\n", encoding="utf-8")
    monkeypatch.setattr(settings_table, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["settings_table.py", "check"])
    assert settings_table.main() == 1
    assert "README.md" in capsys.readouterr().out
    monkeypatch.setattr("sys.argv", ["settings_table.py", "write"])
    assert settings_table.main() == 0
    assert "`SECRET_KEY`" in readme.read_text(encoding="utf-8")
    monkeypatch.setattr("sys.argv", ["settings_table.py", "check"])
    assert settings_table.main() == 0


def test_a_readme_without_a_place_for_the_table_is_a_fault(tmp_path, monkeypatch):
    (tmp_path / "README.md").write_text("# x\n", encoding="utf-8")
    monkeypatch.setattr(settings_table, "ROOT", tmp_path)
    monkeypatch.setattr("sys.argv", ["settings_table.py", "check"])
    assert settings_table.main() == 1
