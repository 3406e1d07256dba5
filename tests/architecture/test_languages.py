"""Every page speaks one language: English ones have no Chinese outside lang="zh-Hans", and the other way round.

What people typed (names, doors, bags) is data and stays as it is; it is taken out by its exact words. Some of
it only where no element can carry a language: in the title of a page and in attributes.
"""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from flask import Flask

from tests.conftest import Cast
from tests.factories import Factory
from tests.walk import CALLS, World, nothing, routes_of

pytestmark = pytest.mark.db

CHINESE = re.compile(r"[㐀-鿿。，；：！？“”（）、]+")
ENGLISH = re.compile(r"[A-Za-z']{2,}(?:[ ,]+[A-Za-z']+){2,}")
SPOKEN = {
    "aria-label",
    "alt",
    "title",
    "placeholder",
    "data-outbox",
    "data-until",
    "data-failed",
    "content",
    "value",
}
EMPTY = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
UNSPOKEN_META = {"viewport", "theme-color"}
# Posts and people of the cast's rosters, what its call-up is for: marked as Chinese in the text, plain in titles and attributes.
UNMARKED = ("北门卡口", "张国强", "搬运物资")
READERS = ("visitor", "ruth", "wang", "nora", "lead", "bob", "alice", "dora", "adam", "tess", "vera", "zoe")


class Spoken(HTMLParser):
    """The words of a page with the language that they are marked as."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.languages: list[tuple[str, str | None]] = []
        self.words: list[tuple[str, str]] = []
        self.bare: list[tuple[str, str]] = []

    @property
    def language(self) -> str:
        return next((lang for _tag, lang in reversed(self.languages) if lang), "")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        self.languages.append((tag, attributes.get("lang")))
        hidden = tag == "input" and attributes.get("type") == "hidden"
        silent = tag == "meta" and attributes.get("name") in UNSPOKEN_META
        for name, value in attributes.items():
            if (
                value
                and name in SPOKEN
                and not hidden
                and not silent
                and not (name == "value" and tag != "input")
            ):
                self.bare.append((self.language, value))
        if tag in EMPTY:
            self.languages.pop()

    def handle_endtag(self, tag: str) -> None:
        while self.languages:
            if self.languages.pop()[0] == tag:
                return

    def handle_data(self, data: str) -> None:
        inside = [tag for tag, _lang in self.languages]
        if data.strip() and "style" not in inside:
            kind = self.bare if "title" in inside else self.words
            kind.append((self.language, " ".join(data.split())))


def foreign(html: str, language: str, data: list[str], *, unmarked: tuple[str, ...] = ()) -> list[str]:
    """The words of a page that are not in its language, nor marked as being in another one, nor data."""
    page = Spoken()
    page.feed(html)
    wanted = CHINESE if language == "en" else ENGLISH
    found = []
    for said, known in ((page.words, data), (page.bare, [*data, *unmarked])):
        for marked, words in said:
            if not marked.startswith("en" if language == "en" else "zh"):
                continue
            rest = words
            for each in known:
                rest = rest.replace(each, "")
            if wanted.search(rest):
                found.append(words)
    return found


def typed(cast: Cast) -> list[str]:
    """The data of the cast, longest first."""
    areas = [value for value in vars(cast).values() if hasattr(value, "path")]
    names = {area.name for area in areas} | {"艾丽", "鲍伯", "楼栋长", "查理", "朵拉", "艾琳", "奥加", "亚当"}
    names |= {"如诗", "如富", "丽塔", "雷莫", "王等", "诺拉", "邻水县鼎屏镇北辰社区居民委员会", "1单元302"}
    names |= {"蔬菜包A", "土豆", "斤", "栋"}
    names |= {"泰思", "薇拉", "维克", "佐伊", "芬恩", "红马甲"}
    return sorted(names, key=len, reverse=True)


def test_the_reader_sees_what_is_not_in_the_language_of_the_page() -> None:
    page = '<html lang="en"><p>Hello <b lang="zh-Hans">您好</b> 再见</p><input aria-label="手机号"></html>'
    assert foreign(page, "en", []) == ["再见", "手机号"]
    page = (
        '<html lang="en"><title>北门卡口 2</title><h1>北门卡口 2</h1><b lang="zh-Hans">北门卡口 2</b></html>'
    )
    assert foreign(page, "en", []) == ["北门卡口 2", "北门卡口 2"]
    assert foreign(page, "en", [], unmarked=("北门卡口",)) == ["北门卡口 2"]
    page = '<html lang="zh-Hans"><p>您好</p><p>What is left here</p><p lang="en">Marked as it is</p></html>'
    assert foreign(page, "zh", []) == ["What is left here"]


@pytest.mark.parametrize("language", ["en", "zh_Hans"])
@pytest.mark.parametrize("person", READERS)
def test_every_page_speaks_one_language(
    app: Flask, cast: Cast, make: Factory, person: str, language: str
) -> None:
    client = cast.client(None if person == "visitor" else person)
    csrf = client.get("/session").json["csrf"]
    client.post(
        "/accounts/preferences",
        data={"language": language, "csrf_token": csrf, "_key": "language-of-the-test"},
    )
    world, data = World(cast, make), typed(cast)
    wrong: dict[str, Any] = {}
    pages = 0
    for key in sorted(routes_of(app)):
        method, rule = key.split(" ", 1)
        if method != "GET":
            continue
        values, _form = CALLS.get(key, nothing)(world)
        path = rule
        for name, value in values.items():
            path = path.replace(f"<{name}>", value)
        answer = client.get(path)
        if answer.mimetype != "text/html" or answer.status_code in {301, 302, 303}:
            continue
        pages += 1
        html = answer.get_data(as_text=True)
        assert f'lang="{"en" if language == "en" else "zh-Hans"}"' in html, path
        found = foreign(html, language, data, unmarked=UNMARKED)
        if found:
            wrong[path] = found
    assert pages >= 3
    assert wrong == {}
