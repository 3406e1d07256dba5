"""Fill juntagrico: `fill.py MEMBERS JOBS` writes as many of each through its models and prints sessions as JSON.

Each job has room for six and two people on it, so that its list has something to count, and nobody of those who
are signed in by this is on any of them.
"""

import json
import os
import sys
from datetime import timedelta

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
django.setup()

from django.conf import settings  # noqa: E402
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY  # noqa: E402
from django.contrib.sessions.backends.db import SessionStore  # noqa: E402
from django.contrib.sites.models import Site  # noqa: E402
from django.db import transaction  # noqa: E402
from django.utils import timezone  # noqa: E402
from juntagrico.entity.jobs import ActivityArea, AreaCoordinator, Assignment, JobType, RecuringJob  # noqa: E402
from juntagrico.entity.location import Location  # noqa: E402
from juntagrico.entity.member import Member  # noqa: E402

AREAS, TYPES, SLOTS, ON_EACH = 6, 24, 6, 2


def _session(member: Member) -> str:
    session = SessionStore()
    session[SESSION_KEY] = str(member.user.pk)
    session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[-1]
    session[HASH_SESSION_KEY] = member.user.get_session_auth_hash()
    session.save()
    return session.session_key


@transaction.atomic
def main() -> None:
    """Members, areas, job types, jobs and assignments."""
    member_count, job_count = int(sys.argv[1]), int(sys.argv[2])
    Site.objects.update_or_create(id=settings.SITE_ID, defaults={"domain": "localhost", "name": "Measuring"})
    members = [
        Member.objects.create(
            first_name=f"Vorname{number}",
            last_name=f"Nachname{number}",
            email=f"member{number}@example.org",
            addr_street="Strasse 1",
            addr_zipcode="8000",
            addr_location="Ort",
            phone="044 000 00 00",
            mobile_phone="079 000 00 00",
            confirmed=True,
        )
        for number in range(member_count)
    ]
    areas = [ActivityArea.objects.create(name=f"Bereich {number}") for number in range(AREAS)]
    for area, coordinator in zip(areas, members, strict=False):
        AreaCoordinator.objects.create(area=area, member=coordinator)
    place = Location.objects.create(
        name="Hof",
        latitude="47.3",
        longitude="8.5",
        addr_street="Weg 1",
        addr_zipcode="8000",
        addr_location="Ort",
    )
    types = [
        JobType.objects.create(
            name=f"Einsatz {number}",
            activityarea=areas[number % AREAS],
            default_duration=5,
            location=place,
            description="Bitte pünktlich sein.",
        )
        for number in range(TYPES)
    ]
    begins = timezone.now() + timedelta(days=1)
    half = len(members) // 2
    for number in range(job_count):
        job = RecuringJob.objects.create(
            type=types[number % TYPES], slots=SLOTS, time=begins + timedelta(hours=number)
        )
        for place_number in range(ON_EACH):
            # The first half of the members are on jobs; the second half signs up while it is measured.
            Assignment.objects.create(
                job=job, member=members[(number * ON_EACH + place_number) % half], amount=1
            )
    jobs = list(RecuringJob.objects.order_by("time").values_list("id", flat=True))
    print(json.dumps({"jobs": jobs, "sessions": [_session(member) for member in members[half:]]}))


if __name__ == "__main__":
    main()
