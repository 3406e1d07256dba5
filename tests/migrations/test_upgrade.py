"""A database with rows in it comes through every migration, and the way back, with nothing lost."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from tests.conftest import ROOT, SECRET


def _flask(directory: Path, *words: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "flask", "--app", "wsgi", *words],
        cwd=ROOT,
        env=os.environ
        | {
            "DATABASE_URL": f"sqlite:///{directory / 'linli.sqlite3'}",
            "LINLI_DATA_DIR": str(directory),
            "SECRET_KEY": SECRET,
        },
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


NOW = "2026-05-12T08:00:00.000000Z"
ROWS = f"""
INSERT INTO areas (id, public_id, code, name, level, path, sort_key)
  VALUES (1, 'a', '511623000000', '邻水县', 'county', '000001.', '1');
INSERT INTO people (id, public_id, name, name_key, pinyin_key, initials_key, version, is_invented, created_at)
  VALUES (1, 'p', '王志远', '王志远', 'wangzhiyuan', 'wzy', 1, 1, '{NOW}');
INSERT INTO person_phones (id, person_id, phone, phone_index, phone_tail, position)
  VALUES (1, 1, x'00', 'index', '0001', 0);
INSERT INTO users (id, public_id, person_id, phone, phone_index, phone_tail, language, text_size, theme, created_at)
  VALUES (1, 'u', 1, x'00', 'index', '0001', 'zh_Hans', 'normal', 'system', '{NOW}');
INSERT INTO sign_ins (id, token_hash, user_id, created_at, expires_at) VALUES (1, 't', 1, '{NOW}', '{NOW}');
INSERT INTO appointments (id, public_id, user_id, role, area_id, starts_at, made_by)
  VALUES (1, 'ap', 1, 'community_head', 1, '{NOW}', 'test');
"""
TABLES = ("areas", "people", "person_phones", "users", "sign_ins", "appointments")


def _rows(database: Path) -> dict[str, list[tuple]]:
    with sqlite3.connect(database) as connection:
        return {name: connection.execute(f"SELECT id, * FROM {name}").fetchall() for name in TABLES}


def test_rows_of_the_first_schema_come_through_every_migration_and_back(tmp_path: Path) -> None:
    database = tmp_path / "linli.sqlite3"
    _flask(tmp_path, "db", "upgrade", "0001")
    with sqlite3.connect(database) as connection:
        connection.executescript(ROWS)
    before = _rows(database)
    _flask(tmp_path, "db", "upgrade")
    after = _rows(database)
    assert {name: len(rows) for name, rows in after.items()} == dict.fromkeys(TABLES, 1)
    with sqlite3.connect(database) as connection:
        connection.execute("UPDATE appointments SET role = 'team_lead'")
        assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
        connection.execute("UPDATE appointments SET role = 'community_head'")
    _flask(tmp_path, "db", "downgrade", "0001")
    assert _rows(database) == before
