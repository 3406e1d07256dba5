"""Volunteers, teams, posts, shifts, evidence and hours; people may carry an ID number, a person several sign-ins."""

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

SKILLS = Path(__file__).with_name("0002_skills.json")
ROLES = (
    "resident",
    "building_lead",
    "grid_worker",
    "community_head",
    "town_dispatcher",
    "county_dispatcher",
    "administrator",
)
ROLE_CHECK = "ck_appointments_role"


def upgrade() -> None:
    op.create_table(
        "roster_links",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "wall",
                "calendar_volunteer",
                "calendar_team",
                "calendar_post",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("token_start", sa.String(length=6), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "revoked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_links")),
        sa.UniqueConstraint("public_id", name=op.f("uq_roster_links_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_roster_links_token_hash")),
    )
    with op.batch_alter_table("roster_links", schema=None) as batch_op:
        batch_op.create_index("ix_roster_links_subject", ["kind", "subject_id"], unique=False)

    op.create_table(
        "skills",
        sa.Column("code", sa.String(length=30), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "task",
                "certified",
                "language",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_skills")),
    )
    op.create_table(
        "commitments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "shift",
                "call_up",
                "errand",
                "escort",
                "trip",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reference_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_commitments_ends_after_start")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_commitments_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_commitments")),
        sa.UniqueConstraint("kind", "reference_id", name=op.f("uq_commitments_kind_reference_id")),
    )
    with op.batch_alter_table("commitments", schema=None) as batch_op:
        batch_op.create_index("ix_commitments_person_id", ["person_id", "ends_at", "starts_at"], unique=False)

    op.create_table(
        "service_certificates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("office_name", sa.String(length=80), nullable=False),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("shift_count", sa.Integer(), nullable=False),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column(
            "issued_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "revoked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint("minutes > 0", name=op.f("ck_service_certificates_minutes")),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_service_certificates_span")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_service_certificates_file_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_service_certificates_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_service_certificates")),
        sa.UniqueConstraint("number", name=op.f("uq_service_certificates_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_service_certificates_public_id")),
    )
    with op.batch_alter_table("service_certificates", schema=None) as batch_op:
        batch_op.create_index("ix_service_certificates_person_id", ["person_id", "id"], unique=False)

    op.create_table(
        "duties",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "leader",
                "medical",
                "hotline",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("written_by", sa.String(length=80), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_duties_ends_after_start")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_duties_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_duties_area_path"), onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
        sa.UniqueConstraint("area_id", "kind", "starts_at", name=op.f("uq_duties_area_id_kind_starts_at")),
        sa.UniqueConstraint("public_id", name=op.f("uq_duties_public_id")),
    )
    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.create_index("ix_duties_area_path", ["area_path", "ends_at", "starts_at"], unique=False)

    op.create_table(
        "organisations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=True),
        sa.Column(
            "society",
            sa.Enum(
                "community",
                "social_organisation",
                "social_worker",
                "volunteer",
                "charity",
                name="society",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_organisations_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_organisations_area_path"), onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organisations")),
        sa.UniqueConstraint("area_id", "name", name=op.f("uq_organisations_area_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_organisations_public_id")),
    )
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.create_index("ix_organisations_area_path", ["area_path", "name", "id"], unique=False)

    op.create_table(
        "teams",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=True),
        sa.Column(
            "society",
            sa.Enum(
                "community",
                "social_organisation",
                "social_worker",
                "volunteer",
                "charity",
                name="society",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_teams_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_teams_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_teams_organisation_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("area_id", "name", name=op.f("uq_teams_area_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_teams_public_id")),
    )
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.create_index("ix_teams_area_path", ["area_path", "name", "id"], unique=False)
        batch_op.create_index("ix_teams_organisation_id", ["organisation_id"], unique=False)

    op.create_table(
        "fills",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("from_on", sa.Date(), nullable=False),
        sa.Column("to_on", sa.Date(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "solving",
                "proposed",
                "publishing",
                "published",
                "discarded",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "job_public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column(
            "solver_status",
            sa.Enum(
                "optimal",
                "feasible",
                "none",
                name="solver_status",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("gap_permille", sa.Integer(), nullable=True),
        sa.Column("minimum_missing", sa.Integer(), nullable=True),
        sa.Column("wanted_missing", sa.Integer(), nullable=True),
        sa.Column("seconds", sa.Integer(), nullable=True),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "solved_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "published_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("to_on >= from_on", name=op.f("ck_fills_span")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_fills_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_fills_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_fills_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fills")),
        sa.UniqueConstraint("public_id", name=op.f("uq_fills_public_id")),
    )
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.create_index("ix_fills_area_path", ["area_path", "id"], unique=False)

    op.create_table(
        "posts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=True),
        sa.Column(
            "kind",
            sa.Enum(
                "gate",
                "delivery",
                "sampling",
                "hotline",
                "disinfection",
                "supplies",
                "care",
                "other",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("place", sa.String(length=120), nullable=False),
        sa.Column("instructions", sa.String(length=200), nullable=False),
        sa.Column(
            "protection",
            sa.Enum(
                "none",
                "level_1",
                "level_2",
                "level_3",
                name="protection",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("suit_minutes", sa.Integer(), nullable=True),
        sa.Column("lead_person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("phone", sa.String(length=30), nullable=True),
        sa.Column("handles_household_data", sa.Boolean(), nullable=False),
        sa.Column("adults_only", sa.Boolean(), nullable=False),
        sa.Column("newcomers_welcome", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint("suit_minutes > 0", name=op.f("ck_posts_suit_minutes")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_posts_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_posts_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lead_person_id"], ["people.id"], name=op.f("fk_posts_lead_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_posts_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posts")),
        sa.UniqueConstraint("area_id", "name", name=op.f("uq_posts_area_id_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_posts_public_id")),
    )
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.create_index("ix_posts_area_path", ["area_path", "position", "id"], unique=False)
        batch_op.create_index("ix_posts_team_id", ["team_id"], unique=False)

    op.create_table(
        "team_invitations",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("use_limit", sa.Integer(), nullable=False),
        sa.Column("used_count", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.Column(
            "made_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "revoked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint("use_limit > 0", name=op.f("ck_team_invitations_use_limit")),
        sa.CheckConstraint(
            "used_count >= 0 AND used_count <= use_limit", name=op.f("ck_team_invitations_used_count")
        ),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_invitations_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_invitations")),
        sa.UniqueConstraint("public_id", name=op.f("uq_team_invitations_public_id")),
    )
    with op.batch_alter_table("team_invitations", schema=None) as batch_op:
        batch_op.create_index("ix_team_invitations_team_id", ["team_id", "id"], unique=False)

    op.create_table(
        "team_leads",
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "since", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_team_leads_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_team_leads_team_id")),
        sa.PrimaryKeyConstraint("team_id", "person_id", name=op.f("pk_team_leads")),
    )
    with op.batch_alter_table("team_leads", schema=None) as batch_op:
        batch_op.create_index("ix_team_leads_person_id", ["person_id"], unique=False)

    op.create_table(
        "fill_posts",
        sa.Column("fill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.ForeignKeyConstraint(["fill_id"], ["fills.id"], name=op.f("fk_fill_posts_fill_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_fill_posts_post_id")),
        sa.PrimaryKeyConstraint("fill_id", "post_id", name=op.f("pk_fill_posts")),
    )
    op.create_table(
        "roster_sheets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "week",
                "sign_in",
                "person",
                "team",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "copy",
            sa.Enum("wall", "working", name="copy", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("subject_key", sa.String(length=120), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("day", sa.Date(), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("rows", sa.Text(), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "printed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("printed_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_roster_sheets_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_roster_sheets_file_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_roster_sheets_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_sheets")),
        sa.UniqueConstraint(
            "kind",
            "copy",
            "subject_key",
            "language",
            "content_hash",
            name=op.f("uq_roster_sheets_kind_copy_subject_key_language_content_hash"),
        ),
        sa.UniqueConstraint(
            "kind",
            "copy",
            "subject_key",
            "version",
            name=op.f("uq_roster_sheets_kind_copy_subject_key_version"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_roster_sheets_public_id")),
    )
    op.create_table(
        "shift_templates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("weekdays", sa.Integer(), nullable=False),
        sa.Column("start_minute", sa.Integer(), nullable=False),
        sa.Column("length_minutes", sa.Integer(), nullable=False),
        sa.Column("minimum_count", sa.Integer(), nullable=False),
        sa.Column("wanted_count", sa.Integer(), nullable=False),
        sa.Column("maximum_count", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.CheckConstraint(
            "length_minutes > 0 AND length_minutes <= 1440", name=op.f("ck_shift_templates_length_minutes")
        ),
        sa.CheckConstraint(
            "minimum_count >= 0 AND minimum_count <= wanted_count AND wanted_count <= maximum_count AND maximum_count > 0 AND maximum_count <= 500",
            name=op.f("ck_shift_templates_counts"),
        ),
        sa.CheckConstraint(
            "start_minute >= 0 AND start_minute < 1440", name=op.f("ck_shift_templates_start_minute")
        ),
        sa.CheckConstraint("weekdays > 0 AND weekdays < 128", name=op.f("ck_shift_templates_weekdays")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_shift_templates_post_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shift_templates")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shift_templates_public_id")),
    )
    with op.batch_alter_table("shift_templates", schema=None) as batch_op:
        batch_op.create_index("ix_shift_templates_post_id", ["post_id", "start_minute", "id"], unique=False)

    op.create_table(
        "volunteers",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "pinyin_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("phone_tail", sa.String(length=4), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "applied",
                "asked_back",
                "accepted",
                "refused",
                "left",
                "merged",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "society",
            sa.Enum(
                "community",
                "social_organisation",
                "social_worker",
                "volunteer",
                "charity",
                name="society",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "age_group",
            sa.Enum("adult", "minor", name="age_group", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("guardian_name", sa.String(length=60), nullable=True),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column("invitation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "applied_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decision_note", sa.String(length=200), nullable=True),
        sa.Column("answer", sa.String(length=200), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(state = 'merged') = (merged_into_id IS NOT NULL)", name=op.f("ck_volunteers_merged_into")
        ),
        sa.CheckConstraint(
            "age_group <> 'minor' OR guardian_name IS NOT NULL", name=op.f("ck_volunteers_minor_with_consent")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_volunteers_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_volunteers_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["invitation_id"], ["team_invitations.id"], name=op.f("fk_volunteers_invitation_id")
        ),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["volunteers.id"], name=op.f("fk_volunteers_merged_into_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_volunteers_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_volunteers_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_volunteers_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_volunteers")),
        sa.UniqueConstraint("person_id", name=op.f("uq_volunteers_person_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_volunteers_public_id")),
    )
    with op.batch_alter_table("volunteers", schema=None) as batch_op:
        batch_op.create_index("ix_volunteers_area_path", ["area_path", "pinyin_key", "id"], unique=False)
        batch_op.create_index("ix_volunteers_organisation_id", ["organisation_id"], unique=False)
        batch_op.create_index("ix_volunteers_state", ["state", "area_path", "id"], unique=False)
        batch_op.create_index("ix_volunteers_team_id", ["team_id", "pinyin_key", "id"], unique=False)

    op.create_table(
        "availability_slots",
        sa.Column("volunteer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("weekday", sa.Integer(), nullable=False),
        sa.Column(
            "half",
            sa.Enum(
                "morning", "afternoon", name="half", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "unknown",
                "available",
                "not_available",
                "committed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state IN ('available', 'not_available')", name=op.f("ck_availability_slots_said")
        ),
        sa.CheckConstraint("weekday >= 0 AND weekday <= 6", name=op.f("ck_availability_slots_weekday")),
        sa.ForeignKeyConstraint(
            ["volunteer_id"], ["volunteers.id"], name=op.f("fk_availability_slots_volunteer_id")
        ),
        sa.PrimaryKeyConstraint("volunteer_id", "weekday", "half", name=op.f("pk_availability_slots")),
    )
    op.create_table(
        "pledges",
        sa.Column("volunteer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "health", "confidentiality", name="kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column(
            "pledged_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["volunteer_id"], ["volunteers.id"], name=op.f("fk_pledges_volunteer_id")),
        sa.PrimaryKeyConstraint("volunteer_id", "kind", "version", name=op.f("pk_pledges")),
    )
    op.create_table(
        "shifts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("post_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "leave_by",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("minimum_count", sa.Integer(), nullable=False),
        sa.Column("wanted_count", sa.Integer(), nullable=False),
        sa.Column("maximum_count", sa.Integer(), nullable=False),
        sa.Column("taken_count", sa.Integer(), nullable=False),
        sa.Column("waiting_count", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "open",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("lead_person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "cancelled_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("cancel_reason", sa.String(length=200), nullable=True),
        sa.Column(
            "called_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "asked_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_shifts_ends_after_start")),
        sa.CheckConstraint(
            "minimum_count >= 0 AND minimum_count <= wanted_count AND wanted_count <= maximum_count AND maximum_count > 0 AND maximum_count <= 500",
            name=op.f("ck_shifts_counts"),
        ),
        sa.CheckConstraint(
            "taken_count >= 0 AND taken_count <= maximum_count", name=op.f("ck_shifts_not_overfull")
        ),
        sa.CheckConstraint("waiting_count >= 0", name=op.f("ck_shifts_waiting_count")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_shifts_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["lead_person_id"], ["people.id"], name=op.f("fk_shifts_lead_person_id")),
        sa.ForeignKeyConstraint(["post_id"], ["posts.id"], name=op.f("fk_shifts_post_id")),
        sa.ForeignKeyConstraint(["template_id"], ["shift_templates.id"], name=op.f("fk_shifts_template_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_shifts")),
        sa.UniqueConstraint("public_id", name=op.f("uq_shifts_public_id")),
        sa.UniqueConstraint("template_id", "day", name=op.f("uq_shifts_template_id_day")),
    )
    with op.batch_alter_table("shifts", schema=None) as batch_op:
        batch_op.create_index("ix_shifts_area_path", ["area_path", "starts_at", "id"], unique=False)
        batch_op.create_index("ix_shifts_ends_at", ["ends_at"], unique=False)
        batch_op.create_index("ix_shifts_post_id", ["post_id", "starts_at", "id"], unique=False)
        batch_op.create_index("ix_shifts_starts_at", ["starts_at", "id"], unique=False)

    op.create_table(
        "skill_certificates",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("volunteer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=False),
        sa.Column("number", sa.String(length=60), nullable=True),
        sa.Column("expires_on", sa.Date(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["skill_code"], ["skills.code"], name=op.f("fk_skill_certificates_skill_code")
        ),
        sa.ForeignKeyConstraint(
            ["volunteer_id"], ["volunteers.id"], name=op.f("fk_skill_certificates_volunteer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_skill_certificates")),
        sa.UniqueConstraint("public_id", name=op.f("uq_skill_certificates_public_id")),
    )
    with op.batch_alter_table("skill_certificates", schema=None) as batch_op:
        batch_op.create_index(
            "ix_skill_certificates_volunteer_id", ["volunteer_id", "skill_code"], unique=False
        )

    op.create_table(
        "template_skills",
        sa.Column("template_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=False),
        sa.Column("needed_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("needed_count > 0", name=op.f("ck_template_skills_needed_count")),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_template_skills_skill_code")),
        sa.ForeignKeyConstraint(
            ["template_id"], ["shift_templates.id"], name=op.f("fk_template_skills_template_id")
        ),
        sa.PrimaryKeyConstraint("template_id", "skill_code", name=op.f("pk_template_skills")),
    )
    op.create_table(
        "volunteer_skills",
        sa.Column("volunteer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_volunteer_skills_skill_code")),
        sa.ForeignKeyConstraint(
            ["volunteer_id"], ["volunteers.id"], name=op.f("fk_volunteer_skills_volunteer_id")
        ),
        sa.PrimaryKeyConstraint("volunteer_id", "skill_code", name=op.f("pk_volunteer_skills")),
    )
    with op.batch_alter_table("volunteer_skills", schema=None) as batch_op:
        batch_op.create_index("ix_volunteer_skills_skill_code", ["skill_code", "volunteer_id"], unique=False)

    op.create_table(
        "volunteers_not_the_same",
        sa.Column("volunteer_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("other_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=False),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.CheckConstraint("volunteer_id < other_id", name=op.f("ck_volunteers_not_the_same_ordered")),
        sa.ForeignKeyConstraint(
            ["other_id"], ["volunteers.id"], name=op.f("fk_volunteers_not_the_same_other_id")
        ),
        sa.ForeignKeyConstraint(
            ["volunteer_id"], ["volunteers.id"], name=op.f("fk_volunteers_not_the_same_volunteer_id")
        ),
        sa.PrimaryKeyConstraint("volunteer_id", "other_id", name=op.f("pk_volunteers_not_the_same")),
    )
    op.create_table(
        "attendances",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "mark",
            sa.Enum(
                "unknown",
                "present",
                "absent",
                name="mark",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "arrived_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "arrived_from",
            sa.Enum(
                "check_in",
                "roll_call",
                "paper",
                "rule",
                name="arrived_from",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "left_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column(
            "left_from",
            sa.Enum(
                "check_in",
                "roll_call",
                "paper",
                "rule",
                name="left_from",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("was_offline", sa.Boolean(), nullable=False),
        sa.Column("is_doubtful", sa.Boolean(), nullable=False),
        sa.Column("is_walk_in", sa.Boolean(), nullable=False),
        sa.Column("marked_by", sa.String(length=80), nullable=True),
        sa.Column(
            "marked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "mark = 'present' OR arrived_at IS NULL", name=op.f("ck_attendances_arrived_is_present")
        ),
        sa.CheckConstraint(
            "(arrived_at IS NULL) = (arrived_from IS NULL)", name=op.f("ck_attendances_arrival_has_a_source")
        ),
        sa.CheckConstraint(
            "(left_at IS NULL) = (left_from IS NULL)", name=op.f("ck_attendances_leaving_has_a_source")
        ),
        sa.CheckConstraint(
            "left_at IS NULL OR arrived_at IS NOT NULL", name=op.f("ck_attendances_left_after_arriving")
        ),
        sa.CheckConstraint(
            "left_at IS NULL OR left_at >= arrived_at", name=op.f("ck_attendances_left_later")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_attendances_person_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_attendances_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attendances")),
        sa.UniqueConstraint("public_id", name=op.f("uq_attendances_public_id")),
        sa.UniqueConstraint("shift_id", "person_id", name=op.f("uq_attendances_shift_id_person_id")),
    )
    with op.batch_alter_table("attendances", schema=None) as batch_op:
        batch_op.create_index("ix_attendances_person_id", ["person_id", "shift_id"], unique=False)

    op.create_table(
        "fill_gaps",
        sa.Column("fill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=False),
        sa.Column("missing_count", sa.Integer(), nullable=False),
        sa.Column(
            "reason",
            sa.Enum(
                "nobody_with_skill",
                "other_side_of_cordon",
                "all_resting",
                "all_taken",
                "not_available",
                "nobody_there",
                "time_limit",
                name="reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.CheckConstraint("missing_count > 0", name=op.f("ck_fill_gaps_missing_count")),
        sa.ForeignKeyConstraint(["fill_id"], ["fills.id"], name=op.f("fk_fill_gaps_fill_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_fill_gaps_shift_id")),
        sa.PrimaryKeyConstraint("fill_id", "shift_id", "skill_code", name=op.f("pk_fill_gaps")),
    )
    op.create_table(
        "handover_notes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column("written_by", sa.String(length=80), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_handover_notes_shift_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_handover_notes")),
    )
    with op.batch_alter_table("handover_notes", schema=None) as batch_op:
        batch_op.create_index("ix_handover_notes_shift_id", ["shift_id", "id"], unique=False)

    op.create_table(
        "shift_skills",
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=False),
        sa.Column("needed_count", sa.Integer(), nullable=False),
        sa.Column("taken_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("needed_count > 0", name=op.f("ck_shift_skills_needed_count")),
        sa.CheckConstraint("taken_count >= 0", name=op.f("ck_shift_skills_taken_count")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_shift_skills_shift_id")),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_shift_skills_skill_code")),
        sa.PrimaryKeyConstraint("shift_id", "skill_code", name=op.f("pk_shift_skills")),
    )
    op.create_table(
        "signups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "placed",
                "offered",
                "waiting",
                "left",
                "dropped_out",
                "replaced",
                "expired",
                "removed",
                "cancelled",
                "stopped_waiting",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "source",
            sa.Enum(
                "self",
                "staff",
                "solver",
                "waitlist",
                "stand_in",
                "swap",
                "walk_in",
                name="source",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("skill_code", sa.String(length=30), nullable=True),
        sa.Column("override_reason", sa.String(length=200), nullable=True),
        sa.Column("overridden_by", sa.String(length=80), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "confirmed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "waiting_since",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "accept_by",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column(
            "reminded_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "alarmed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(state = 'offered') = (accept_by IS NOT NULL)", name=op.f("ck_signups_offer_ends")
        ),
        sa.CheckConstraint(
            "(override_reason IS NULL) = (overridden_by IS NULL)",
            name=op.f("ck_signups_override_has_a_person_and_a_reason"),
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_signups_person_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_signups_shift_id")),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_signups_skill_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_signups")),
        sa.UniqueConstraint("public_id", name=op.f("uq_signups_public_id")),
    )
    with op.batch_alter_table("signups", schema=None) as batch_op:
        batch_op.create_index(
            "ix_signups_dropped_out",
            ["ended_at", "shift_id"],
            unique=False,
            sqlite_where=sa.text("state = 'dropped_out'"),
            postgresql_where=sa.text("state = 'dropped_out'"),
        )
        batch_op.create_index(
            "ix_signups_offered",
            ["accept_by"],
            unique=False,
            sqlite_where=sa.text("state = 'offered'"),
            postgresql_where=sa.text("state = 'offered'"),
        )
        batch_op.create_index("ix_signups_person_id", ["person_id", "shift_id"], unique=False)
        batch_op.create_index("ix_signups_shift_id", ["shift_id", "state", "id"], unique=False)
        batch_op.create_index(
            "ix_signups_waiting",
            ["shift_id", "waiting_since", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.create_index(
            "uq_signups_live",
            ["shift_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('placed', 'offered', 'waiting')"),
            postgresql_where=sa.text("state IN ('placed', 'offered', 'waiting')"),
        )

    op.create_table(
        "fill_cells",
        sa.Column("fill_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=True),
        sa.Column("is_locked", sa.Boolean(), nullable=False),
        sa.Column("override_reason", sa.String(length=200), nullable=True),
        sa.Column("signup_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("refused_code", sa.String(length=40), nullable=True),
        sa.CheckConstraint(
            "signup_id IS NULL OR refused_code IS NULL", name=op.f("ck_fill_cells_one_outcome")
        ),
        sa.ForeignKeyConstraint(["fill_id"], ["fills.id"], name=op.f("fk_fill_cells_fill_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_fill_cells_person_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_fill_cells_shift_id")),
        sa.ForeignKeyConstraint(["signup_id"], ["signups.id"], name=op.f("fk_fill_cells_signup_id")),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_fill_cells_skill_code")),
        sa.PrimaryKeyConstraint("fill_id", "shift_id", "person_id", name=op.f("pk_fill_cells")),
    )
    with op.batch_alter_table("fill_cells", schema=None) as batch_op:
        batch_op.create_index("ix_fill_cells_shift_id", ["shift_id"], unique=False)

    op.create_table(
        "hours_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("attendance_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "evidence", "correction", name="kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "asked",
                "stands",
                "refused",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("minutes", sa.Integer(), nullable=False),
        sa.Column("worked_on", sa.Date(), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "society",
            sa.Enum(
                "community",
                "social_organisation",
                "social_worker",
                "volunteer",
                "charity",
                name="society",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("written_by", sa.String(length=80), nullable=False),
        sa.Column(
            "written_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "kind <> 'correction' OR reason IS NOT NULL",
            name=op.f("ck_hours_entries_correction_has_a_reason"),
        ),
        sa.CheckConstraint(
            "kind <> 'evidence' OR minutes >= 0", name=op.f("ck_hours_entries_evidence_is_positive")
        ),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_hours_entries_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["attendance_id"], ["attendances.id"], name=op.f("fk_hours_entries_attendance_id")
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_hours_entries_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_hours_entries_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_hours_entries_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hours_entries")),
        sa.UniqueConstraint("public_id", name=op.f("uq_hours_entries_public_id")),
    )
    with op.batch_alter_table("hours_entries", schema=None) as batch_op:
        batch_op.create_index("ix_hours_entries_area_path", ["area_path", "worked_on"], unique=False)
        batch_op.create_index(
            "ix_hours_entries_organisation_id", ["organisation_id", "worked_on"], unique=False
        )
        batch_op.create_index("ix_hours_entries_person_id", ["person_id", "worked_on", "id"], unique=False)
        batch_op.create_index("ix_hours_entries_team_id", ["team_id", "worked_on"], unique=False)
        batch_op.create_index(
            "uq_hours_entries_evidence",
            ["attendance_id"],
            unique=True,
            sqlite_where=sa.text("kind = 'evidence'"),
            postgresql_where=sa.text("kind = 'evidence'"),
        )

    op.create_table(
        "stand_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("signup_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "stand_in",
                "swap",
                "relief",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "taken",
                "withdrawn",
                "refused",
                "over",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("to_person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wanted_signup_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("taken_signup_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "asked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "(kind = 'swap') = (wanted_signup_id IS NOT NULL)", name=op.f("ck_stand_ins_swap_wants_a_place")
        ),
        sa.CheckConstraint(
            "(state = 'taken') = (taken_signup_id IS NOT NULL)", name=op.f("ck_stand_ins_taken_by_a_signup")
        ),
        sa.ForeignKeyConstraint(["signup_id"], ["signups.id"], name=op.f("fk_stand_ins_signup_id")),
        sa.ForeignKeyConstraint(
            ["taken_signup_id"], ["signups.id"], name=op.f("fk_stand_ins_taken_signup_id")
        ),
        sa.ForeignKeyConstraint(["to_person_id"], ["people.id"], name=op.f("fk_stand_ins_to_person_id")),
        sa.ForeignKeyConstraint(
            ["wanted_signup_id"], ["signups.id"], name=op.f("fk_stand_ins_wanted_signup_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stand_ins")),
        sa.UniqueConstraint("public_id", name=op.f("uq_stand_ins_public_id")),
    )
    with op.batch_alter_table("stand_ins", schema=None) as batch_op:
        batch_op.create_index("ix_stand_ins_signup_id", ["signup_id"], unique=False)
        batch_op.create_index(
            "ix_stand_ins_to_person_id",
            ["to_person_id"],
            unique=False,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.create_index(
            "uq_stand_ins_open",
            ["signup_id"],
            unique=True,
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.add_column(sa.Column("id_number", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("id_index", sa.String(length=22), nullable=True))
        batch_op.add_column(sa.Column("born_on", sa.Date(), nullable=True))
        batch_op.add_column(
            sa.Column("merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True)
        )
        batch_op.create_index(
            "uq_people_id_index",
            ["id_index"],
            unique=True,
            sqlite_where=sa.text("merged_into_id IS NULL"),
            postgresql_where=sa.text("merged_into_id IS NULL"),
        )
        batch_op.create_foreign_key(
            batch_op.f("fk_people_merged_into_id"), "people", ["merged_into_id"], ["id"]
        )

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("uq_users_person_id"), type_="unique")
        batch_op.create_index("ix_users_person_id", ["person_id"], unique=False)

    # Alembic does not compare CHECK constraints; these are written by hand.
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_check_constraint("id_number_is_found", "(id_number IS NULL) = (id_index IS NULL)")
    _allow_roles(*ROLES, "team_lead")
    skills = sa.table("skills", *map(sa.column, ("code", "kind", "position", "name_zh", "name_en")))
    op.bulk_insert(skills, json.loads(SKILLS.read_text(encoding="utf-8")))


def _allow_roles(*roles: str) -> None:
    words = ", ".join(f"'{role}'" for role in roles)
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f(ROLE_CHECK), type_="check")
        batch_op.create_check_constraint(batch_op.f(ROLE_CHECK), f"role IN ({words})")


def downgrade() -> None:
    op.execute("DELETE FROM appointments WHERE role = 'team_lead'")
    _allow_roles(*ROLES)
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("ck_people_id_number_is_found"), type_="check")
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_index("ix_users_person_id")
        batch_op.create_unique_constraint(batch_op.f("uq_users_person_id"), ["person_id"])

    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_people_merged_into_id"), type_="foreignkey")
        batch_op.drop_index(
            "uq_people_id_index",
            sqlite_where=sa.text("merged_into_id IS NULL"),
            postgresql_where=sa.text("merged_into_id IS NULL"),
        )
        batch_op.drop_column("merged_into_id")
        batch_op.drop_column("born_on")
        batch_op.drop_column("id_index")
        batch_op.drop_column("id_number")

    with op.batch_alter_table("stand_ins", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_stand_ins_open",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index(
            "ix_stand_ins_to_person_id",
            sqlite_where=sa.text("state = 'open'"),
            postgresql_where=sa.text("state = 'open'"),
        )
        batch_op.drop_index("ix_stand_ins_signup_id")

    op.drop_table("stand_ins")
    with op.batch_alter_table("hours_entries", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_hours_entries_evidence",
            sqlite_where=sa.text("kind = 'evidence'"),
            postgresql_where=sa.text("kind = 'evidence'"),
        )
        batch_op.drop_index("ix_hours_entries_team_id")
        batch_op.drop_index("ix_hours_entries_person_id")
        batch_op.drop_index("ix_hours_entries_organisation_id")
        batch_op.drop_index("ix_hours_entries_area_path")

    op.drop_table("hours_entries")
    with op.batch_alter_table("fill_cells", schema=None) as batch_op:
        batch_op.drop_index("ix_fill_cells_shift_id")

    op.drop_table("fill_cells")
    with op.batch_alter_table("signups", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_signups_live",
            sqlite_where=sa.text("state IN ('placed', 'offered', 'waiting')"),
            postgresql_where=sa.text("state IN ('placed', 'offered', 'waiting')"),
        )
        batch_op.drop_index(
            "ix_signups_waiting",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index("ix_signups_shift_id")
        batch_op.drop_index("ix_signups_person_id")
        batch_op.drop_index(
            "ix_signups_offered",
            sqlite_where=sa.text("state = 'offered'"),
            postgresql_where=sa.text("state = 'offered'"),
        )
        batch_op.drop_index(
            "ix_signups_dropped_out",
            sqlite_where=sa.text("state = 'dropped_out'"),
            postgresql_where=sa.text("state = 'dropped_out'"),
        )

    op.drop_table("signups")
    op.drop_table("shift_skills")
    with op.batch_alter_table("handover_notes", schema=None) as batch_op:
        batch_op.drop_index("ix_handover_notes_shift_id")

    op.drop_table("handover_notes")
    op.drop_table("fill_gaps")
    with op.batch_alter_table("attendances", schema=None) as batch_op:
        batch_op.drop_index("ix_attendances_person_id")

    op.drop_table("attendances")
    op.drop_table("volunteers_not_the_same")
    with op.batch_alter_table("volunteer_skills", schema=None) as batch_op:
        batch_op.drop_index("ix_volunteer_skills_skill_code")

    op.drop_table("volunteer_skills")
    op.drop_table("template_skills")
    with op.batch_alter_table("skill_certificates", schema=None) as batch_op:
        batch_op.drop_index("ix_skill_certificates_volunteer_id")

    op.drop_table("skill_certificates")
    with op.batch_alter_table("shifts", schema=None) as batch_op:
        batch_op.drop_index("ix_shifts_starts_at")
        batch_op.drop_index("ix_shifts_post_id")
        batch_op.drop_index("ix_shifts_ends_at")
        batch_op.drop_index("ix_shifts_area_path")

    op.drop_table("shifts")
    op.drop_table("pledges")
    op.drop_table("availability_slots")
    with op.batch_alter_table("volunteers", schema=None) as batch_op:
        batch_op.drop_index("ix_volunteers_team_id")
        batch_op.drop_index("ix_volunteers_state")
        batch_op.drop_index("ix_volunteers_organisation_id")
        batch_op.drop_index("ix_volunteers_area_path")

    op.drop_table("volunteers")
    with op.batch_alter_table("shift_templates", schema=None) as batch_op:
        batch_op.drop_index("ix_shift_templates_post_id")

    op.drop_table("shift_templates")
    op.drop_table("roster_sheets")
    op.drop_table("fill_posts")
    with op.batch_alter_table("team_leads", schema=None) as batch_op:
        batch_op.drop_index("ix_team_leads_person_id")

    op.drop_table("team_leads")
    with op.batch_alter_table("team_invitations", schema=None) as batch_op:
        batch_op.drop_index("ix_team_invitations_team_id")

    op.drop_table("team_invitations")
    with op.batch_alter_table("posts", schema=None) as batch_op:
        batch_op.drop_index("ix_posts_team_id")
        batch_op.drop_index("ix_posts_area_path")

    op.drop_table("posts")
    with op.batch_alter_table("fills", schema=None) as batch_op:
        batch_op.drop_index("ix_fills_area_path")

    op.drop_table("fills")
    with op.batch_alter_table("teams", schema=None) as batch_op:
        batch_op.drop_index("ix_teams_organisation_id")
        batch_op.drop_index("ix_teams_area_path")

    op.drop_table("teams")
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_index("ix_organisations_area_path")

    op.drop_table("organisations")
    with op.batch_alter_table("duties", schema=None) as batch_op:
        batch_op.drop_index("ix_duties_area_path")

    op.drop_table("duties")
    with op.batch_alter_table("service_certificates", schema=None) as batch_op:
        batch_op.drop_index("ix_service_certificates_person_id")

    op.drop_table("service_certificates")
    with op.batch_alter_table("commitments", schema=None) as batch_op:
        batch_op.drop_index("ix_commitments_person_id")

    op.drop_table("commitments")
    op.drop_table("skills")
    with op.batch_alter_table("roster_links", schema=None) as batch_op:
        batch_op.drop_index("ix_roster_links_subject")

    op.drop_table("roster_links")
