"""Posts and their recurring shifts: made, changed, closed."""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from webapp.base import audit, db, requests
from webapp.base.db import within, writing
from webapp.base.deed import Deed
from webapp.base.errors import NotFound, RuleBroken
from webapp.base.ids import new_public_id
from webapp.domain.areas.models import Area
from webapp.domain.people.models import Person
from webapp.domain.rosters import rules
from webapp.domain.rosters.models import Post, Shift, ShiftTemplate, TemplateSkill
from webapp.domain.rosters.queries import posts as queries
from webapp.domain.rosters.rules import Numbers, PostKind, Protection, ShiftState
from webapp.domain.volunteers.models import Skill, Team

NAME_LENGTH, PLACE_LENGTH, INSTRUCTIONS_LENGTH = 60, 120, 100
_PHONE = re.compile(r"\+?\d[\d-]{2,18}\d")

_posts: Any = Post.__table__
_shifts: Any = Shift.__table__
_templates: Any = ShiftTemplate.__table__
_template_skills: Any = TemplateSkill.__table__
_areas: Any = Area.__table__
_teams: Any = Team.__table__
_people: Any = Person.__table__
_skills: Any = Skill.__table__


@dataclass(frozen=True)
class PostPlan:
    """A post as it is typed. `place_area` is the part of the community where it stands, empty for the whole.

    `lead` is a name; `lead_choice` the public id of one of several people of that name.
    """

    name: str
    kind: PostKind
    place: str
    protection: Protection
    name_en: str = ""
    place_area: str = ""
    instructions: str = ""
    suit_minutes: int | None = None
    lead: str = ""
    lead_choice: str = ""
    phone: str = ""
    team: str = ""
    handles_household_data: bool = False
    adults_only: bool = False
    newcomers_welcome: bool = True


def _text(text: str, *, name: str, longest: int) -> str:
    text = unicodedata.normalize("NFKC", text).strip() if name == "phone" else " ".join(text.split())
    if len(text) > longest:
        raise RuleBroken("text_too_long", field=name, maximum=longest)
    return text


def _phone(text: str) -> str | None:
    text = _text(text, name="phone", longest=30).replace(" ", "")
    if not text:
        return None
    if not _PHONE.fullmatch(text):
        raise RuleBroken("phone_unclear", field="phone", text=text)
    return text


def _lead(plan: PostPlan, area_path: str, before: tuple[str, int] | None) -> int | None:
    """The person of that name; the lead before where the name is still theirs.

    Raises RuleBroken: lead_unknown, lead_ambiguous where there are several of whom none was chosen.
    """
    if not plan.lead.strip():
        return None
    if before is not None and plan.lead.strip() == before[0] and not plan.lead_choice:
        return before[1]
    found = queries.find_leads(area_path=area_path, name=plan.lead)
    if len(found) > 1 and plan.lead_choice:
        found = tuple(each for each in found if each.public_id == plan.lead_choice)
    if not found:
        raise RuleBroken("lead_unknown", field="lead", name=plan.lead.strip()[:NAME_LENGTH])
    if len(found) > 1:
        raise RuleBroken("lead_ambiguous", field="lead", count=len(found))
    return found[0].person_id


def _team_id(plan: PostPlan, terms: queries.PostTerms) -> int | None:
    if not plan.team:
        if terms.is_team_only:
            raise RuleBroken("team_missing", field="team")
        return None
    if plan.team not in {each.public_id for each in terms.teams}:
        raise NotFound
    team_id: int = (
        db.connection().execute(select(_teams.c.id).where(_teams.c.public_id == plan.team)).scalar_one()
    )
    return team_id


def _values(
    plan: PostPlan, terms: queries.PostTerms, before: tuple[str, int] | None = None
) -> dict[str, Any]:
    name = _text(plan.name, name="name", longest=NAME_LENGTH)
    place = _text(plan.place, name="place", longest=PLACE_LENGTH)
    if not name:
        raise RuleBroken("post_name_missing", field="name")
    if not place:
        raise RuleBroken("post_place_missing", field="place")
    if plan.suit_minutes is not None and not 0 < plan.suit_minutes <= rules.MOST_SUIT_MINUTES:
        raise RuleBroken("suit_minutes_wrong", field="suit_minutes", maximum=rules.MOST_SUIT_MINUTES)
    return {
        "name": name,
        "name_en": _text(plan.name_en, name="name_en", longest=80) or None,
        "kind": plan.kind,
        "place": place,
        "instructions": _text(plan.instructions, name="instructions", longest=INSTRUCTIONS_LENGTH),
        "protection": plan.protection,
        "suit_minutes": plan.suit_minutes,
        "lead_person_id": _lead(plan, terms.area_path, before),
        "phone": _phone(plan.phone),
        "team_id": _team_id(plan, terms),
        "handles_household_data": plan.handles_household_data,
        "adults_only": plan.adults_only,
        "newcomers_welcome": plan.newcomers_welcome,
    }


def _ensure_free(area_id: int, name: str, *, but: int | None = None) -> None:
    """The area's row is locked, so that two who press at once do not both find the name free."""
    connection = db.connection()
    connection.execute(
        select(_areas.c.id).where(_areas.c.id == area_id).with_for_update(key_share=True)
    ).one()
    taken = connection.execute(
        select(_posts.c.id).where(_posts.c.area_id == area_id, _posts.c.name == name)
    ).scalar()
    if taken is not None and taken != but:
        raise RuleBroken("post_name_taken", field="name", name=name)


def _public_id(table: Any, row_id: int | None) -> str:
    found: str = db.connection().execute(select(table.c.public_id).where(table.c.id == row_id)).scalar_one()
    return found


@writing
def make_post(*, deed: Deed, area: str, plan: PostPlan) -> str:
    """Write a new post in the community (or a part of it); returns its public id.

    NotFound for a community, place or team that is not the actor's to roster.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(_posts, claim.object_id)
    post_id, public_id = write_post(deed, area=area, plan=plan)
    requests.settle(claim, outcome="made", object_id=post_id)
    return public_id


def write_post(deed: Deed, *, area: str, plan: PostPlan) -> tuple[int, str]:
    """`make_post` inside the caller's transaction, who has claimed the deed; returns the id and the public id."""
    terms = queries.get_terms(actor=deed.actor, area=area)
    connection = db.connection()
    values = _values(plan, terms)
    stands = connection.execute(
        select(_areas.c.id, _areas.c.path).where(
            _areas.c.public_id == (plan.place_area or area), within(_areas.c.path, terms.area_path)
        )
    ).one_or_none()
    if stands is None:
        raise NotFound
    _ensure_free(stands.id, values["name"])
    highest = connection.execute(
        select(func.max(_posts.c.position)).where(within(_posts.c.area_path, terms.area_path))
    ).scalar()
    public_id = new_public_id()
    post_id: int = connection.execute(
        insert(_posts).returning(_posts.c.id),
        {
            "public_id": public_id,
            "area_id": stands.id,
            "area_path": stands.path,
            "position": 0 if highest is None else highest + 1,
            "code_version": 1,
            "created_at": deed.now,
        }
        | values,
    ).scalar_one()
    audit.record(deed, "make_post", "post", post_id, area_path=stands.path, post_kind=str(plan.kind))
    return post_id, public_id


@writing
def change_post(*, deed: Deed, post: str, plan: PostPlan) -> None:
    """Change what a post says; where it stands stays. A team's lead cannot give it away."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.managed_post(deed.actor, post)
    terms = queries.get_terms_of(actor=deed.actor, area_path=row.area_path)
    values = _values(plan, terms, _lead_before(row.lead_person_id))
    _ensure_free(row.area_id, values["name"], but=row.id)
    db.connection().execute(update(_posts).where(_posts.c.id == row.id).values(**values))
    requests.settle(claim, outcome="changed", object_id=row.id)
    changed = sorted(name for name, value in values.items() if getattr(row, name) != value)
    audit.record(deed, "change_post", "post", row.id, area_path=row.area_path, changed=changed)


def _lead_before(person_id: int | None) -> tuple[str, int] | None:
    if person_id is None:
        return None
    name = db.connection().execute(select(_people.c.name).where(_people.c.id == person_id)).scalar_one()
    return str(name), person_id


@writing
def close_post(*, deed: Deed, post: str) -> None:
    """Close a post with its recurring shifts. Raises RuleBroken("post_has_shifts") while shifts are to come."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.managed_post(deed.actor, post)
    connection = db.connection()
    to_come = connection.execute(
        select(func.count())
        .select_from(_shifts)
        .where(
            _shifts.c.post_id == row.id,
            _shifts.c.state != ShiftState.CANCELLED,
            _shifts.c.ends_at > deed.now,
        )
    ).scalar_one()
    if to_come:
        raise RuleBroken("post_has_shifts", count=to_come)
    connection.execute(update(_posts).where(_posts.c.id == row.id).values(closed_at=deed.now))
    connection.execute(
        update(_templates)
        .where(_templates.c.post_id == row.id, _templates.c.ended_at.is_(None))
        .values(ended_at=deed.now)
    )
    requests.settle(claim, outcome="closed", object_id=row.id)
    audit.record(deed, "close_post", "post", row.id, area_path=row.area_path)


@writing
def reopen_post(*, deed: Deed, post: str) -> None:
    """Use a closed post again; its recurring shifts do not come back by themselves."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    row = queries.managed_post(deed.actor, post)
    db.connection().execute(update(_posts).where(_posts.c.id == row.id).values(closed_at=None))
    requests.settle(claim, outcome="reopened", object_id=row.id)
    audit.record(deed, "reopen_post", "post", row.id, area_path=row.area_path)


# --- recurring shifts ---------------------------------------------------------------------------------------


def ensure_skills(numbers: Numbers) -> None:
    """Whether all skills of the numbers exist. Raises NotFound."""
    known = set(db.connection().execute(select(_skills.c.code)).scalars())
    if not set(numbers.skills) <= known:
        raise NotFound


@dataclass(frozen=True)
class TemplatePlan:
    """A recurring shift as it is typed: weekdays (bit 0 is Monday), minutes from midnight, numbers."""

    weekdays: int
    start_minute: int
    length_minutes: int
    numbers: Numbers


def _ensure_template(plan: TemplatePlan) -> None:
    if not 0 < plan.weekdays < 1 << 7:
        raise RuleBroken("no_weekdays", field="weekdays")
    rules.ensure_numbers(plan.numbers)
    ensure_skills(plan.numbers)


def _template_values(plan: TemplatePlan) -> dict[str, Any]:
    return {
        "weekdays": plan.weekdays,
        "start_minute": plan.start_minute,
        "length_minutes": plan.length_minutes,
        "minimum_count": plan.numbers.minimum,
        "wanted_count": plan.numbers.wanted,
        "maximum_count": plan.numbers.maximum,
    }


def _write_template(deed: Deed, post_id: int, plan: TemplatePlan) -> tuple[int, str]:
    public_id = new_public_id()
    template_id = (
        db.connection()
        .execute(
            insert(_templates).returning(_templates.c.id),
            {"public_id": public_id, "post_id": post_id, "created_at": deed.now} | _template_values(plan),
        )
        .scalar_one()
    )
    _write_skills(template_id, plan.numbers)
    return template_id, public_id


def _write_skills(template_id: int, numbers: Numbers) -> None:
    rows = [
        {"template_id": template_id, "skill_code": code, "needed_count": count}
        for code, count in sorted(numbers.skills.items())
        if count
    ]
    if rows:
        db.connection().execute(insert(_template_skills).inline(), rows)


@writing
def make_template(*, deed: Deed, post: str, plan: TemplatePlan) -> str:
    """Write a recurring shift of a post; returns its public id. Nothing is made from it until somebody asks."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(_templates, claim.object_id)
    row = queries.managed_post(deed.actor, post)
    if row.closed_at is not None:
        raise RuleBroken("post_closed")
    _ensure_template(plan)
    template_id, public_id = _write_template(deed, row.id, plan)
    requests.settle(claim, outcome="made", object_id=template_id)
    audit.record(deed, "make_template", "shift_template", template_id, area_path=row.area_path)
    return public_id


def _managed_template(deed: Deed, template: str) -> tuple[Any, Any]:
    connection = db.connection()
    post = connection.execute(
        select(_posts.c.public_id)
        .join(_templates, _templates.c.post_id == _posts.c.id)
        .where(_templates.c.public_id == template)
    ).scalar()
    if post is None:
        raise NotFound
    row = queries.managed_post(deed.actor, post)
    found = connection.execute(select(_templates).where(_templates.c.public_id == template)).one()
    if found.ended_at is not None:
        raise RuleBroken("template_ended")
    return row, found


def _used_until(template_id: int) -> datetime | None:
    until: datetime | None = (
        db.connection()
        .execute(select(func.max(_shifts.c.starts_at)).where(_shifts.c.template_id == template_id))
        .scalar()
    )
    return until


@writing
def change_template(*, deed: Deed, template: str, plan: TemplatePlan) -> str:
    """Change a recurring shift; what was made from it stays as it is. Returns the public id of its post.

    Other times or weekdays are a new template: the old one's shifts keep the one that they came from.
    """
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(_posts, claim.object_id)
    post, row = _managed_template(deed, template)
    _ensure_template(plan)
    connection = db.connection()
    is_same_time = (row.start_minute, row.length_minutes) == (plan.start_minute, plan.length_minutes)
    if is_same_time or _used_until(row.id) is None:
        connection.execute(
            update(_templates).where(_templates.c.id == row.id).values(**_template_values(plan))
        )
        connection.execute(delete(_template_skills).where(_template_skills.c.template_id == row.id))
        _write_skills(row.id, plan.numbers)
    else:
        connection.execute(update(_templates).where(_templates.c.id == row.id).values(ended_at=deed.now))
        _write_template(deed, post.id, plan)
    requests.settle(claim, outcome="changed", object_id=post.id)
    audit.record(deed, "change_template", "shift_template", row.id, area_path=post.area_path)
    return str(post.public_id)


@writing
def end_template(*, deed: Deed, template: str) -> str:
    """Make no more shifts from it; those that are there stay. Returns the public id of its post."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return _public_id(_posts, claim.object_id)
    post, row = _managed_template(deed, template)
    db.connection().execute(update(_templates).where(_templates.c.id == row.id).values(ended_at=deed.now))
    requests.settle(claim, outcome="ended", object_id=post.id)
    audit.record(deed, "end_template", "shift_template", row.id, area_path=post.area_path)
    return str(post.public_id)
