"""Tables of the reserve, team types, call-ups, waves, summonses, the muster, the call list and printed sheets."""

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

from webapp.base.db import Id, Model, PublicId, SortText, UtcDateTime, partial_index, word
from webapp.domain.mobilization.rules import (
    AnswerSource,
    CallResult,
    CallUpState,
    CannotReason,
    Category,
    Certainty,
    EnrolSource,
    EventKind,
    MusterState,
    Readiness,
    SheetCopy,
    SheetKind,
    ShortBecause,
    Stay,
    SummonsState,
    UnitState,
)
from webapp.domain.rosters.rules import Evidence
from webapp.domain.volunteers.rules import Availability, Half

# --- the reserve --------------------------------------------------------------------------------------------


class Reservist(Model):
    """A person of the reserve 储备人员: volunteer, seconded cadre or other staff, one pool over all organisations.

    `area_path` is where they live or work, as exactly as known: distance and the side of the cordon follow from
    it. `name`, `phone_tail` and `pinyin_key` repeat the person's. What they can do is said once: a volunteer's
    skills and half-days of the week stand with the volunteer; `reservist_skills` adds what is known only here.
    The counts and the `last_` instants are history, written when a wave goes out and when a call-up's books are
    closed; a drill's answers count in their own pair.
    """

    __tablename__ = "reservists"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("person_id"),
        Index("ix_reservists_area_path", "area_path", "pinyin_key", "id"),
        Index("ix_reservists_team_id", "team_id", "pinyin_key", "id"),
        Index("ix_reservists_organisation_id", "organisation_id"),
        CheckConstraint("(readiness = 'away') = (away_until IS NOT NULL)", name="away_until"),
        CheckConstraint("yes_count >= 0 AND yes_count <= call_count", name="answered_calls"),
        CheckConstraint("drill_yes_count >= 0 AND drill_yes_count <= drill_count", name="answered_drills"),
    )
    personal_columns = ("name", "pinyin_key", "phone_tail", "unit", "note")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    name: Mapped[str] = mapped_column(String(60))
    pinyin_key: Mapped[str] = mapped_column(SortText)
    phone_tail: Mapped[str] = mapped_column(String(4))
    category: Mapped[Category] = mapped_column(word(Category, "category"))
    unit: Mapped[str | None] = mapped_column(String(80))
    team_id: Mapped[int | None] = mapped_column(ForeignKey("teams.id"))
    organisation_id: Mapped[int | None] = mapped_column(ForeignKey("organisations.id"))
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    readiness: Mapped[Readiness] = mapped_column(word(Readiness, "readiness"))
    away_until: Mapped[datetime | None] = mapped_column(UtcDateTime)
    note: Mapped[str | None] = mapped_column(String(200))
    source: Mapped[EnrolSource] = mapped_column(word(EnrolSource, "source"))
    enrolled_at: Mapped[datetime] = mapped_column(UtcDateTime)
    left_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    call_count: Mapped[int] = mapped_column(Integer, default=0)
    yes_count: Mapped[int] = mapped_column(Integer, default=0)
    drill_count: Mapped[int] = mapped_column(Integer, default=0)
    drill_yes_count: Mapped[int] = mapped_column(Integer, default=0)
    stood_down_count: Mapped[int] = mapped_column(Integer, default=0)
    last_called_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_mustered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_drilled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)


class ReservistSkill(Model):
    """Something that a reservist can do, besides what stands with the volunteer of the same person."""

    __tablename__ = "reservist_skills"
    __table_args__ = (Index("ix_reservist_skills_skill_code", "skill_code", "reservist_id"),)

    reservist_id: Mapped[int] = mapped_column(ForeignKey("reservists.id"), primary_key=True)
    skill_code: Mapped[str] = mapped_column(ForeignKey("skills.code"), primary_key=True)


class ReserveDay(Model):
    """What a reservist said of one half of one day 可召集时间; it goes before the week of the volunteer's profile.

    A half-day that begins within the freeze (48 h, setting) is changed by staff only, with a reason.
    """

    __tablename__ = "reserve_days"
    __table_args__ = (
        Index("ix_reserve_days_day", "day", "half"),
        CheckConstraint("state IN ('available', 'not_available')", name="said"),
    )

    reservist_id: Mapped[int] = mapped_column(ForeignKey("reservists.id"), primary_key=True)
    day: Mapped[date] = mapped_column(Date, primary_key=True)
    half: Mapped[Half] = mapped_column(word(Half, "half"), primary_key=True)
    state: Mapped[Availability] = mapped_column(word(Availability, "state"))
    said_at: Mapped[datetime] = mapped_column(UtcDateTime)


class TeamType(Model):
    """A kind of team that an area can field 队伍类型, as data: so many of each role."""

    __tablename__ = "team_types"
    __table_args__ = (UniqueConstraint("public_id"), UniqueConstraint("name"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    position: Mapped[int] = mapped_column(Integer)
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TeamTypeRole(Model):
    """A role of a kind of team: so many people, who can do this (no skill: anybody)."""

    __tablename__ = "team_type_roles"
    __table_args__ = (CheckConstraint("needed_count > 0", name="needed_count"),)

    team_type_id: Mapped[int] = mapped_column(ForeignKey("team_types.id"), primary_key=True)
    position: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    name_en: Mapped[str] = mapped_column(String(60))
    skill_code: Mapped[str | None] = mapped_column(ForeignKey("skills.code"))
    needed_count: Mapped[int] = mapped_column(Integer)


# --- the call-up --------------------------------------------------------------------------------------------


class CallUp(Model):
    """A call-up 召集: places by role for one time at one muster point, filled in waves.

    `area_path` is the area that calls and where the places are; `tier_path` how far the calling has climbed and
    `widest_path` how far it may (community → town → county). `next_at` is when the engine looks again; it is
    NULL while nothing is due. Whoever changes the call-up raises `version` first, which locks the row.
    `code` is what an SMS reply may carry, so that two call-ups never mix their answers. A drill 拉动演练 goes the
    same way and says so everywhere. `is_announced`: the people of a drill knew that one would come.
    """

    __tablename__ = "call_ups"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("number"),
        UniqueConstraint("wall_token_hash"),
        partial_index(
            "uq_call_ups_live_code",
            "code",
            where="state IN ('draft', 'running', 'paused', 'ended')",
            unique=True,
        ),
        partial_index("ix_call_ups_due", "next_at", where="state = 'running'"),
        Index("ix_call_ups_area_path", "area_path", "id"),
        CheckConstraint("ends_at > starts_at", name="ends_after_start"),
        CheckConstraint("reply_minutes > 0 AND reply_minutes <= 1440", name="reply_minutes"),
        CheckConstraint("(state = 'draft') = (started_at IS NULL)", name="started"),
    )
    personal_columns = ("phone",)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    number: Mapped[str] = mapped_column(String(20))
    code: Mapped[str] = mapped_column(String(4))
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    area_path: Mapped[str] = mapped_column(SortText, ForeignKey("areas.path", onupdate="CASCADE"))
    title: Mapped[str] = mapped_column(String(60))
    state: Mapped[CallUpState] = mapped_column(word(CallUpState, "state"))
    is_drill: Mapped[bool] = mapped_column(Boolean, default=False)
    is_announced: Mapped[bool] = mapped_column(Boolean, default=False)
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime] = mapped_column(UtcDateTime)
    muster_point: Mapped[str] = mapped_column(String(60))
    landmark: Mapped[str] = mapped_column(String(120), default="")
    map_url: Mapped[str | None] = mapped_column(String(300))
    bring: Mapped[str] = mapped_column(String(120), default="")
    stay: Mapped[Stay] = mapped_column(word(Stay, "stay"))
    sleeps: Mapped[str] = mapped_column(String(120), default="")
    eats: Mapped[str] = mapped_column(String(120), default="")
    caller_name: Mapped[str] = mapped_column(String(60))
    phone: Mapped[str] = mapped_column(String(30))
    certainty: Mapped[Certainty] = mapped_column(word(Certainty, "certainty"))
    reply_minutes: Mapped[int] = mapped_column(Integer)
    tier_path: Mapped[str] = mapped_column(SortText)
    widest_path: Mapped[str] = mapped_column(SortText)
    quiet_reason: Mapped[str | None] = mapped_column(String(200))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    created_by: Mapped[str] = mapped_column(String(80))
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    end_reason: Mapped[str | None] = mapped_column(String(200))
    closed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    wall_token_hash: Mapped[str | None] = mapped_column(String(64))
    wall_number: Mapped[int] = mapped_column(Integer, default=0)
    code_version: Mapped[int] = mapped_column(Integer, default=1)
    version: Mapped[int] = mapped_column(Integer, default=1)
    # Raised by whatever changes what the board shows; its ETag.
    board_version: Mapped[int] = mapped_column(Integer, default=1)


class CallUpCategory(Model):
    """Who may be called 可以叫谁: these categories. No row: everybody of the reserve."""

    __tablename__ = "call_up_categories"

    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"), primary_key=True)
    category: Mapped[Category] = mapped_column(word(Category, "category"), primary_key=True)


class CallUpRole(Model):
    """Places of a call-up for one role 任务角色. `taken_count` never exceeds `wanted_count`: last place once.

    It counts those who are coming, and the people whom a unit promised and has not named yet. After the role was
    stood down as many are wanted as were left, which may be none. `shift_id` is the shift that was made from those
    who mustered.
    """

    __tablename__ = "call_up_roles"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("call_up_id", "position"),
        CheckConstraint("wanted_count >= 0 AND wanted_count <= 2000", name="wanted_count"),
        CheckConstraint("taken_count >= 0 AND taken_count <= wanted_count", name="not_overfull"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"))
    position: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(40))
    skill_code: Mapped[str | None] = mapped_column(ForeignKey("skills.code"))
    wanted_count: Mapped[int] = mapped_column(Integer)
    taken_count: Mapped[int] = mapped_column(Integer, default=0)
    short_because: Mapped[ShortBecause | None] = mapped_column(word(ShortBecause, "short_because"))
    shift_id: Mapped[int | None] = mapped_column(ForeignKey("shifts.id"))


class Wave(Model):
    """A wave 第n批通知 of one role: unique by number, so that two workers never send the same one.

    `open_count` places were open, `asked_count` people were chosen; `chance_permille` is how surely they fill
    them together with those who were asked before, against the chosen `target_permille`.
    """

    __tablename__ = "call_up_waves"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("role_id", "number"),
        Index("ix_call_up_waves_call_up_id", "call_up_id", "id"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"))
    role_id: Mapped[int] = mapped_column(ForeignKey("call_up_roles.id"))
    number: Mapped[int] = mapped_column(Integer)
    tier_path: Mapped[str] = mapped_column(SortText)
    open_count: Mapped[int] = mapped_column(Integer)
    asked_count: Mapped[int] = mapped_column(Integer)
    target_permille: Mapped[int] = mapped_column(Integer)
    chance_permille: Mapped[int] = mapped_column(Integer)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply_by: Mapped[datetime] = mapped_column(UtcDateTime)


class Unit(Model):
    """A team that is called as a unit 整队召集: its lead says how many come, then ticks their names.

    Until the names are ticked, `promised_count - named_count` places of the role are held for them.
    """

    __tablename__ = "call_up_units"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("token_hash"),
        UniqueConstraint("call_up_id", "team_id"),
        Index("ix_call_up_units_person_id", "person_id"),
        CheckConstraint("promised_count >= named_count AND named_count >= 0", name="named"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"))
    role_id: Mapped[int] = mapped_column(ForeignKey("call_up_roles.id"))
    team_id: Mapped[int] = mapped_column(ForeignKey("teams.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    token_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[UnitState] = mapped_column(word(UnitState, "state"))
    asked_count: Mapped[int] = mapped_column(Integer)
    promised_count: Mapped[int] = mapped_column(Integer, default=0)
    named_count: Mapped[int] = mapped_column(Integer, default=0)
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply_by: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Summons(Model):
    """One person and one call-up 应召: what was asked, what they answered, where they got to.

    One row per person and call-up, for ever: nobody is asked twice. A place is held while the state is COMING,
    and then a commitment of kind call_up takes the person's time. `because` are the codes of why they were
    chosen, `chance_permille` how likely a yes seemed. `slip_code` stands on the slip 应召凭证. `listed_at`: the
    person is on the call list, split to `listed_to_id` (a team's lead; NULL: the office).
    """

    __tablename__ = "summonses"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("token_hash"),
        UniqueConstraint("call_up_id", "person_id"),
        UniqueConstraint("call_up_id", "slip_code"),
        Index("ix_summonses_role_id", "role_id", "state", "id"),
        Index("ix_summonses_person_id", "person_id", "id"),
        Index("ix_summonses_wave_id", "wave_id"),
        partial_index("ix_summonses_silent", "reply_by", where="state IN ('waiting', 'later')"),
        partial_index("ix_summonses_welfare", "welfare_due_at", where="muster IN ('arrived', 'on_duty')"),
        CheckConstraint("muster IS NULL OR state = 'coming'", name="musters_who_comes"),
        CheckConstraint("state <> 'cannot' OR answered_at IS NOT NULL", name="no_has_a_time"),
        CheckConstraint("state <> 'coming' OR slip_code IS NOT NULL", name="yes_has_a_slip"),
        CheckConstraint(
            "muster IS NULL OR muster IN ('en_route', 'overdue') OR arrived_at IS NOT NULL",
            name="arrived_has_a_time",
        ),
    )
    personal_columns = ("said",)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"))
    role_id: Mapped[int] = mapped_column(ForeignKey("call_up_roles.id"))
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("call_up_waves.id"))
    unit_id: Mapped[int | None] = mapped_column(ForeignKey("call_up_units.id"))
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    token_hash: Mapped[str] = mapped_column(String(64))
    state: Mapped[SummonsState] = mapped_column(word(SummonsState, "state"))
    because: Mapped[str] = mapped_column(String(120), default="")
    chance_permille: Mapped[int | None] = mapped_column(Integer)
    channel: Mapped[str | None] = mapped_column(String(20))
    sent_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reply_by: Mapped[datetime] = mapped_column(UtcDateTime)
    answered_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    answer_source: Mapped[AnswerSource | None] = mapped_column(word(AnswerSource, "answer_source"))
    answered_by: Mapped[str | None] = mapped_column(String(80))
    eta_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    cannot_reason: Mapped[CannotReason | None] = mapped_column(word(CannotReason, "cannot_reason"))
    said: Mapped[str | None] = mapped_column(String(200))
    knows_sealed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    slip_code: Mapped[str | None] = mapped_column(String(8))
    muster: Mapped[MusterState | None] = mapped_column(word(MusterState, "muster"))
    left_for_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrived_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    arrived_from: Mapped[Evidence | None] = mapped_column(word(Evidence, "arrived_from"))
    departed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    is_walk_in: Mapped[bool] = mapped_column(Boolean, default=False)
    assigned_to: Mapped[str | None] = mapped_column(String(60))
    welfare_due_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    welfare_checked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    welfare_checked_by: Mapped[str | None] = mapped_column(String(80))
    listed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    listed_to_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    stood_down_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    version: Mapped[int] = mapped_column(Integer, default=1)


class CallAttempt(Model):
    """A phone call of the call list, by whom and with what result."""

    __tablename__ = "call_attempts"
    __table_args__ = (UniqueConstraint("summons_id", "number"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    summons_id: Mapped[int] = mapped_column(ForeignKey("summonses.id"))
    number: Mapped[int] = mapped_column(Integer)
    result: Mapped[CallResult] = mapped_column(word(CallResult, "result"))
    called_at: Mapped[datetime] = mapped_column(UtcDateTime)
    called_by: Mapped[str] = mapped_column(String(80))


class CallUpEvent(Model):
    """A line of the timeline: what the engine or a person did, when, and the figures that matter (small JSON)."""

    __tablename__ = "call_up_events"
    __table_args__ = (Index("ix_call_up_events_call_up_id", "call_up_id", "id"),)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"))
    at: Mapped[datetime] = mapped_column(UtcDateTime)
    kind: Mapped[EventKind] = mapped_column(word(EventKind, "kind"))
    role_id: Mapped[int | None] = mapped_column(ForeignKey("call_up_roles.id"))
    wave_id: Mapped[int | None] = mapped_column(ForeignKey("call_up_waves.id"))
    by: Mapped[str] = mapped_column(String(80))
    facts: Mapped[str] = mapped_column(Text, default="{}")


class MobilizationSheet(Model):
    """A printed sheet of a call-up: its version and the stored PDF; the same content is never made twice."""

    __tablename__ = "mobilization_sheets"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("call_up_id", "kind", "copy", "part", "version"),
        UniqueConstraint("call_up_id", "kind", "copy", "part", "language", "content_hash"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    call_up_id: Mapped[int] = mapped_column(ForeignKey("call_ups.id"))
    kind: Mapped[SheetKind] = mapped_column(word(SheetKind, "kind"))
    copy: Mapped[SheetCopy] = mapped_column(word(SheetCopy, "copy"))
    # What part of the call-up it shows: "" for all, team:<public id>, caller:<public id>.
    part: Mapped[str] = mapped_column(String(60), default="")
    language: Mapped[str] = mapped_column(String(10))
    version: Mapped[int] = mapped_column(Integer)
    content_hash: Mapped[str] = mapped_column(String(64))
    reason: Mapped[str | None] = mapped_column(String(200))
    file_id: Mapped[int] = mapped_column(ForeignKey("files.id"))
    printed_at: Mapped[datetime] = mapped_column(UtcDateTime)
    printed_by: Mapped[str] = mapped_column(String(80))
