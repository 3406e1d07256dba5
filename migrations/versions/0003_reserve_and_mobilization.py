"""The reserve, call-ups and musters; messages leave by several ways; an inbox, contacts, SMS that come in."""

import json
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

TEAM_TYPES = Path(__file__).with_name("0003_team_types.json")


def upgrade() -> None:
    op.create_table(
        "team_types",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_team_types")),
        sa.UniqueConstraint("name", name=op.f("uq_team_types_name")),
        sa.UniqueConstraint("public_id", name=op.f("uq_team_types_public_id")),
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "channel",
            sa.Enum(
                "in_app",
                "sms",
                "push",
                "staff",
                name="channel",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("address", sa.LargeBinary(), nullable=False),
        sa.Column("address_index", sa.String(length=22), nullable=False),
        sa.Column("label", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "verified",
                "failing",
                "opted_out",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "made_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "verified_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "failing_since",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("fail_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("channel IN ('push', 'staff')", name=op.f("ck_contacts_has_an_address")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_contacts_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
        sa.UniqueConstraint(
            "person_id", "channel", "address_index", name=op.f("uq_contacts_person_id_channel_address_index")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_contacts_public_id")),
    )
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.create_index("ix_contacts_address_index", ["address_index"], unique=False)

    op.create_table(
        "inbox_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("reference", sa.String(length=60), nullable=False),
        sa.Column("address", sa.String(length=200), nullable=True),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "read_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_inbox_items_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_inbox_items")),
        sa.UniqueConstraint(
            "person_id", "template", "reference", name=op.f("uq_inbox_items_person_id_template_reference")
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_inbox_items_public_id")),
    )
    with op.batch_alter_table("inbox_items", schema=None) as batch_op:
        batch_op.create_index("ix_inbox_items_person_id", ["person_id", "id"], unique=False)

    op.create_table(
        "sms_replies",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("gateway_id", sa.String(length=80), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.String(length=22), nullable=False),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column(
            "received_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "done",
                "unclear",
                "settled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("about", sa.String(length=60), nullable=True),
        sa.Column("area_path", sa.String(length=400), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("unclear_because", sa.String(length=40), nullable=True),
        sa.Column("settled_by", sa.String(length=80), nullable=True),
        sa.Column(
            "settled_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_sms_replies_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sms_replies")),
        sa.UniqueConstraint("gateway_id", name=op.f("uq_sms_replies_gateway_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_sms_replies_public_id")),
    )
    with op.batch_alter_table("sms_replies", schema=None) as batch_op:
        batch_op.create_index("ix_sms_replies_phone_index", ["phone_index", "id"], unique=False)
        batch_op.create_index(
            "ix_sms_replies_unclear",
            ["area_path", "id"],
            unique=False,
            sqlite_where=sa.text("state = 'unclear'"),
            postgresql_where=sa.text("state = 'unclear'"),
        )
        batch_op.create_index(
            "ix_sms_replies_waiting",
            ["id"],
            unique=False,
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )

    op.create_table(
        "team_type_roles",
        sa.Column("team_type_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=True),
        sa.Column("needed_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("needed_count > 0", name=op.f("ck_team_type_roles_needed_count")),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_team_type_roles_skill_code")),
        sa.ForeignKeyConstraint(
            ["team_type_id"], ["team_types.id"], name=op.f("fk_team_type_roles_team_type_id")
        ),
        sa.PrimaryKeyConstraint("team_type_id", "position", name=op.f("pk_team_type_roles")),
    )
    op.create_table(
        "call_ups",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=4), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "running",
                "paused",
                "ended",
                "stood_down",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("is_drill", sa.Boolean(), nullable=False),
        sa.Column("is_announced", sa.Boolean(), nullable=False),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column("muster_point", sa.String(length=60), nullable=False),
        sa.Column("landmark", sa.String(length=120), nullable=False),
        sa.Column("map_url", sa.String(length=300), nullable=True),
        sa.Column("bring", sa.String(length=120), nullable=False),
        sa.Column(
            "stay",
            sa.Enum(
                "free", "between", "stays", name="stay", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("sleeps", sa.String(length=120), nullable=False),
        sa.Column("eats", sa.String(length=120), nullable=False),
        sa.Column("caller_name", sa.String(length=60), nullable=False),
        sa.Column("phone", sa.String(length=30), nullable=False),
        sa.Column(
            "certainty",
            sa.Enum(
                "sure",
                "normal",
                "gentle",
                name="certainty",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("reply_minutes", sa.Integer(), nullable=False),
        sa.Column(
            "tier_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "widest_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("quiet_reason", sa.String(length=200), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "next_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column("end_reason", sa.String(length=200), nullable=True),
        sa.Column(
            "closed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("wall_token_hash", sa.String(length=64), nullable=True),
        sa.Column("wall_number", sa.Integer(), nullable=False),
        sa.Column("code_version", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("board_version", sa.Integer(), nullable=False),
        sa.CheckConstraint("(state = 'draft') = (started_at IS NULL)", name=op.f("ck_call_ups_started")),
        sa.CheckConstraint("ends_at > starts_at", name=op.f("ck_call_ups_ends_after_start")),
        sa.CheckConstraint(
            "reply_minutes > 0 AND reply_minutes <= 1440", name=op.f("ck_call_ups_reply_minutes")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_call_ups_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_call_ups_area_path"), onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_ups")),
        sa.UniqueConstraint("number", name=op.f("uq_call_ups_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_call_ups_public_id")),
        sa.UniqueConstraint("wall_token_hash", name=op.f("uq_call_ups_wall_token_hash")),
    )
    with op.batch_alter_table("call_ups", schema=None) as batch_op:
        batch_op.create_index("ix_call_ups_area_path", ["area_path", "id"], unique=False)
        batch_op.create_index(
            "ix_call_ups_due",
            ["next_at"],
            unique=False,
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.create_index(
            "uq_call_ups_live_code",
            ["code"],
            unique=True,
            sqlite_where=sa.text("state IN ('draft', 'running', 'paused', 'ended')"),
            postgresql_where=sa.text("state IN ('draft', 'running', 'paused', 'ended')"),
        )

    op.create_table(
        "call_up_categories",
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "category",
            sa.Enum(
                "cadre",
                "community",
                "social_organisation",
                "social_worker",
                "volunteer",
                "charity",
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["call_up_id"], ["call_ups.id"], name=op.f("fk_call_up_categories_call_up_id")
        ),
        sa.PrimaryKeyConstraint("call_up_id", "category", name=op.f("pk_call_up_categories")),
    )
    op.create_table(
        "mobilization_sheets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "roster",
                "call_list",
                "summary",
                "report",
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
        sa.Column("part", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "printed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("printed_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(
            ["call_up_id"], ["call_ups.id"], name=op.f("fk_mobilization_sheets_call_up_id")
        ),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_mobilization_sheets_file_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mobilization_sheets")),
        sa.UniqueConstraint(
            "call_up_id",
            "kind",
            "copy",
            "part",
            "language",
            "content_hash",
            name=op.f("uq_mobilization_sheets_call_up_id_kind_copy_part_language_content_hash"),
        ),
        sa.UniqueConstraint(
            "call_up_id",
            "kind",
            "copy",
            "part",
            "version",
            name=op.f("uq_mobilization_sheets_call_up_id_kind_copy_part_version"),
        ),
        sa.UniqueConstraint("public_id", name=op.f("uq_mobilization_sheets_public_id")),
    )
    op.create_table(
        "reservists",
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
            "category",
            sa.Enum(
                "cadre",
                "community",
                "social_organisation",
                "social_worker",
                "volunteer",
                "charity",
                name="category",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("unit", sa.String(length=80), nullable=True),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("organisation_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "readiness",
            sa.Enum(
                "ready",
                "limited",
                "resting",
                "away",
                name="readiness",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "away_until",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("note", sa.String(length=200), nullable=True),
        sa.Column(
            "source",
            sa.Enum(
                "self", "staff", "import", name="source", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "enrolled_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "left_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column("call_count", sa.Integer(), nullable=False),
        sa.Column("yes_count", sa.Integer(), nullable=False),
        sa.Column("drill_count", sa.Integer(), nullable=False),
        sa.Column("drill_yes_count", sa.Integer(), nullable=False),
        sa.Column("stood_down_count", sa.Integer(), nullable=False),
        sa.Column(
            "last_called_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "last_answered_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "last_mustered_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "last_drilled_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "(readiness = 'away') = (away_until IS NOT NULL)", name=op.f("ck_reservists_away_until")
        ),
        sa.CheckConstraint(
            "drill_yes_count >= 0 AND drill_yes_count <= drill_count",
            name=op.f("ck_reservists_answered_drills"),
        ),
        sa.CheckConstraint(
            "yes_count >= 0 AND yes_count <= call_count", name=op.f("ck_reservists_answered_calls")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_reservists_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_reservists_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["organisation_id"], ["organisations.id"], name=op.f("fk_reservists_organisation_id")
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_reservists_person_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_reservists_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reservists")),
        sa.UniqueConstraint("person_id", name=op.f("uq_reservists_person_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_reservists_public_id")),
    )
    with op.batch_alter_table("reservists", schema=None) as batch_op:
        batch_op.create_index("ix_reservists_area_path", ["area_path", "pinyin_key", "id"], unique=False)
        batch_op.create_index("ix_reservists_organisation_id", ["organisation_id"], unique=False)
        batch_op.create_index("ix_reservists_team_id", ["team_id", "pinyin_key", "id"], unique=False)

    op.create_table(
        "reserve_days",
        sa.Column("reservist_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
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
        sa.Column(
            "said_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.CheckConstraint("state IN ('available', 'not_available')", name=op.f("ck_reserve_days_said")),
        sa.ForeignKeyConstraint(
            ["reservist_id"], ["reservists.id"], name=op.f("fk_reserve_days_reservist_id")
        ),
        sa.PrimaryKeyConstraint("reservist_id", "day", "half", name=op.f("pk_reserve_days")),
    )
    with op.batch_alter_table("reserve_days", schema=None) as batch_op:
        batch_op.create_index("ix_reserve_days_day", ["day", "half"], unique=False)

    op.create_table(
        "reservist_skills",
        sa.Column("reservist_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=False),
        sa.ForeignKeyConstraint(
            ["reservist_id"], ["reservists.id"], name=op.f("fk_reservist_skills_reservist_id")
        ),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_reservist_skills_skill_code")),
        sa.PrimaryKeyConstraint("reservist_id", "skill_code", name=op.f("pk_reservist_skills")),
    )
    with op.batch_alter_table("reservist_skills", schema=None) as batch_op:
        batch_op.create_index("ix_reservist_skills_skill_code", ["skill_code", "reservist_id"], unique=False)

    op.create_table(
        "call_up_roles",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("skill_code", sa.String(length=30), nullable=True),
        sa.Column("wanted_count", sa.Integer(), nullable=False),
        sa.Column("taken_count", sa.Integer(), nullable=False),
        sa.Column(
            "short_because",
            sa.Enum(
                "nobody_can",
                "all_asked",
                "all_busy",
                "all_resting",
                "wrong_side",
                "unreachable",
                "no_time",
                "quiet_hours",
                name="short_because",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("shift_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.CheckConstraint(
            "taken_count >= 0 AND taken_count <= wanted_count", name=op.f("ck_call_up_roles_not_overfull")
        ),
        sa.CheckConstraint(
            "wanted_count >= 0 AND wanted_count <= 2000", name=op.f("ck_call_up_roles_wanted_count")
        ),
        sa.ForeignKeyConstraint(["call_up_id"], ["call_ups.id"], name=op.f("fk_call_up_roles_call_up_id")),
        sa.ForeignKeyConstraint(["shift_id"], ["shifts.id"], name=op.f("fk_call_up_roles_shift_id")),
        sa.ForeignKeyConstraint(["skill_code"], ["skills.code"], name=op.f("fk_call_up_roles_skill_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_up_roles")),
        sa.UniqueConstraint("call_up_id", "position", name=op.f("uq_call_up_roles_call_up_id_position")),
        sa.UniqueConstraint("public_id", name=op.f("uq_call_up_roles_public_id")),
    )
    op.create_table(
        "call_up_units",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("team_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "coming",
                "cannot",
                "stood_down",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("asked_count", sa.Integer(), nullable=False),
        sa.Column("promised_count", sa.Integer(), nullable=False),
        sa.Column("named_count", sa.Integer(), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "reply_by",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "promised_count >= named_count AND named_count >= 0", name=op.f("ck_call_up_units_named")
        ),
        sa.ForeignKeyConstraint(["call_up_id"], ["call_ups.id"], name=op.f("fk_call_up_units_call_up_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_call_up_units_person_id")),
        sa.ForeignKeyConstraint(["role_id"], ["call_up_roles.id"], name=op.f("fk_call_up_units_role_id")),
        sa.ForeignKeyConstraint(["team_id"], ["teams.id"], name=op.f("fk_call_up_units_team_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_up_units")),
        sa.UniqueConstraint("call_up_id", "team_id", name=op.f("uq_call_up_units_call_up_id_team_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_call_up_units_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_call_up_units_token_hash")),
    )
    with op.batch_alter_table("call_up_units", schema=None) as batch_op:
        batch_op.create_index("ix_call_up_units_person_id", ["person_id"], unique=False)

    op.create_table(
        "call_up_waves",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "tier_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("open_count", sa.Integer(), nullable=False),
        sa.Column("asked_count", sa.Integer(), nullable=False),
        sa.Column("target_permille", sa.Integer(), nullable=False),
        sa.Column("chance_permille", sa.Integer(), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "reply_by",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["call_up_id"], ["call_ups.id"], name=op.f("fk_call_up_waves_call_up_id")),
        sa.ForeignKeyConstraint(["role_id"], ["call_up_roles.id"], name=op.f("fk_call_up_waves_role_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_up_waves")),
        sa.UniqueConstraint("public_id", name=op.f("uq_call_up_waves_public_id")),
        sa.UniqueConstraint("role_id", "number", name=op.f("uq_call_up_waves_role_id_number")),
    )
    with op.batch_alter_table("call_up_waves", schema=None) as batch_op:
        batch_op.create_index("ix_call_up_waves_call_up_id", ["call_up_id", "id"], unique=False)

    op.create_table(
        "call_up_events",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "kind",
            sa.Enum(
                "started",
                "wave",
                "tier",
                "unit",
                "full",
                "reopened",
                "short",
                "paused",
                "resumed",
                "changed",
                "hurried",
                "widened",
                "listed",
                "ended",
                "stood_down",
                "closed",
                name="kind",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("wave_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("by", sa.String(length=80), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["call_up_id"], ["call_ups.id"], name=op.f("fk_call_up_events_call_up_id")),
        sa.ForeignKeyConstraint(["role_id"], ["call_up_roles.id"], name=op.f("fk_call_up_events_role_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["call_up_waves.id"], name=op.f("fk_call_up_events_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_up_events")),
    )
    with op.batch_alter_table("call_up_events", schema=None) as batch_op:
        batch_op.create_index("ix_call_up_events_call_up_id", ["call_up_id", "id"], unique=False)

    op.create_table(
        "summonses",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("call_up_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("role_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wave_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("unit_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "later",
                "coming",
                "queued",
                "cannot",
                "dropped",
                "missed",
                "stood_down",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("because", sa.String(length=120), nullable=False),
        sa.Column("chance_permille", sa.Integer(), nullable=True),
        sa.Column("channel", sa.String(length=20), nullable=True),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "reply_by",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "answered_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "answer_source",
            sa.Enum(
                "link",
                "app",
                "sms",
                "call_list",
                "unit",
                "walk_in",
                name="answer_source",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("answered_by", sa.String(length=80), nullable=True),
        sa.Column(
            "eta_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column(
            "cannot_reason",
            sa.Enum(
                "ill",
                "away",
                "work",
                "family",
                "other_duty",
                "locked_in",
                "other",
                name="cannot_reason",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column("said", sa.String(length=200), nullable=True),
        sa.Column(
            "knows_sealed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("slip_code", sa.String(length=8), nullable=True),
        sa.Column(
            "muster",
            sa.Enum(
                "en_route",
                "arrived",
                "on_duty",
                "departed",
                "overdue",
                name="muster",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=True,
        ),
        sa.Column(
            "left_for_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
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
            "departed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("is_walk_in", sa.Boolean(), nullable=False),
        sa.Column("assigned_to", sa.String(length=60), nullable=True),
        sa.Column(
            "welfare_due_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "welfare_checked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("welfare_checked_by", sa.String(length=80), nullable=True),
        sa.Column(
            "listed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("listed_to_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "stood_down_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "muster IS NULL OR muster IN ('en_route', 'overdue') OR arrived_at IS NOT NULL",
            name=op.f("ck_summonses_arrived_has_a_time"),
        ),
        sa.CheckConstraint("muster IS NULL OR state = 'coming'", name=op.f("ck_summonses_musters_who_comes")),
        sa.CheckConstraint(
            "state <> 'cannot' OR answered_at IS NOT NULL", name=op.f("ck_summonses_no_has_a_time")
        ),
        sa.CheckConstraint(
            "state <> 'coming' OR slip_code IS NOT NULL", name=op.f("ck_summonses_yes_has_a_slip")
        ),
        sa.ForeignKeyConstraint(["call_up_id"], ["call_ups.id"], name=op.f("fk_summonses_call_up_id")),
        sa.ForeignKeyConstraint(["listed_to_id"], ["people.id"], name=op.f("fk_summonses_listed_to_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_summonses_person_id")),
        sa.ForeignKeyConstraint(["role_id"], ["call_up_roles.id"], name=op.f("fk_summonses_role_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["call_up_units.id"], name=op.f("fk_summonses_unit_id")),
        sa.ForeignKeyConstraint(["wave_id"], ["call_up_waves.id"], name=op.f("fk_summonses_wave_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_summonses")),
        sa.UniqueConstraint("call_up_id", "person_id", name=op.f("uq_summonses_call_up_id_person_id")),
        sa.UniqueConstraint("call_up_id", "slip_code", name=op.f("uq_summonses_call_up_id_slip_code")),
        sa.UniqueConstraint("public_id", name=op.f("uq_summonses_public_id")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_summonses_token_hash")),
    )
    with op.batch_alter_table("summonses", schema=None) as batch_op:
        batch_op.create_index("ix_summonses_person_id", ["person_id", "id"], unique=False)
        batch_op.create_index("ix_summonses_role_id", ["role_id", "state", "id"], unique=False)
        batch_op.create_index(
            "ix_summonses_silent",
            ["reply_by"],
            unique=False,
            sqlite_where=sa.text("state IN ('waiting', 'later')"),
            postgresql_where=sa.text("state IN ('waiting', 'later')"),
        )
        batch_op.create_index("ix_summonses_wave_id", ["wave_id"], unique=False)
        batch_op.create_index(
            "ix_summonses_welfare",
            ["welfare_due_at"],
            unique=False,
            sqlite_where=sa.text("muster IN ('arrived', 'on_duty')"),
            postgresql_where=sa.text("muster IN ('arrived', 'on_duty')"),
        )

    op.create_table(
        "call_attempts",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("summons_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "result",
            sa.Enum(
                "coming",
                "cannot",
                "later",
                "no_answer",
                "wrong_number",
                name="result",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "called_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("called_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["summons_id"], ["summonses.id"], name=op.f("fk_call_attempts_summons_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_call_attempts")),
        sa.UniqueConstraint("summons_id", "number", name=op.f("uq_call_attempts_summons_id_number")),
    )
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "way",
                sa.Enum(
                    "sms", "push", "staff", name="way", native_enum=False, create_constraint=True, length=40
                ),
                nullable=False,
                server_default="sms",
            )
        )
        batch_op.add_column(sa.Column("rank", sa.Integer(), nullable=False, server_default="5"))
        batch_op.alter_column(
            "phone", new_column_name="address", existing_type=sa.LargeBinary(), existing_nullable=False
        )
        batch_op.add_column(sa.Column("address_index", sa.String(length=22), nullable=True))
        batch_op.add_column(sa.Column("reference", sa.String(length=60), nullable=True))
        batch_op.add_column(
            sa.Column(
                "delivered_at",
                sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "undelivered_at",
                sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
                nullable=True,
            )
        )
        batch_op.drop_index(batch_op.f("ix_outbox_messages_due"))
        batch_op.create_index("ix_outbox_messages_due", ["way", "state", "rank", "due_at"], unique=False)
        batch_op.create_index("ix_outbox_messages_address_index", ["address_index", "id"], unique=False)
        batch_op.create_index(
            "ix_outbox_messages_reference",
            ["reference"],
            unique=False,
            sqlite_where=sa.text("reference IS NOT NULL"),
            postgresql_where=sa.text("reference IS NOT NULL"),
        )

    with op.batch_alter_table("person_phones", schema=None) as batch_op:
        batch_op.add_column(
            sa.Column(
                "failing_since",
                sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
                nullable=True,
            )
        )
        batch_op.add_column(
            sa.Column(
                "opted_out_at",
                sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
                nullable=True,
            )
        )

    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.add_column(sa.Column("unread_count", sa.Integer(), server_default="0", nullable=False))

    _write_team_types()


def _write_team_types() -> None:
    types = sa.table("team_types", *map(sa.column, ("public_id", "name", "name_en", "position", "id")))
    roles = sa.table(
        "team_type_roles",
        *map(sa.column, ("team_type_id", "position", "name", "name_en", "skill_code", "needed_count")),
    )
    for each in json.loads(TEAM_TYPES.read_text(encoding="utf-8")):
        team = {key: each[key] for key in ("public_id", "name", "name_en", "position")}
        type_id = op.get_bind().execute(sa.insert(types).values(team).returning(types.c.id)).scalar_one()
        op.bulk_insert(roles, [{**role, "team_type_id": type_id} for role in each["roles"]])


def downgrade() -> None:
    with op.batch_alter_table("users", schema=None) as batch_op:
        batch_op.drop_column("unread_count")

    with op.batch_alter_table("person_phones", schema=None) as batch_op:
        batch_op.drop_column("opted_out_at")
        batch_op.drop_column("failing_since")

    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.alter_column(
            "address", new_column_name="phone", existing_type=sa.LargeBinary(), existing_nullable=False
        )
        batch_op.drop_index(
            "ix_outbox_messages_reference",
            sqlite_where=sa.text("reference IS NOT NULL"),
            postgresql_where=sa.text("reference IS NOT NULL"),
        )
        batch_op.drop_index("ix_outbox_messages_address_index")
        batch_op.drop_index("ix_outbox_messages_due")
        batch_op.create_index(batch_op.f("ix_outbox_messages_due"), ["state", "due_at"], unique=False)
        batch_op.drop_column("undelivered_at")
        batch_op.drop_column("delivered_at")
        batch_op.drop_column("reference")
        batch_op.drop_column("address_index")
        batch_op.drop_column("rank")
        batch_op.drop_constraint(batch_op.f("ck_outbox_messages_way"), type_="check")
        batch_op.drop_column("way")

    op.drop_table("call_attempts")
    with op.batch_alter_table("summonses", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_summonses_welfare",
            sqlite_where=sa.text("muster IN ('arrived', 'on_duty')"),
            postgresql_where=sa.text("muster IN ('arrived', 'on_duty')"),
        )
        batch_op.drop_index("ix_summonses_wave_id")
        batch_op.drop_index(
            "ix_summonses_silent",
            sqlite_where=sa.text("state IN ('waiting', 'later')"),
            postgresql_where=sa.text("state IN ('waiting', 'later')"),
        )
        batch_op.drop_index("ix_summonses_role_id")
        batch_op.drop_index("ix_summonses_person_id")

    op.drop_table("summonses")
    with op.batch_alter_table("call_up_events", schema=None) as batch_op:
        batch_op.drop_index("ix_call_up_events_call_up_id")

    op.drop_table("call_up_events")
    with op.batch_alter_table("call_up_waves", schema=None) as batch_op:
        batch_op.drop_index("ix_call_up_waves_call_up_id")

    op.drop_table("call_up_waves")
    with op.batch_alter_table("call_up_units", schema=None) as batch_op:
        batch_op.drop_index("ix_call_up_units_person_id")

    op.drop_table("call_up_units")
    op.drop_table("call_up_roles")
    with op.batch_alter_table("reservist_skills", schema=None) as batch_op:
        batch_op.drop_index("ix_reservist_skills_skill_code")

    op.drop_table("reservist_skills")
    with op.batch_alter_table("reserve_days", schema=None) as batch_op:
        batch_op.drop_index("ix_reserve_days_day")

    op.drop_table("reserve_days")
    with op.batch_alter_table("reservists", schema=None) as batch_op:
        batch_op.drop_index("ix_reservists_team_id")
        batch_op.drop_index("ix_reservists_organisation_id")
        batch_op.drop_index("ix_reservists_area_path")

    op.drop_table("reservists")
    op.drop_table("mobilization_sheets")
    op.drop_table("call_up_categories")
    with op.batch_alter_table("call_ups", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_call_ups_live_code",
            sqlite_where=sa.text("state IN ('draft', 'running', 'paused', 'ended')"),
            postgresql_where=sa.text("state IN ('draft', 'running', 'paused', 'ended')"),
        )
        batch_op.drop_index(
            "ix_call_ups_due",
            sqlite_where=sa.text("state = 'running'"),
            postgresql_where=sa.text("state = 'running'"),
        )
        batch_op.drop_index("ix_call_ups_area_path")

    op.drop_table("call_ups")
    op.drop_table("team_type_roles")
    with op.batch_alter_table("sms_replies", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_sms_replies_waiting",
            sqlite_where=sa.text("state = 'waiting'"),
            postgresql_where=sa.text("state = 'waiting'"),
        )
        batch_op.drop_index(
            "ix_sms_replies_unclear",
            sqlite_where=sa.text("state = 'unclear'"),
            postgresql_where=sa.text("state = 'unclear'"),
        )
        batch_op.drop_index("ix_sms_replies_phone_index")

    op.drop_table("sms_replies")
    with op.batch_alter_table("inbox_items", schema=None) as batch_op:
        batch_op.drop_index("ix_inbox_items_person_id")

    op.drop_table("inbox_items")
    with op.batch_alter_table("contacts", schema=None) as batch_op:
        batch_op.drop_index("ix_contacts_address_index")

    op.drop_table("contacts")
    op.drop_table("team_types")
