"""Our list of shifts and our sign-up beside those of juntagrico, on this machine, in this run.

    python -m bench peers

Both run under gunicorn gthread with two processes of four threads on SQLite in WAL with synchronous FULL, each with
1,000 members and 1,000 shifts with two people on them; one client asks one after the other. juntagrico shows its
list as one page; ours is walked from page to page until its end. A list that lacks a shift, a page of nobody, or a
sign-up that is not stored fails the bench. juntagrico gets an environment of its own (bench/peers.txt, made once in
var/bench); its settings and what fills it stand in bench/juntagrico.
"""

import hashlib
import html
import json
import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy import func, select

from bench import fill, load
from bench.report import say
from bench.stage import WEB_PROCESSES, WEB_THREADS, Stage, databases
from tests.processes import ROOT, Program
from webapp.base import clock, db
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.rosters.models import Post, Shift, Signup
from webapp.domain.rosters.rules import (
    PostKind,
    Protection,
    ShiftState,
    SignupSource,
    SignupState,
    leave_deadline,
)
from webapp.domain.volunteers.models import Commitment, Pledge, Volunteer, VolunteerSkill
from webapp.domain.volunteers.rules import (
    PLEDGE_VERSION,
    AgeGroup,
    CommitmentKind,
    PledgeKind,
    Society,
    VolunteerState,
)

PINS = Path(__file__).with_name("peers.txt")
SITE = Path(__file__).with_name("juntagrico")
MEMBERS, SHIFTS, POSTS = 1_000, 1_000, 24
ROOM, ON_EACH = 6, 2
LIST_RUNS, TAKES, ROUNDS = 7, 20, 7
START_SECONDS = 60.0


def run() -> dict[str, float]:
    """All figures; pairs of both are interleaved, so that a busy moment hits both."""
    python = environment()
    with databases("sqlite") as made:
        ours = Ours(made.make("peers"))
        with serve_juntagrico(python, made.root / "juntagrico") as theirs:
            for each in (ours, theirs):
                each.walk()
                each.take()
            lists: dict[str, list[float]] = {"ours": [], "theirs": []}
            takes: dict[str, list[float]] = {"ours": [], "theirs": []}
            for _ in range(LIST_RUNS):
                lists["theirs"].append(theirs.walk())
                lists["ours"] += [ours.walk() for _ in range(3)]
            for _ in range(ROUNDS):
                takes["theirs"] += [theirs.take() for _ in range(TAKES)]
                takes["ours"] += [ours.take() for _ in range(TAKES)]
            for each in (ours, theirs):
                each.ensure_taken()
            request_count = ours.requests_per_walk
    seconds = {
        name: {who: statistics.median(found) for who, found in each.items()}
        for name, each in (("list", lists), ("take", takes))
    }
    say(f"medians in seconds: {seconds}")
    return {
        "shift_list_vs_juntagrico": seconds["list"]["theirs"] / seconds["list"]["ours"],
        "take_shift_vs_juntagrico": seconds["take"]["theirs"] / seconds["take"]["ours"],
        "juntagrico_list_ms": seconds["list"]["theirs"] * 1000,
        "shift_list_ms": seconds["list"]["ours"] * 1000,
        "shift_list_pages": request_count,
        "juntagrico_take_ms": seconds["take"]["theirs"] * 1000,
        "take_shift_ms": seconds["take"]["ours"] * 1000,
    }


@contextmanager
def connection(port: int) -> Iterator[Callable[[bytes], load.Answer]]:
    """A connection that stays open for what is asked one after the other; making it is not counted."""
    wire = load.Wire(port)

    def ask(request: bytes) -> load.Answer:
        wire.send(request, 0)
        while (answer := wire.read()) is None:
            pass
        return answer

    try:
        yield ask
    finally:
        wire.close()


# --- ours ---------------------------------------------------------------------------------------------------


class Ours:
    """Linli with a community of 1,000 volunteers and 1,000 shifts."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        with stage.app.app_context():
            community = fill.community(stage.app, households=MEMBERS)
            self._shifts = roster(community)
        half = len(community.residents) // 2
        # The first half stands on shifts; the second half signs up while it is measured.
        self._readers = iter(community.residents[half:] * 2)
        self._takers = iter(community.residents[half:])
        self._free = iter(self._shifts)
        self._taken = 0
        self._port = stage.serve().port
        self.requests_per_walk = 0

    def walk(self) -> float:
        """Seconds for all pages of the list, one after the other, for the next reader."""
        reader = next(self._readers)
        path: str | None = "/rosters/shifts?view=all"
        seen: set[str] = set()
        seconds = 0.0
        self.requests_per_walk = 0
        with connection(self._port) as ask:
            while path is not None:
                answer = ask(load.get(path, cookie=reader.cookie))
                seconds += answer.seconds
                self.requests_per_walk += 1
                text = answer.text
                if answer.status != 200 or reader.name not in text:
                    raise SystemExit(f"{path} of {reader.name}: {answer.status} {text[:300]}")
                seen.update(re.findall(r"/rosters/shifts/([0-9A-Za-z]{22})", text))
                further = re.search(r'href="(/rosters/shifts\?[^"]*after=[^"]*)"', text)
                path = html.unescape(further.group(1)) if further else None
        if seen != set(self._shifts):
            raise SystemExit(f"our list shows {len(seen)} of {len(self._shifts)} shifts")
        return seconds

    def take(self) -> float:
        """Seconds for one sign-up by the next person for the next shift."""
        taker, shift = next(self._takers), next(self._free)
        request = load.post(
            f"/rosters/shifts/{shift}/take",
            "",
            cookie=taker.cookie,
            key=new_public_id(),
            csrf=taker.csrf,
        )
        with connection(self._port) as ask:
            answer = ask(request)
        if answer.status != 200 or b"linli-receipt:" not in answer.head.lower():
            raise SystemExit(f"our sign-up: {answer.status} {answer.text[:300]}")
        self._taken += 1
        return answer.seconds

    def ensure_taken(self) -> None:
        """Every answer stands in the table."""
        with self._stage.app.app_context(), db.db.engine.connect() as connection:
            stored = connection.execute(
                select(func.count()).select_from(Signup).where(Signup.source == SignupSource.SELF)
            ).scalar_one()
        if stored != self._taken:
            raise SystemExit(f"{self._taken} of our sign-ups were answered, {stored} are stored")


@db.writing
def roster(community: fill.Community) -> list[str]:
    """The residents as accepted volunteers, posts, and a shift every hour with two of the first half on each.

    Returns the public ids of the shifts.
    """
    writer, now = fill.Writer(), clock.now()
    areas = Area.__table__
    paths = dict(
        db.connection()
        .execute(select(areas.c.id, areas.c.path).where(areas.c.id.in_(community.buildings)))
        .all()
    )
    for number, resident in enumerate(community.residents):
        volunteer_id = writer.add(
            Volunteer,
            person_id=resident.person_id,
            name=resident.name,
            pinyin_key=f"zhuhu{number:05d}",
            phone_tail="0000",
            state=VolunteerState.ACCEPTED,
            society=Society.VOLUNTEER,
            area_id=resident.building_id,
            area_path=paths[resident.building_id],
            age_group=AgeGroup.ADULT,
            applied_at=now,
            decided_at=now,
            decided_by="bench",
        )
        writer.add(VolunteerSkill, volunteer_id=volunteer_id, skill_code="delivery")
        for kind in PledgeKind:
            writer.add(Pledge, volunteer_id=volunteer_id, kind=kind, version=PLEDGE_VERSION, pledged_at=now)
    posts = [
        writer.add(
            Post,
            area_id=community.id,
            area_path=community.path,
            name=f"岗位{number + 1}",
            name_en=f"Post {number + 1}",
            kind=PostKind.GATE,
            place="北门岗亭",
            instructions="",
            protection=Protection.NONE,
            position=number,
            created_at=now,
        )
        for number in range(POSTS)
    ]
    begins = (now + timedelta(days=1)).replace(minute=0, second=0, microsecond=0)
    half = len(community.residents) // 2
    shifts = []
    for number in range(SHIFTS):
        starts_at = begins + timedelta(hours=number)
        ends_at = starts_at + timedelta(hours=5)
        public_id = new_public_id()
        shift_id = writer.add(
            Shift,
            public_id=public_id,
            post_id=posts[number % POSTS],
            area_path=community.path,
            day=clock.day(starts_at),
            starts_at=starts_at,
            ends_at=ends_at,
            leave_by=leave_deadline(starts_at),
            minimum_count=1,
            wanted_count=ROOM,
            maximum_count=ROOM,
            taken_count=ON_EACH,
            state=ShiftState.OPEN,
            created_at=now,
        )
        shifts.append(public_id)
        for place in range(ON_EACH):
            person_id = community.residents[(number * ON_EACH + place) % half].person_id
            signup_id = writer.add(
                Signup,
                shift_id=shift_id,
                person_id=person_id,
                state=SignupState.PLACED,
                source=SignupSource.STAFF,
                created_at=now,
                confirmed_at=now,
            )
            writer.add(
                Commitment,
                person_id=person_id,
                starts_at=starts_at,
                ends_at=ends_at,
                kind=CommitmentKind.SHIFT,
                reference_id=signup_id,
            )
    writer.write()
    return shifts


# --- theirs -------------------------------------------------------------------------------------------------


def environment() -> Path:
    """The Python of juntagrico's own environment, made from the pins when they are new."""
    digest = hashlib.sha256(PINS.read_bytes()).hexdigest()[:12]
    folder = ROOT / "var" / "bench" / f"juntagrico-{digest}"
    python = folder / "bin" / "python"
    if (folder / "made").exists():
        return python
    say("making juntagrico's environment")
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    install = [python, "-m", "pip", "install", "--quiet", "--no-deps", "--requirement", PINS]
    done = subprocess.run(install, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"juntagrico could not be installed:\n{done.stderr[-2000:]}")
    (folder / "made").touch()
    return python


@dataclass
class Theirs:
    """juntagrico with 1,000 members and 1,000 jobs."""

    port: int
    database: Path
    jobs: list[int]
    sessions: Iterator[str]
    taken: int = 0
    # What it accepts as a token of its forms: 32 characters that stand in the cookie too.
    token: str = "a" * 32

    def __post_init__(self) -> None:
        self._free = iter(self.jobs)

    def walk(self) -> float:
        """Seconds for its list of jobs, one page, for the next member."""
        with connection(self.port) as ask:
            answer = ask(load.get("/my/jobs", cookie=f"sessionid={next(self.sessions)}"))
        text = answer.text
        shown = {int(each) for each in re.findall(r'href="/my/jobs/(\d+)/?"', text)}
        if answer.status != 200 or shown != set(self.jobs):
            raise SystemExit(
                f"their list: {answer.status}, {len(shown)} of {len(self.jobs)} jobs: {text[:300]}"
            )
        return answer.seconds

    def take(self) -> float:
        """Seconds for one sign-up by the next member for the next job."""
        body = "slots=1&message=&subscribe=1"
        lines = [
            f"POST /my/jobs/{next(self._free)}/ HTTP/1.1",
            "Host: localhost",
            "Accept: text/html",
            f"Cookie: sessionid={next(self.sessions)}; csrftoken={self.token}",
            f"X-CSRFToken: {self.token}",
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
        ]
        with connection(self.port) as ask:
            answer = ask(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
        if answer.status != 302:
            raise SystemExit(f"their sign-up: {answer.status} {answer.text[:300]}")
        self.taken += 1
        return answer.seconds

    def ensure_taken(self) -> None:
        """Every answer stands in the table."""
        with sqlite3.connect(self.database) as connection:
            [(stored,)] = connection.execute("SELECT count(*) FROM juntagrico_assignment").fetchall()
        connection.close()
        if stored != self.taken + SHIFTS * ON_EACH:
            raise SystemExit(f"{self.taken} of their sign-ups were answered, {stored} are stored")


@contextmanager
def serve_juntagrico(python: Path, folder: Path) -> Iterator[Theirs]:
    """juntagrico, migrated, filled and served, until the block ends."""
    folder.mkdir()
    variables = {name: value for name, value in os.environ.items() if not name.startswith("LINLI_")} | {
        "PEER_FOLDER": str(folder),
        "PYTHONPATH": str(SITE),
        "PYTHONDONTWRITEBYTECODE": "1",
        "DJANGO_SETTINGS_MODULE": "settings",
    }
    _run([str(python), "-m", "django", "migrate", "--verbosity", "0"], variables)
    filled = json.loads(_run([str(python), str(SITE / "fill.py"), str(MEMBERS), str(SHIFTS)], variables))
    with socket.create_server(("127.0.0.1", 0), backlog=2048) as listener:
        arguments = [str(python), "-m", "gunicorn", "--bind", f"fd://{listener.fileno()}"]
        arguments += ["--worker-class", "gthread", "--workers", str(WEB_PROCESSES)]
        arguments += ["--threads", str(WEB_THREADS), "--timeout", "120", "--log-level", "warning"]
        arguments += ["--no-control-socket", "wsgi:application"]
        log = folder / "web.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                arguments,
                cwd=folder,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                pass_fds=(listener.fileno(),),
                start_new_session=True,
            )
        program = Program("juntagrico", process, log, port=listener.getsockname()[1])
        try:
            sessions = iter(filled["sessions"])
            theirs = Theirs(program.port, folder / "juntagrico.sqlite3", filled["jobs"], sessions)
            _wait_until_up(theirs, program)
            yield theirs
        finally:
            program.stop()


def _wait_until_up(theirs: Theirs, program: Program) -> None:
    """Until it sends a visitor to its sign-in page; the socket listens from the start."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        if program.process.poll() is not None:
            break
        with connection(theirs.port) as ask:
            if ask(load.get("/my/jobs")).status == 302:
                return
        time.sleep(0.1)
    raise SystemExit(f"juntagrico did not start:\n{program.log.read_text(encoding='utf-8')[-2000:]}")


def _run(arguments: list[str], variables: dict[str, str]) -> str:
    done = subprocess.run(arguments, env=variables, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"{' '.join(arguments[1:3])} failed:\n{done.stderr[-3000:]}")
    return done.stdout
