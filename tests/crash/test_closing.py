"""SIGKILL to the process that closes shifts, again and again: afterwards every hour is written once and none is missing."""

import subprocess
import sys
import time
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from bench.stage import KINDS, databases
from tests.factories import Factory
from tests.processes import ROOT, environment
from webapp.base import clock, db
from webapp.domain.rosters.models import Attendance, HoursEntry, Shift
from webapp.domain.rosters.rules import Evidence, Mark

pytestmark = [pytest.mark.crash, pytest.mark.timeout(240)]

SHIFTS, PEOPLE, KILLS = 120, 3, 6
CLOSE = """
from webapp import create_app
from webapp.base import clock
from webapp.domain.rosters import services
app = create_app()
with app.app_context():
    print("begins", flush=True)
    services.tidy_shifts(now=clock.now())
"""


def furnish(app) -> None:
    """Shifts of yesterday with people who came and forgot to check out."""
    make = Factory(app)
    community = make.area("北辰社区", level="community")
    post = make.post(community)
    people = [make.user(f"人{number}") for number in range(PEOPLE)]
    for each in people:
        make.volunteer(each, area=community)
    start = clock.now() - timedelta(days=1)
    shifts = [
        make.shift(post, starts_at=start + timedelta(minutes=number), hours=5) for number in range(SHIFTS)
    ]

    @db.writing
    def came():
        for number, shift in enumerate(shifts):
            for person in people:
                db.session().add(
                    Attendance(
                        public_id=f"a{number:06d}{person.id:06d}".ljust(22, "x"),
                        shift_id=shift.id,
                        person_id=person.person_id,
                        mark=Mark.PRESENT,
                        arrived_at=start + timedelta(minutes=number),
                        arrived_from=Evidence.CHECK_IN,
                        marked_at=start,
                    )
                )

    with app.app_context():
        came()


@db.reading
def written() -> tuple[int, int, int]:
    """Lines, minutes, shifts that are closed."""
    connection = db.connection()
    lines, minutes = connection.execute(
        select(func.count(HoursEntry.id), func.coalesce(func.sum(HoursEntry.minutes), 0))
    ).one()
    closed = connection.execute(select(func.count(Shift.id)).where(Shift.closed_at.is_not(None))).scalar_one()
    return lines, int(minutes), closed


@pytest.mark.parametrize("kind", KINDS)
def test_a_killed_closing_writes_no_hour_twice(kind):
    with databases(kind) as made:
        stage = made.make("closing")
        furnish(stage.app)
        seen = 0
        for attempt in range(KILLS):
            process = subprocess.Popen(
                [sys.executable, "-c", CLOSE],
                cwd=ROOT,
                env=environment(stage.url, stage.directory),
                stdout=subprocess.PIPE,
            )
            assert process.stdout is not None
            assert process.stdout.readline() == b"begins\n"
            time.sleep(0.02 + 0.05 * attempt)
            process.kill()
            process.wait()
            process.stdout.close()
            with stage.app.app_context():
                lines, minutes, closed = written()
            assert lines == closed * PEOPLE, "a shift is closed with all its hours or not at all"
            assert minutes == closed * PEOPLE * 300
            seen += 0 < closed < SHIFTS
        subprocess.run(
            [sys.executable, "-c", CLOSE], cwd=ROOT, env=environment(stage.url, stage.directory), check=True
        )
        with stage.app.app_context():
            assert written() == (SHIFTS * PEOPLE, SHIFTS * PEOPLE * 300, SHIFTS)
        assert seen, "no kill came in the middle: nothing was tried"
