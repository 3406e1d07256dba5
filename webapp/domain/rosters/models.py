"""Tables of posts, shifts, sign-ups, stand-ins, evidence, hours, duty, proposals, printed rosters and links."""

from datetime import date, datetime

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Ciphertext, Id, Model, PublicId, SortText, UtcDateTime, partial_index, word
from webapp.domain.rosters.rules import (
    Copy,
    DutyKind,
    EntryKind,
    EntryState,
    Evidence,
    FillState,
    GapReason,
    LinkKind,
    Mark,
    PostKind,
    Protection,
    RosterSheetKind,
    ShiftState,
    SignupSource,
    SignupState,
    SolverStatus,
    StandInKind,
    StandInState,
)
from webapp.domain.volunteers.rules import Society


class Post(Model):
    """A post 岗位 in an area: where, what to do, in which protection, who leads, which number answers.

    A post of a team (`team_id`) is rostered by the team's leads too. `handles_household_data` asks for the
    confidentiality pledge, `adults_only` for 18 years, `newcomers_welcome` lets who only applied take a shift.
    `suit_minutes` is the longest stretch in a protective suit. `code_version` rises when the check-in code at
    the post is renewed; codes with an older one no longer hold.
    """

    __tablename__ = "posts"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("area_id", "name"),
        Index("ix_posts_area_path", "area_path", "position", "id"),
        Index("ix_posts_team_id", "team_id"),
        CheckConstraint("suit_minutes > 0", name="suit_minutes"),
    )
    personal_columns = ("phone",)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    name: Mapped[str] = mapped_column(String(60))
    name_en: Mapped[str | None] = mapped_column(String(80))
    kind: Mapped[PostKind] = mapped_column(word(PostKind, "kind"))
    place: Mapped[str] = mapped_column(String(120))
    instructions: Mapped[str] = mapped_column(String(200), default="")
    protection: Mapped[Protection] = mapped_column(word(Protection, "protection"))
    suit_minutes: Mapped[int | None] = mapped_column(Integer)
    lead_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    phone: Mapped[str | None] = mapped_column(String(30))
    handles_household_data: Mapped[bool] = mapped_column(Boolean, default=False)
    adults_only: Mapped[bool] = mapped_column(Boolean, default=False)
    newcomers_welcome: Mapped[bool] = mapped_column(Boolean, default=True)
    position: Mapped[int] = mapped_column(Integer, default=0)
    code_version: Mapped[int] = mapped_column(Integer, default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ShiftTemplate(Model):
    """A recurring shift of a post 班次模板: weekdays (bit 0 is Monday) and wall-clock times of the county.

    `start_minute` counts from midnight, `length_minutes` may run over it. The shifts of a span are made from
    it once; unique (template, day) makes that repeatable.
    """

    __tablename__ = "shift_templates"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_shift_templates_post_id", "post_id", "start_minute", "id"),
        CheckConstraint("start_minute >= 0 AND start_minute < 1440", name="start_minute"),
        CheckConstraint("length_minutes > 0 AND length_minutes <= 1440", name="length_minutes"),
        CheckConstraint("weekdays > 0 AND weekdays < 128", name="weekdays"),
        CheckConstraint(
            "minimum_count >= 0 AND minimum_count <= wanted_count AND wanted_count <= maximum_count "
            "AND maximum_count > 0 AND maximum_count <= 500",
            name="counts",
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    weekdays: Mapped[int] = mapped_column(Integer)
    start_minute: Mapped[int] = mapped_column(Integer)
    length_minutes: Mapped[int] = mapped_column(Integer)
    minimum_count: Mapped[int] = mapped_column(Integer)
    wanted_count: Mapped[int] = mapped_column(Integer)
    maximum_count: Mapped[int] = mapped_column(Integer)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TemplateSkill(Model):
    """Of the places of a template, so many for people who can do this."""

    __tablename__ = "template_skills"
    __table_args__ = (CheckConstraint("needed_count > 0", name="needed_count"),)

    template_id: Mapped[int] = mapped_column(ForeignKey("shift_templates.id"), primary_key=True)
    skill_code: Mapped[str] = mapped_column(ForeignKey("skills.code"), primary_key=True)
    needed_count: Mapped[int] = mapped_column(Integer)


class Shift(Model):
    """A shift 班次 of a post, from an instant to an instant; `day` is the county's day on which it starts.

    `taken_count` counts live sign-ups that hold a place (placed, or offered from the waitlist): it is raised by
    one conditional update and never exceeds `maximum_count`. Where a shift needs skills, so many places are kept
    for who has them. Until `leave_by` one may leave without a word. `called_at`: roll call was saved once.
    `closed_at`: the evidence is complete and the hours are written. `asked_at`: everybody who fits was asked.
    """

    __tablename__ = "shifts"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("template_id", "day"),
        Index("ix_shifts_area_path", "area_path", "starts_at", "id"),
        Index("ix_shifts_starts_at", "starts_at", "id"),
        Index("ix_shifts_post_id", "post_id", "starts_at", "id"),
        Index("ix_shifts_ends_at", "ends_at"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("taken_count >= 0 AND taken_count <= maximum_count", name="not_overfull"),
        CheckConstraint("waiting_count >= 0", name="waiting_count"),
        CheckConstraint(
            "minimum_count >= 0 AND minimum_count <= wanted_count AND wanted_count <= maximum_count "
            "AND maximum_count > 0 AND maximum_count <= 500",
            name="counts",
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    template_id: Mapped[int | None] = mapped_column(ForeignKey("shift_templates.id"))
    day: Mapped[date] = mapped_column(Date)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    leave_by: Mapped[datetime] = mapped_column(UtcDateTime)
    minimum_count: Mapped[int] = mapped_column(Integer)
    wanted_count: Mapped[int] = mapped_column(Integer)
    maximum_count: Mapped[int] = mapped_column(Integer)
    taken_count: Mapped[int] = mapped_column(Integer, default=0)
    waiting_count: Mapped[int] = mapped_column(Integer, default=0)
    state: Mapped[ShiftState] = mapped_column(word(ShiftState, "state"))
    lead_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    cancelled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cancel_reason: Mapped[str | None] = mapped_column(String(200))
    called_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    asked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)


class ShiftSkill(Model):
    """Of the places of a shift, so many for people who can do this; `taken_count` of them are filled by such."""

    __tablename__ = "shift_skills"
    __table_args__ = (
        CheckConstraint("needed_count > 0", name="needed_count"),
        CheckConstraint("taken_count >= 0", name="taken_count"),
    )

    shift_id: Mapped[int] = mapped_column(ForeignKey("shifts.id"), primary_key=True)
    skill_code: Mapped[str] = mapped_column(ForeignKey("skills.code"), primary_key=True)
    needed_count: Mapped[int] = mapped_column(Integer)
    taken_count: Mapped[int] = mapped_column(Integer, default=0)


class Signup(Model):
    """A person on a shift or in its queue 报名. One live row per person and shift.

    `skill_code` is the needed skill whose place this person fills, if any. An override 破例 carries who and why
    and is marked ※ on the roster. `confirmed_at`: the person said yes to a place that somebody else gave them
    (or took it themselves). `waiting_since` orders the queue; `accept_by` ends an offer. `ended_at` is when the
    row stopped being live; `alarmed_at` when the head was told that the place of a drop-out is still empty.
    """

    __tablename__ = "signups"
    __table_args__ = (
        UniqueConstraint("public_id"),
        partial_index(
            "uq_signups_live",
            "shift_id",
            "person_id",
            where="state IN ('placed', 'offered', 'waiting')",
            unique=True,
        ),
        Index("ix_signups_shift_id", "shift_id", "state", "id"),
        Index("ix_signups_person_id", "person_id", "shift_id"),
        partial_index("ix_signups_waiting", "shift_id", "waiting_since", "id", where="state = 'waiting'"),
        partial_index("ix_signups_offered", "accept_by", where="state = 'offered'"),
        partial_index("ix_signups_dropped_out", "ended_at", "shift_id", where="state = 'dropped_out'"),
        CheckConstraint("(state = 'offered') = (accept_by IS NOT NULL)", name="offer_ends"),
        CheckConstraint(
            "(override_reason IS NULL) = (overridden_by IS NULL)", name="override_has_a_person_and_a_reason"
        ),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    shift_id: Mapped[int] = mapped_column(ForeignKey("shifts.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    state: Mapped[SignupState] = mapped_column(word(SignupState, "state"))
    source: Mapped[SignupSource] = mapped_column(word(SignupSource, "source"))
    skill_code: Mapped[str | None] = mapped_column(ForeignKey("skills.code"))
    override_reason: Mapped[str | None] = mapped_column(String(200))
    overridden_by: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    confirmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    waiting_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    accept_by: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    reminded_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    alarmed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class StandIn(Model):
    """A search for somebody who takes a place 顶班, open to all or to one person; the place stays held until then.

    A SWAP also names `wanted_signup_id`, the other person's place that comes back in return. One open search
    per sign-up.
    """

    __tablename__ = "stand_ins"
    __table_args__ = (
        UniqueConstraint("public_id"),
        partial_index("uq_stand_ins_open", "signup_id", where="state = 'open'", unique=True),
        Index("ix_stand_ins_signup_id", "signup_id"),
        partial_index("ix_stand_ins_to_person_id", "to_person_id", where="state = 'open'"),
        CheckConstraint("(kind = 'swap') = (wanted_signup_id IS NOT NULL)", name="swap_wants_a_place"),
        CheckConstraint("(state = 'taken') = (taken_signup_id IS NOT NULL)", name="taken_by_a_signup"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    signup_id: Mapped[int] = mapped_column(ForeignKey("signups.id"))
    kind: Mapped[StandInKind] = mapped_column(word(StandInKind, "kind"))
    state: Mapped[StandInState] = mapped_column(word(StandInState, "state"))
    to_person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    wanted_signup_id: Mapped[int | None] = mapped_column(ForeignKey("signups.id"))
    taken_signup_id: Mapped[int | None] = mapped_column(ForeignKey("signups.id"))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Attendance(Model):
    """The evidence of one person at one shift 签到记录: roll call's mark, when they came and went, and from where that is known.

    `was_offline`: the phone's own time, sent later. `is_doubtful`: the phone's time could not be believed, the
    arrival of the message counts, and the lead is told. A forgotten check-out is closed by rule (`left_from` is
    'rule') and shown so. `is_walk_in` 现场加入 was not on the list.
    """

    __tablename__ = "attendances"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("shift_id", "person_id"),
        Index("ix_attendances_person_id", "person_id", "shift_id"),
        CheckConstraint("left_at IS NULL OR arrived_at IS NOT NULL", name="left_after_arriving"),
        CheckConstraint("left_at IS NULL OR left_at >= arrived_at", name="left_later"),
        CheckConstraint("mark = 'present' OR arrived_at IS NULL", name="arrived_is_present"),
        CheckConstraint("(arrived_at IS NULL) = (arrived_from IS NULL)", name="arrival_has_a_source"),
        CheckConstraint("(left_at IS NULL) = (left_from IS NULL)", name="leaving_has_a_source"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    shift_id: Mapped[int] = mapped_column(ForeignKey("shifts.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    mark: Mapped[Mark] = mapped_column(word(Mark, "mark"))
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrived_from: Mapped[Evidence | None] = mapped_column(word(Evidence, "arrived_from"))
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    left_from: Mapped[Evidence | None] = mapped_column(word(Evidence, "left_from"))
    was_offline: Mapped[bool] = mapped_column(Boolean, default=False)
    is_doubtful: Mapped[bool] = mapped_column(Boolean, default=False)
    is_walk_in: Mapped[bool] = mapped_column(Boolean, default=False)
    marked_by: Mapped[str | None] = mapped_column(String(80))
    marked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)


class HandoverNote(Model):
    """What one shift tells the next 交接事项."""

    __tablename__ = "handover_notes"
    __table_args__ = (Index("ix_handover_notes_shift_id", "shift_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    shift_id: Mapped[int] = mapped_column(ForeignKey("shifts.id"))
    text: Mapped[str] = mapped_column(String(500))
    written_by: Mapped[str] = mapped_column(String(80))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)


class HoursEntry(Model):
    """A line of the hours ledger 服务时长: minutes that evidence gave, or a correction (plus or minus) with its reason.

    Totals are sums of lines that stand; no balance is stored. Team, organisation and society are those of that
    day. One evidence line per attendance: when evidence changes, a correction is written beside it.
    """

    __tablename__ = "hours_entries"
    __table_args__ = (
        UniqueConstraint("public_id"),
        partial_index("uq_hours_entries_evidence", "attendance_id", where="kind = 'evidence'", unique=True),
        Index("ix_hours_entries_person_id", "person_id", "worked_on", "id"),
        Index("ix_hours_entries_team_id", "team_id", "worked_on"),
        Index("ix_hours_entries_organisation_id", "organisation_id", "worked_on"),
        Index("ix_hours_entries_area_path", "area_path", "worked_on"),
        CheckConstraint("kind <> 'evidence' OR minutes >= 0", name="evidence_is_positive"),
        CheckConstraint("kind <> 'correction' OR reason IS NOT NULL", name="correction_has_a_reason"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    attendance_id: Mapped[int] = mapped_column(ForeignKey("attendances.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    kind: Mapped[EntryKind] = mapped_column(word(EntryKind, "kind"))
    state: Mapped[EntryState] = mapped_column(word(EntryState, "state"))
    minutes: Mapped[int] = mapped_column(Integer)
    worked_on: Mapped[date] = mapped_column(Date)
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    society: Mapped[Society | None] = mapped_column(word(Society, "society"))
    reason: Mapped[str | None] = mapped_column(String(200))
    written_by: Mapped[str] = mapped_column(String(80))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)
    decided_by: Mapped[str | None] = mapped_column(String(80))
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ServiceCertificate(Model):
    """A certificate of voluntary service 志愿服务证明: exactly what it says, for whoever verifies it later."""

    __tablename__ = "service_certificates"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        Index("ix_service_certificates_person_id", "person_id", "id"),
        CheckConstraint("minutes > 0", name="minutes"),
        CheckConstraint("to_on >= from_on", name="span"),
    )
    personal_columns = ("name",)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    number: Mapped[str] = mapped_column(String(30))
    token_hash: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(String(60))
    office_name: Mapped[str] = mapped_column(String(80))
    minutes: Mapped[int] = mapped_column(Integer)
    shift_count: Mapped[int] = mapped_column(Integer)
    from_on: Mapped[date] = mapped_column(Date)
    to_on: Mapped[date] = mapped_column(Date)
    language: Mapped[str] = mapped_column(String(10))
    issued_at: Mapped[datetime] = mapped_column(UtcDateTime)
    file_id: Mapped[int | None] = mapped_column(ForeignKey("files.id"))
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Duty(Model):
    """Somebody on duty round the clock 值班 for an area: leader, medical, hotline, with a phone that answers."""

    __tablename__ = "duties"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("area_id", "kind", "starts_at"),
        Index("ix_duties_area_path", "area_path", "ends_at", "starts_at"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
    )
    personal_columns = ("name", "phone")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    kind: Mapped[DutyKind] = mapped_column(word(DutyKind, "kind"))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[bytes] = mapped_column(Ciphertext)
    written_by: Mapped[str] = mapped_column(String(80))
    written_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Fill(Model):
    """A proposal for a span and posts 自动排一版, with how sure the solver is of it.

    `minimum_missing` and `wanted_missing` count places that stay empty; `gap_permille` is how far the result may
    be from the best one (0 when proven). `seconds` is the solver's own time.
    """

    __tablename__ = "fills"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_fills_area_path", "area_path", "id"),
        CheckConstraint("to_on >= from_on", name="span"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    from_on: Mapped[date] = mapped_column(Date)
    to_on: Mapped[date] = mapped_column(Date)
    state: Mapped[FillState] = mapped_column(word(FillState, "state"))
    job_public_id: Mapped[str | None] = mapped_column(PublicId)
    solver_status: Mapped[SolverStatus | None] = mapped_column(word(SolverStatus, "solver_status"))
    gap_permille: Mapped[int | None] = mapped_column(Integer)
    minimum_missing: Mapped[int | None] = mapped_column(Integer)
    wanted_missing: Mapped[int | None] = mapped_column(Integer)
    seconds: Mapped[int | None] = mapped_column(Integer)
    asked_by: Mapped[str] = mapped_column(String(80))
    asked_at: Mapped[datetime] = mapped_column(UtcDateTime)
    solved_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    published_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)


class FillPost(Model):
    """A post that a proposal is about."""

    __tablename__ = "fill_posts"

    fill_id: Mapped[int] = mapped_column(ForeignKey("fills.id"), primary_key=True)
    post_id: Mapped[int] = mapped_column(ForeignKey("posts.id"), primary_key=True)


class FillCell(Model):
    """A person on a shift in a proposal; a locked one stays where it is when the solver runs again.

    Publishing gives each cell its sign-up, or the code of the rule that no longer allows it.
    """

    __tablename__ = "fill_cells"
    __table_args__ = (
        Index("ix_fill_cells_shift_id", "shift_id"),
        CheckConstraint("signup_id IS NULL OR refused_code IS NULL", name="one_outcome"),
    )

    fill_id: Mapped[int] = mapped_column(ForeignKey("fills.id"), primary_key=True)
    shift_id: Mapped[int] = mapped_column(ForeignKey("shifts.id"), primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"), primary_key=True)
    skill_code: Mapped[str | None] = mapped_column(ForeignKey("skills.code"))
    is_locked: Mapped[bool] = mapped_column(Boolean, default=False)
    override_reason: Mapped[str | None] = mapped_column(String(200))
    signup_id: Mapped[int | None] = mapped_column(ForeignKey("signups.id"))
    refused_code: Mapped[str | None] = mapped_column(String(40))


class FillGap(Model):
    """Places of a shift that a proposal leaves empty, and why 为什么空着. An empty skill code: for anybody."""

    __tablename__ = "fill_gaps"
    __table_args__ = (CheckConstraint("missing_count > 0", name="missing_count"),)

    fill_id: Mapped[int] = mapped_column(ForeignKey("fills.id"), primary_key=True)
    shift_id: Mapped[int] = mapped_column(ForeignKey("shifts.id"), primary_key=True)
    skill_code: Mapped[str] = mapped_column(String(30), primary_key=True, default="")
    missing_count: Mapped[int] = mapped_column(Integer)
    reason: Mapped[GapReason] = mapped_column(word(GapReason, "reason"))


class RosterSheet(Model):
    """A printed roster 排班表/签到表: what it is of, its version and the stored PDF.

    `subject_key` names what it shows (week:<area>:<monday>, sign_in:<post>:<day>, …). The same content is the
    same version and never made twice; `rows` keeps each row's fingerprint, so that a reprint marks what changed.
    The QR code carries the public id and opens the roll call of that sheet for who may hold it.
    """

    __tablename__ = "roster_sheets"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("kind", "copy", "subject_key", "version"),
        UniqueConstraint("kind", "copy", "subject_key", "language", "content_hash"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    kind: Mapped[RosterSheetKind] = mapped_column(word(RosterSheetKind, "kind"))
    copy: Mapped[Copy] = mapped_column(word(Copy, "copy"))
    subject_key: Mapped[str] = mapped_column(String(120))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    post_id: Mapped[int | None] = mapped_column(ForeignKey("posts.id"))
    day: Mapped[date | None] = mapped_column(Date)
    language: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    content_hash: Mapped[str] = mapped_column(String(64))
    rows: Mapped[str] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(String(200))
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    printed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    printed_by: Mapped[str] = mapped_column(String(80))


class SecretLink(Model):
    """A secret, revocable address 链接: a post's wall page or a calendar feed. Only the token's hash is kept."""

    __tablename__ = "roster_links"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("token_hash"),
        Index("ix_roster_links_subject", "kind", "subject_id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    kind: Mapped[LinkKind] = mapped_column(word(LinkKind, "kind"))
    subject_id: Mapped[int] = mapped_column(Id)
    token_hash: Mapped[str] = mapped_column(String(64))
    token_start: Mapped[str] = mapped_column(String(6))
    made_by: Mapped[str] = mapped_column(String(80))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
