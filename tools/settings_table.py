"""The table of settings in the README, made from webapp/base/config.py: `settings_table.py write` or `check`.

A README holds it between `<!-- settings zh -->` (or `en`, or `zh en` for both languages in one table) and
`<!-- /settings -->`.
"""

import re
import sys

from prepare import ROOT

HEADS = {
    "zh": ("设置", "默认值", "说明"),
    "en": ("setting", "default", "what it is for"),
    "zh en": ("设置 setting", "默认值 default", "说明 what it is for"),
}
SECRET = {"zh": "(保密)", "en": " (secret)", "zh en": " (保密 secret)"}
PLACE = re.compile(r"(<!-- settings ([a-z ]+?) -->\n).*?(<!-- /settings -->)", re.DOTALL)


def table(languages: str) -> str:
    """The Markdown table in the given languages."""
    from webapp.base.config import SETTINGS  # noqa: PLC0415 - after ROOT is on the path

    rows = [HEADS[languages], ("---", "---", "---")]
    for setting in SETTINGS:
        helps = {"zh": setting.help_zh, "en": setting.help_en}
        text = " · ".join(helps[language] for language in languages.split())
        name = f"`{setting.name}`" + (SECRET[languages] if setting.secret else "")
        rows.append((name, f"`{setting.default}`" if setting.default else "–", text))
    return "".join(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |\n" for row in rows)


def main() -> int:
    """Write the tables, or check that they are as they would be written."""
    sys.path.insert(0, str(ROOT))
    places = 0
    stale = []
    for path in sorted(ROOT.glob("README*.md")):
        before = path.read_text(encoding="utf-8")
        after, count = PLACE.subn(lambda found: found[1] + table(found[2]) + found[3], before)
        places += count
        if after != before:
            stale.append(path.name)
            if sys.argv[1:] == ["write"]:
                path.write_text(after, encoding="utf-8")
    if not places:
        print("No README has a place for the table of settings: <!-- settings zh --> … <!-- /settings -->")
        return 1
    if stale and sys.argv[1:] != ["write"]:
        print(f"The table of settings is out of date in {', '.join(stale)}; run: make settings")
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
