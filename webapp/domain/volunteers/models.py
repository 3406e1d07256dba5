"""Tables of volunteers, what they can do and when, organisations and teams, invitations, and time that is taken."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Id, Model, PublicId, SortText, UtcDateTime, word
from webapp.domain.volunteers.rules import (
    AgeGroup,
    Availability,
    CommitmentKind,
    Half,
    PledgeKind,
    SkillKind,
    Society,
    VolunteerState,
)


class Skill(Model):
    """Something that somebody can do 技能, as data. A post asks for so many who can; see `SkillKind`."""

    __tablename__ = "skills"

    code: Mapped[str] = mapped_column(String(30), primary_key=True)
    kind: Mapped[SkillKind] = mapped_column(word(SkillKind, "kind"))
    position: Mapped[int] = mapped_column(Integer)
    name_zh: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))


class Organisation(Model):
    """A social organisation, unit or association 社会组织 that volunteers come through."""

    __tablename__ = "organisations"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("area_id", "name"),
        Index("ix_organisations_area_path", "area_path", "name", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str | None] = mapped_column(String(80))
    society: Mapped[Society] = mapped_column(word(Society, "society"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Team(Model):
    """A volunteer team 志愿服务队 of an area, with or without an organisation. Its leads see and roster only it."""

    __tablename__ = "teams"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("area_id", "name"),
        Index("ix_teams_area_path", "area_path", "name", "id"),
        Index("ix_teams_organisation_id", "organisation_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    name: Mapped[str] = mapped_column(String(80))
    name_en: Mapped[str | None] = mapped_column(String(80))
    society: Mapped[Society] = mapped_column(word(Society, "society"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TeamLead(Model):
    """A person who leads a team 队长. Beside it stands the appointment `team_lead` at the team's area."""

    __tablename__ = "team_leads"
    __table_args__ = (Index("ix_team_leads_person_id", "person_id"),)

    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    since: Mapped[datetime] = mapped_column(UtcDateTime)


class Volunteer(Model):
    """A person as a volunteer 志愿者.

    `area_path` is where they live, as exactly as they said (a building, or the community): which head decides,
    how near a post is and on which side of the cordon they stand follow from it. `name`, `phone_tail` and
    `pinyin_key` repeat the person's, so that a list is one read.
    A MERGED row keeps its public id, and old links lead on to `merged_into_id`.
    """

    __tablename__ = "volunteers"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("person_id"),
        Index("ix_volunteers_area_path", "area_path", "pinyin_key", "id"),
        Index("ix_volunteers_state", "state", "area_path", "id"),
        Index("ix_volunteers_team_id", "team_id", "pinyin_key", "id"),
        Index("ix_volunteers_organisation_id", "organisation_id"),
        CheckConstraint("(state = 'merged') = (merged_into_id IS NOT NULL)", name="merged_into"),
        CheckConstraint("age_group <> 'minor' OR guardian_name IS NOT NULL", name="minor_with_consent"),
    )
    personal_columns = ("name", "pinyin_key", "phone_tail", "guardian_name", "note")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(String(60))
    pinyin_key: Mapped[str] = mapped_column(SortText)
    phone_tail: Mapped[str] = mapped_column(String(4))
    state: Mapped[VolunteerState] = mapped_column(word(VolunteerState, "state"))
    society: Mapped[Society] = mapped_column(word(Society, "society"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    age_group: Mapped[AgeGroup] = mapped_column(word(AgeGroup, "age_group"))
    guardian_name: Mapped[str | None] = mapped_column(String(60))
    note: Mapped[str | None] = mapped_column(String(200))
    invitation_id: Mapped[int | None] = mapped_column(ForeignKey("team_invitations.id"))
    applied_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decision_note: Mapped[str | None] = mapped_column(String(200))
    answer: Mapped[str | None] = mapped_column(String(200))
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("volunteers.id"))
    version: Mapped[int] = mapped_column(Integer, default=1)


class VolunteerSkill(Model):
    """A volunteer says that they can do this. A CERTIFIED skill counts only with a valid certificate."""

    __tablename__ = "volunteer_skills"
    __table_args__ = (Index("ix_volunteer_skills_skill_code", "skill_code", "volunteer_id"),)

    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id"), primary_key=True)
    skill_code: Mapped[str] = mapped_column(ForeignKey("skills.code"), primary_key=True)


class SkillCertificate(Model):
    """A certificate 证书 for a skill, until a day or for good."""

    __tablename__ = "skill_certificates"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_skill_certificates_volunteer_id", "volunteer_id", "skill_code"),
    )
    personal_columns = ("number",)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id"))
    skill_code: Mapped[str] = mapped_column(ForeignKey("skills.code"))
    number: Mapped[str | None] = mapped_column(String(60))
    expires_on: Mapped[date | None] = mapped_column(Date)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class AvailabilitySlot(Model):
    """What a volunteer said of one half-day of the week 可服务时间 (Monday is 0). No row: unknown."""

    __tablename__ = "availability_slots"
    __table_args__ = (
        CheckConstraint("weekday >= 0 AND weekday <= 6", name="weekday"),
        CheckConstraint("state IN ('available', 'not_available')", name="said"),
    )

    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id"), primary_key=True)
    weekday: Mapped[int] = mapped_column(Integer, primary_key=True)
    half: Mapped[Half] = mapped_column(word(Half, "half"), primary_key=True)
    state: Mapped[Availability] = mapped_column(word(Availability, "state"))


class Pledge(Model):
    """A promise 承诺 that a volunteer made, in the wording of that version."""

    __tablename__ = "pledges"

    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id"), primary_key=True)
    kind: Mapped[PledgeKind] = mapped_column(word(PledgeKind, "kind"), primary_key=True)
    version: Mapped[int] = mapped_column(Integer, primary_key=True)
    pledged_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TeamInvitation(Model):
    """An invitation 邀请 by QR code: into a team, until a time, for so many. The code is signed; this row counts."""

    __tablename__ = "team_invitations"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_team_invitations_team_id", "team_id", "id"),
        CheckConstraint("use_limit > 0", name="use_limit"),
        CheckConstraint("used_count >= 0 AND used_count <= use_limit", name="used_count"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    use_limit: Mapped[int] = mapped_column(Integer)
    used_count: Mapped[int] = mapped_column(Integer, default=0)
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class NotTheSame(Model):
    """Two volunteers whom somebody looked at and found to be different people; they are not shown again."""

    __tablename__ = "volunteers_not_the_same"
    __table_args__ = (CheckConstraint("volunteer_id < other_id", name="ordered"),)

    volunteer_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id"), primary_key=True)
    other_id: Mapped[int] = mapped_column(ForeignKey("volunteers.id"), primary_key=True)
    decided_by: Mapped[str] = mapped_column(String(80))
    decided_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Commitment(Model):
    """A stretch of a person's time that is taken 占用, by whatever feature; the one table that all of them read.

    Whoever writes here has first raised the person's `version` (which locks the row) and read the person's
    other commitments. `reference_id` is the row of the feature that took the time (`kind` says of which table).
    """

    __tablename__ = "commitments"
    __table_args__ = (
        UniqueConstraint("kind", "reference_id"),
        Index("ix_commitments_person_id", "person_id", "ends_at", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[CommitmentKind] = mapped_column(word(CommitmentKind, "kind"))
    reference_id: Mapped[int] = mapped_column(Id)
