"""Message catalogues: `catalogues.py update` brings them up to date with the code, `check` judges them.

Entries are sorted and name their files without line numbers, so that a change shows only what changed. What
the code no longer says is kept in the file as obsolete and comes back with its translation when the code
does; `check` asks for it to be deleted in the end: `make messages PRUNE=1`.
"""

import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.pofile import read_po, write_po

from prepare import ROOT

TRANSLATIONS = ROOT / "webapp/translations"
COMPLETE = ("zh_Hans",)
PLACEHOLDER = re.compile(r"%\(\w+\)[a-z]|%%|\{\w*\}")


def messages_in_code() -> Catalog:
    """What the code says, as pybabel extracts it by the mapping in pyproject.toml."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder) / "messages.pot"
        subprocess.run(
            [sys.executable, "-m", "babel.messages.frontend", "-q", "extract", "-F", "pyproject.toml",
             "-k", "_l", "-k", "lazy_gettext", "-o", str(template), "webapp"],
            cwd=ROOT, stdin=subprocess.DEVNULL, check=True,
        )  # fmt: skip
        with template.open("rb") as file:
            return read_po(file)


def catalogue(locale: str) -> tuple[Path, Catalog]:
    """A locale's file and what it holds, empty when there is none yet."""
    path = TRANSLATIONS / locale / "LC_MESSAGES" / "messages.po"
    if not path.is_file():
        return path, Catalog(locale=locale, project="Linli", header_comment=f"# Linli: messages in {locale}.")
    with path.open("rb") as file:
        return path, read_po(file, locale=locale, ignore_obsolete=False)


def update(locale: str, code: Catalog, *, prune: bool) -> None:
    """Write the catalogue anew with every message of the code and every translation that it held."""
    path, held = catalogue(locale)
    for message in [*held.obsolete.values()]:
        if message.id not in held:
            held[message.id] = message
    held.obsolete.clear()
    created = held.creation_date  # update() would put today's, and the file would change each time
    held.update(code, no_fuzzy_matching=True, update_header_comment=False)
    held.creation_date = created
    held.fuzzy = False  # babel marks a new catalogue so, and then compiles nothing of it
    if prune:
        held.obsolete.clear()
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, held, width=110, sort_output=True, include_lineno=False)


def faults(locale: str, code: Catalog) -> Iterator[str]:
    """What keeps a catalogue from being complete and true."""
    path, held = catalogue(locale)
    if not path.is_file():
        yield f"{path.relative_to(ROOT)} is missing"
        return
    for message in code:
        if not message.id:
            continue
        translated = held.get(message.id, message.context)
        if translated is None:
            yield f"{locale}: not in the catalogue: {message.id!r}"
        elif translated.fuzzy:
            yield f"{locale}: fuzzy: {message.id!r}"
        elif not all(forms(translated.string)):
            yield f"{locale}: not translated: {message.id!r}"
        elif said := differing_placeholders(translated):
            yield f"{locale}: {said}"
    for message in held:
        if message.id and code.get(message.id, message.context) is None:
            yield f"{locale}: the code no longer says: {message.id!r}"
    for message in held.obsolete.values():
        yield f"{locale}: obsolete: {message.id!r}"


def forms(text: str | tuple[str, ...] | list[str]) -> tuple[str, ...]:
    """Singular and plurals as one tuple."""
    return (text,) if isinstance(text, str) else tuple(text)


def differing_placeholders(message: Message) -> str:
    """A sentence when a translation does not use exactly the names that the message uses."""
    wanted = set(PLACEHOLDER.findall(forms(message.id)[-1]))
    for text in forms(message.string):
        used = set(PLACEHOLDER.findall(text))
        if used != wanted:
            return f"{message.id!r} has {sorted(wanted)}, its translation {sorted(used)}"
    return ""


def main() -> int:
    """Update or check."""
    words = sys.argv[1:]
    code = messages_in_code()
    if "update" in words:
        locales = {path.parent.parent.name for path in TRANSLATIONS.glob("*/LC_MESSAGES/messages.po")}
        for locale in sorted(locales | set(COMPLETE)):
            update(locale, code, prune="--prune" in words)
        return 0
    found = [fault for locale in COMPLETE for fault in faults(locale, code)]
    print("\n".join(found) or f"{len(code)} messages, all translated into {', '.join(COMPLETE)}.")
    return int(bool(found))


if __name__ == "__main__":
    raise SystemExit(main())
