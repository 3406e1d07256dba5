"""Rules and services speak in codes; every code that can reach a person has a sentence in both languages."""

import ast
import re
from pathlib import Path

import pytest
from flask import Flask
from flask_babel import force_locale

from webapp.web.errors import SENTENCES, sentence

WEBAPP = Path(__file__).resolve().parents[2] / "webapp"
REFUSALS = {
    "NotFound",
    "NotAllowed",
    "SignInRequired",
    "Conflict",
    "Gone",
    "RuleBroken",
    "TooMany",
    "BadRequest",
}
# Codes that a program reads, never a person: shell commands and jobs answer them in their own words.
CHINESE = re.compile(r"[㐀-鿿]")


def raised_codes() -> dict[str, set[str]]:
    """Every literal code handed to a refusal, with the files that do it."""
    found: dict[str, set[str]] = {}
    for path in WEBAPP.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in REFUSALS and node.args and isinstance(node.args[0], ast.Constant):
                code = node.args[0].value
                if isinstance(code, str):
                    found.setdefault(code, set()).add(str(path.relative_to(WEBAPP)))
    return found


def test_every_code_that_is_raised_has_a_sentence() -> None:
    codes = raised_codes()
    assert len(codes) > 10
    assert {code: files for code, files in codes.items() if code not in SENTENCES} == {}


def test_every_sentence_is_a_code_that_somebody_raises() -> None:
    text = "\n".join(path.read_text(encoding="utf-8") for path in WEBAPP.rglob("*.py"))
    unused = [code for code in SENTENCES if len(re.findall(rf'"{code}"', text)) < 2]
    # What a class says by default stands once in base/errors.py and once in the table; these three are the table's own.
    assert set(unused) <= {"server_error", "csrf"}, unused


@pytest.mark.parametrize("code", sorted(SENTENCES))
def test_each_sentence_is_chinese_in_chinese_and_english_in_english(code: str, session_app: Flask) -> None:
    names = set(re.findall(r"%\((\w+)\)", str(SENTENCES[code]._args[0])))
    params = dict.fromkeys(names, 7)
    with session_app.test_request_context():
        with force_locale("zh_Hans"):
            assert CHINESE.search(sentence(code, **params)), "not translated"
        with force_locale("en"):
            said = sentence(code, **params)
    assert not CHINESE.search(said)
    assert said.endswith((".", "?")), said
    assert "%(" not in said
