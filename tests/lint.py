"""What every page must have, whoever wrote it: read with the standard library's parser."""

from html.parser import HTMLParser
from typing import Any

_LABELLED = {"input", "select", "textarea"}
_NEEDS_NO_LABEL = {"hidden", "submit", "button", "image", "reset"}


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.ids: list[str] = []
        self.headings = 0
        self.title = ""
        self.lang: str | None = None
        self.is_page = False
        self.label_for: set[str] = set()
        self.fields: list[tuple[dict[str, str | None], bool]] = []
        self.forms: list[dict[str, Any]] = []
        self.buttons: list[list[str]] = []
        self.hidden: list[tuple[str, str, int]] = []
        self.forbidden: list[str] = []
        self._open_buttons: list[list[str]] = []
        self._in_title = False
        self._in_label = 0
        self._form: dict[str, Any] | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if attributes.get("id"):
            self.ids.append(str(attributes["id"]))
        for name in attributes:
            if name == "style" or name.startswith(("on", "hx-on")):
                self.forbidden.append(f"<{tag} {name}=…> breaks the content security policy")
        if tag == "html":
            self.is_page, self.lang = True, attributes.get("lang")
        elif tag == "h1":
            self.headings += 1
        elif tag == "title" and not self.title:
            self._in_title = True
        elif tag == "label":
            self._in_label += 1
            if attributes.get("for"):
                self.label_for.add(str(attributes["for"]))
        elif tag == "form":
            self._form = {
                "action": attributes.get("action"),
                "method": (attributes.get("method") or "get").lower(),
                "names": set(),
            }
            self.forms.append(self._form)
        elif tag == "button":
            words = [attributes["aria-label"]] if attributes.get("aria-label") else []
            self._open_buttons.append(words)
            self.buttons.append(words)
        elif tag == "img" and self._open_buttons and attributes.get("alt"):
            self._open_buttons[-1].append(str(attributes["alt"]))
        if tag in _LABELLED:
            if attributes.get("type") == "hidden":
                self.hidden.append(
                    (str(attributes.get("name")), attributes.get("value") or "", len(self.forms) - 1)
                )
            elif attributes.get("type") not in _NEEDS_NO_LABEL:
                self.fields.append((attributes, self._in_label > 0))
            if self._form is not None:
                self._form["names"].add(attributes.get("name"))

    def handle_endtag(self, tag: str) -> None:
        if tag == "title":
            self._in_title = False
        elif tag == "label":
            self._in_label -= 1
        elif tag == "form":
            self._form = None
        elif tag == "button" and self._open_buttons:
            self._open_buttons.pop()

    def handle_data(self, data: str) -> None:
        if self._in_title:
            self.title += data
        if self._open_buttons and data.strip():
            self._open_buttons[-1].append(data.strip())


def read(html: str) -> _Reader:
    """The parsed page."""
    reader = _Reader()
    reader.feed(html)
    return reader


def lint(html: str) -> list[str]:
    """What is wrong with the page or fragment, as sentences; empty when nothing is."""
    page = read(html)
    faults = list(page.forbidden)
    if page.is_page:
        if page.headings != 1:
            faults.append(f"{page.headings} h1 instead of one")
        if not page.title.strip():
            faults.append("no title")
        if page.lang not in {"zh-Hans", "en"}:
            faults.append(f"lang is {page.lang!r}")
    doubled = {each for each in page.ids if page.ids.count(each) > 1}
    if doubled:
        faults.append(f"ids twice: {sorted(doubled)}")
    for attributes, is_inside_label in page.fields:
        has_label = is_inside_label or attributes.get("id") in page.label_for
        if not has_label and not attributes.get("aria-label") and not attributes.get("aria-labelledby"):
            faults.append(f"no label: {attributes.get('name')}")
    for form in page.forms:
        if not form["action"]:
            faults.append("a form without action")
        if form["method"] == "post" and not {"csrf_token", "_key"} <= form["names"]:
            faults.append(f"a form without token or key: {form['action']}")
    faults.extend("a button without words" for words in page.buttons if not words)
    return faults


def hidden_fields(html: str, action: str | None = None) -> dict[str, str]:
    """Names and values of the hidden fields of the page's form with this action (the first form without one)."""
    page = read(html)
    index = next((n for n, form in enumerate(page.forms) if action is None or form["action"] == action), None)
    assert index is not None, f"no form for {action}"
    return {name: value for name, value, form in page.hidden if form == index}
