"""The first tables: areas to orders, with the levels and rule sets that every county starts from."""

import json
from datetime import date
from pathlib import Path

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

# The four-level grid of facts.md and the rule sets of 2022; `flask areas rules FILE` brings newer ones.
FIRST_DATA = Path(__file__).with_name("0001_first_data.json")


def upgrade() -> None:
    op.create_table(
        "area_levels",
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=40), nullable=False),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_area_levels")),
    )
    op.create_table(
        "audit_entries",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column("actor_key", sa.String(length=80), nullable=False),
        sa.Column("on_behalf_of", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("verb", sa.String(length=60), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=True,
        ),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("source", sa.String(length=20), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_entries")),
    )
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.create_index("ix_audit_entries_area_path", ["area_path", "id"], unique=False)
        batch_op.create_index("ix_audit_entries_object", ["kind", "object_id", "id"], unique=False)

    op.create_table(
        "files",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("owner_key", sa.String(length=80), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "kept_until",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_files")),
        sa.UniqueConstraint("sha256", "kind", name=op.f("uq_files_sha256_kind")),
    )
    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.create_index("ix_files_kept_until", ["kept_until"], unique=False)

    op.create_table(
        "jobs",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("owner_key", sa.String(length=80), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "running",
                "done",
                "failed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("progress", sa.Integer(), nullable=False),
        sa.Column("result", sa.Text(), nullable=True),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "leased_until",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "finished_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint("progress >= 0 AND progress <= 100", name=op.f("ck_jobs_progress")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_jobs")),
        sa.UniqueConstraint("public_id", name=op.f("uq_jobs_public_id")),
    )
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.create_index("ix_jobs_state", ["state", "id"], unique=False)

    op.create_table(
        "outbox_messages",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("template", sa.String(length=40), nullable=False),
        sa.Column("parameters", sa.Text(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "waiting",
                "sending",
                "sent",
                "unknown",
                "failed",
                name="state",
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
            "due_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=False
        ),
        sa.Column(
            "leased_until",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("attempt_count", sa.Integer(), nullable=False),
        sa.Column(
            "sent_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column("last_error", sa.String(length=200), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox_messages")),
        sa.UniqueConstraint("public_id", name=op.f("uq_outbox_messages_public_id")),
    )
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.create_index("ix_outbox_messages_due", ["state", "due_at"], unique=False)

    op.create_table(
        "people",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column(
            "name_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "pinyin_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "initials_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_invented", sa.Boolean(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people")),
        sa.UniqueConstraint("public_id", name=op.f("uq_people_public_id")),
    )
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.create_index("ix_people_initials_key", ["initials_key"], unique=False)
        batch_op.create_index("ix_people_name_key", ["name_key"], unique=False)
        batch_op.create_index("ix_people_pinyin_key", ["pinyin_key"], unique=False)

    op.create_table(
        "rate_counters",
        sa.Column("key", sa.String(length=120), nullable=False),
        sa.Column(
            "window_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("count", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("key", "window_at", name=op.f("pk_rate_counters")),
    )
    with op.batch_alter_table("rate_counters", schema=None) as batch_op:
        batch_op.create_index("ix_rate_counters_window_at", ["window_at"], unique=False)

    op.create_table(
        "requests",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("actor_key", sa.String(length=80), nullable=False),
        sa.Column("client_id", sa.String(length=64), nullable=False),
        sa.Column("fingerprint", sa.String(length=64), nullable=False),
        sa.Column(
            "claimed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("outcome", sa.String(length=40), nullable=True),
        sa.Column("object_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_requests")),
        sa.UniqueConstraint("actor_key", "client_id", name=op.f("uq_requests_actor_key_client_id")),
    )
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.create_index("ix_requests_claimed_at", ["claimed_at"], unique=False)

    op.create_table(
        "rule_sets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name_zh", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=False),
        sa.Column("valid_until", sa.Date(), nullable=True),
        sa.Column(
            "enabled_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("enabled_by", sa.String(length=80), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_sets")),
        sa.UniqueConstraint("code", name=op.f("uq_rule_sets_code")),
    )
    op.create_table(
        "sign_in_codes",
        sa.Column("phone_index", sa.String(length=22), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("try_count", sa.Integer(), nullable=False),
        sa.Column(
            "used_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.CheckConstraint("try_count >= 0", name=op.f("ck_sign_in_codes_try_count")),
        sa.PrimaryKeyConstraint("phone_index", name=op.f("pk_sign_in_codes")),
    )
    op.create_table(
        "areas",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("name_en", sa.String(length=80), nullable=True),
        sa.Column("level", sa.String(length=20), nullable=False),
        sa.Column("parent_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("parent_code", sa.String(length=60), nullable=True),
        sa.Column(
            "path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "sort_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("office_name", sa.String(length=80), nullable=True),
        sa.Column("hotline_phone", sa.String(length=30), nullable=True),
        sa.Column("building_word", sa.String(length=10), nullable=True),
        sa.ForeignKeyConstraint(["level"], ["area_levels.code"], name=op.f("fk_areas_level")),
        sa.ForeignKeyConstraint(["parent_id"], ["areas.id"], name=op.f("fk_areas_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_areas")),
        sa.UniqueConstraint("code", name=op.f("uq_areas_code")),
        sa.UniqueConstraint("path", name=op.f("uq_areas_path")),
        sa.UniqueConstraint("public_id", name=op.f("uq_areas_public_id")),
    )
    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.create_index("ix_areas_level_path", ["level", "path"], unique=False)
        batch_op.create_index("ix_areas_parent_id", ["parent_id", "sort_key"], unique=False)

    op.create_table(
        "person_phones",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.String(length=22), nullable=False),
        sa.Column("phone_tail", sa.String(length=4), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "verified_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_person_phones_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_phones")),
        sa.UniqueConstraint("person_id", "phone_index", name=op.f("uq_person_phones_person_id_phone_index")),
    )
    with op.batch_alter_table("person_phones", schema=None) as batch_op:
        batch_op.create_index("ix_person_phones_phone_index", ["phone_index"], unique=False)

    op.create_table(
        "users",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=False),
        sa.Column("phone_index", sa.String(length=22), nullable=False),
        sa.Column("phone_tail", sa.String(length=4), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=True),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column(
            "text_size",
            sa.Enum(
                "normal",
                "large",
                "xlarge",
                name="text_size",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "theme",
            sa.Enum(
                "system", "light", "dark", name="theme", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "blocked_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_users_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("person_id", name=op.f("uq_users_person_id")),
        sa.UniqueConstraint("phone_index", name=op.f("uq_users_phone_index")),
        sa.UniqueConstraint("public_id", name=op.f("uq_users_public_id")),
    )
    op.create_table(
        "zone_classes",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("rule_set_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("name_zh", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=40), nullable=False),
        sa.Column("means_zh", sa.Text(), nullable=False),
        sa.Column("means_en", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["rule_set_id"], ["rule_sets.id"], name=op.f("fk_zone_classes_rule_set_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zone_classes")),
        sa.UniqueConstraint("rule_set_id", "code", name=op.f("uq_zone_classes_rule_set_id_code")),
    )
    op.create_table(
        "appointments",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "resident",
                "building_lead",
                "grid_worker",
                "community_head",
                "town_dispatcher",
                "county_dispatcher",
                "administrator",
                name="role",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit", sa.String(length=80), nullable=True),
        sa.Column(
            "starts_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ends_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column("made_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_appointments_area_id")),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_appointments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_appointments")),
        sa.UniqueConstraint("public_id", name=op.f("uq_appointments_public_id")),
    )
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.create_index("ix_appointments_area_id", ["area_id", "role"], unique=False)
        batch_op.create_index(
            "uq_appointments_open",
            ["user_id", "role", "area_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "bags",
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
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=True),
        sa.Column("is_basic", sa.Boolean(), nullable=False),
        sa.Column("is_offered", sa.Boolean(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_bags_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_bags_area_path"), onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bags")),
        sa.UniqueConstraint("public_id", name=op.f("uq_bags_public_id")),
    )
    with op.batch_alter_table("bags", schema=None) as batch_op:
        batch_op.create_index("ix_bags_area_path", ["area_path", "position", "id"], unique=False)

    op.create_table(
        "doors",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("building_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("unit", sa.String(length=20), nullable=False),
        sa.Column("floor", sa.Integer(), nullable=True),
        sa.Column("number", sa.String(length=20), nullable=False),
        sa.Column(
            "sort_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["building_id"], ["areas.id"], name=op.f("fk_doors_building_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_doors")),
        sa.UniqueConstraint("building_id", "unit", "number", name=op.f("uq_doors_building_id_unit_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_doors_public_id")),
    )
    with op.batch_alter_table("doors", schema=None) as batch_op:
        batch_op.create_index("ix_doors_building_id", ["building_id", "sort_key"], unique=False)

    op.create_table(
        "rounds",
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
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "registration", "limited", name="kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "draft",
                "open",
                "closed",
                "packing",
                "out",
                "done",
                "cancelled",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("delivers_on", sa.Date(), nullable=False),
        sa.Column(
            "delivery_window",
            sa.Enum(
                "morning",
                "afternoon",
                "evening",
                name="delivery_window",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column(
            "opens_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "cuts_off_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("grace_seconds", sa.Integer(), nullable=False),
        sa.Column("household_limit", sa.Integer(), nullable=False),
        sa.Column("takes_money_at_door", sa.Boolean(), nullable=False),
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
        sa.Column(
            "packing_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "out_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column(
            "done_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.CheckConstraint("cuts_off_at > opens_at", name=op.f("ck_rounds_cuts_off_after_opening")),
        sa.CheckConstraint("grace_seconds >= 0", name=op.f("ck_rounds_grace_seconds")),
        sa.CheckConstraint("household_limit > 0", name=op.f("ck_rounds_household_limit")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_rounds_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_rounds_area_path"), onupdate="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rounds")),
        sa.UniqueConstraint("area_id", "number", name=op.f("uq_rounds_area_id_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_rounds_public_id")),
    )
    with op.batch_alter_table("rounds", schema=None) as batch_op:
        batch_op.create_index("ix_rounds_area_path", ["area_path", "delivers_on", "id"], unique=False)
        batch_op.create_index("ix_rounds_state", ["state", "cuts_off_at"], unique=False)

    op.create_table(
        "sign_ins",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "expires_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_sign_ins_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_ins")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_sign_ins_token_hash")),
    )
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.create_index("ix_sign_ins_user_id", ["user_id"], unique=False)

    op.create_table(
        "zones",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("zone_class_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "ended_at", sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"), nullable=True
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("notice", sa.String(length=120), nullable=False),
        sa.Column("set_by", sa.String(length=80), nullable=False),
        sa.CheckConstraint(
            "ended_at IS NULL OR ended_at >= started_at", name=op.f("ck_zones_ends_after_start")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_zones_area_id")),
        sa.ForeignKeyConstraint(["zone_class_id"], ["zone_classes.id"], name=op.f("fk_zones_zone_class_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_zones")),
    )
    with op.batch_alter_table("zones", schema=None) as batch_op:
        batch_op.create_index("ix_zones_area_id", ["area_id", "started_at"], unique=False)
        batch_op.create_index(
            "uq_zones_area_id_open",
            ["area_id"],
            unique=True,
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )

    op.create_table(
        "bag_items",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("name_en", sa.String(length=60), nullable=True),
        sa.Column("spec", sa.String(length=40), nullable=False),
        sa.Column("unit", sa.String(length=12), nullable=False),
        sa.Column("quantity", sa.Integer(), nullable=False),
        sa.CheckConstraint("quantity > 0", name=op.f("ck_bag_items_quantity")),
        sa.ForeignKeyConstraint(["bag_id"], ["bags.id"], name=op.f("fk_bag_items_bag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bag_items")),
        sa.UniqueConstraint("bag_id", "position", name=op.f("uq_bag_items_bag_id_position")),
    )
    op.create_table(
        "households",
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
        sa.Column("door_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("split_no", sa.Integer(), nullable=False),
        sa.Column(
            "sort_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column(
            "state",
            sa.Enum(
                "listed",
                "stated",
                "merged",
                "refused",
                "closed",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("stated_door", sa.String(length=80), nullable=True),
        sa.Column("delivery_note", sa.String(length=60), nullable=True),
        sa.Column("merged_into_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(state = 'merged') = (merged_into_id IS NOT NULL)", name=op.f("ck_households_merged_into")
        ),
        sa.CheckConstraint(
            "door_id IS NOT NULL OR state <> 'listed'", name=op.f("ck_households_listed_has_a_door")
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_households_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_households_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["door_id"], ["doors.id"], name=op.f("fk_households_door_id")),
        sa.ForeignKeyConstraint(
            ["merged_into_id"], ["households.id"], name=op.f("fk_households_merged_into_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_households")),
        sa.UniqueConstraint("door_id", "split_no", name=op.f("uq_households_door_id_split_no")),
        sa.UniqueConstraint("public_id", name=op.f("uq_households_public_id")),
    )
    with op.batch_alter_table("households", schema=None) as batch_op:
        batch_op.create_index("ix_households_area_path", ["area_path", "sort_key", "id"], unique=False)
        batch_op.create_index(
            "ix_households_merged_into_id",
            ["merged_into_id"],
            unique=False,
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.create_index("ix_households_state_area_path", ["state", "area_path"], unique=False)

    op.create_table(
        "printed_sheets",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "picking", "packing", "run", name="kind", native_enum=False, create_constraint=True, length=40
            ),
            nullable=False,
        ),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("language", sa.String(length=10), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("file_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "printed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column("printed_by", sa.String(length=80), nullable=False),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_printed_sheets_area_id")),
        sa.ForeignKeyConstraint(["file_id"], ["files.id"], name=op.f("fk_printed_sheets_file_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_printed_sheets_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printed_sheets")),
        sa.UniqueConstraint(
            "round_id",
            "kind",
            "area_id",
            "language",
            "content_hash",
            name=op.f("uq_printed_sheets_round_id_kind_area_id_language_content_hash"),
        ),
        sa.UniqueConstraint(
            "round_id",
            "kind",
            "area_id",
            "version",
            name=op.f("uq_printed_sheets_round_id_kind_area_id_version"),
        ),
    )
    op.create_table(
        "round_areas",
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "area_path",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_round_areas_area_id")),
        sa.ForeignKeyConstraint(
            ["area_path"], ["areas.path"], name=op.f("fk_round_areas_area_path"), onupdate="CASCADE"
        ),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_round_areas_round_id")),
        sa.PrimaryKeyConstraint("round_id", "area_id", name=op.f("pk_round_areas")),
    )
    with op.batch_alter_table("round_areas", schema=None) as batch_op:
        batch_op.create_index("ix_round_areas_area_path", ["area_path"], unique=False)

    op.create_table(
        "round_bags",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("bag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("taken_count", sa.Integer(), nullable=False),
        sa.Column("household_limit", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "capacity IS NULL OR taken_count <= capacity", name=op.f("ck_round_bags_not_oversold")
        ),
        sa.CheckConstraint("household_limit > 0", name=op.f("ck_round_bags_household_limit")),
        sa.CheckConstraint("price_fen >= 0", name=op.f("ck_round_bags_price_fen")),
        sa.CheckConstraint("taken_count >= 0", name=op.f("ck_round_bags_taken_count")),
        sa.ForeignKeyConstraint(["bag_id"], ["bags.id"], name=op.f("fk_round_bags_bag_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_round_bags_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_round_bags")),
        sa.UniqueConstraint("public_id", name=op.f("uq_round_bags_public_id")),
        sa.UniqueConstraint("round_id", "bag_id", name=op.f("uq_round_bags_round_id_bag_id")),
    )
    op.create_table(
        "round_buildings",
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "sort_key",
            sa.String(length=400).with_variant(sa.String(length=400, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("household_count", sa.Integer(), nullable=False),
        sa.Column("ordered_count", sa.Integer(), nullable=False),
        sa.CheckConstraint("ordered_count >= 0", name=op.f("ck_round_buildings_ordered_count")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_round_buildings_area_id")),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_round_buildings_round_id")),
        sa.PrimaryKeyConstraint("round_id", "area_id", name=op.f("pk_round_buildings")),
    )
    with op.batch_alter_table("round_buildings", schema=None) as batch_op:
        batch_op.create_index(
            "ix_round_buildings_sort_key", ["round_id", "sort_key", "area_id"], unique=False
        )

    op.create_table(
        "members",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "listed",
                "waiting",
                "confirmed",
                "refused",
                "ended",
                name="state",
                native_enum=False,
                create_constraint=True,
                length=40,
            ),
            nullable=False,
        ),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "joined_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "decided_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=True),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_members_household_id")),
        sa.ForeignKeyConstraint(["person_id"], ["people.id"], name=op.f("fk_members_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_members")),
        sa.UniqueConstraint("public_id", name=op.f("uq_members_public_id")),
    )
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.create_index("ix_members_household_id", ["household_id", "position"], unique=False)
        batch_op.create_index("ix_members_person_id", ["person_id"], unique=False)
        batch_op.create_index(
            "uq_members_live",
            ["household_id", "person_id"],
            unique=True,
            sqlite_where=sa.text("state IN ('listed', 'waiting', 'confirmed')"),
            postgresql_where=sa.text("state IN ('listed', 'waiting', 'confirmed')"),
        )

    op.create_table(
        "orders",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "public_id",
            sa.String(length=22).with_variant(sa.String(length=22, collation="C"), "postgresql"),
            nullable=False,
        ),
        sa.Column("client_id", sa.String(length=140), nullable=False),
        sa.Column("area_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("numbered_on", sa.Date(), nullable=False),
        sa.Column("number", sa.String(length=6), nullable=False),
        sa.Column("round_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("household_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column(
            "state",
            sa.Enum("live", "cancelled", name="state", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column(
            "channel",
            sa.Enum("app", "assisted", name="channel", native_enum=False, create_constraint=True, length=40),
            nullable=False,
        ),
        sa.Column("is_late", sa.Boolean(), nullable=False),
        sa.Column("placed_by", sa.String(length=80), nullable=False),
        sa.Column("placed_by_person_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column(
            "placed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=False,
        ),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column(
            "cancelled_at",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.Column("cancel_reason", sa.String(length=200), nullable=True),
        sa.Column("total_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.CheckConstraint("total_fen >= 0", name=op.f("ck_orders_total_fen")),
        sa.ForeignKeyConstraint(["area_id"], ["areas.id"], name=op.f("fk_orders_area_id")),
        sa.ForeignKeyConstraint(["household_id"], ["households.id"], name=op.f("fk_orders_household_id")),
        sa.ForeignKeyConstraint(
            ["placed_by_person_id"], ["people.id"], name=op.f("fk_orders_placed_by_person_id")
        ),
        sa.ForeignKeyConstraint(["round_id"], ["rounds.id"], name=op.f("fk_orders_round_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "area_id", "numbered_on", "number", name=op.f("uq_orders_area_id_numbered_on_number")
        ),
        sa.UniqueConstraint("client_id", name=op.f("uq_orders_client_id")),
        sa.UniqueConstraint("public_id", name=op.f("uq_orders_public_id")),
    )
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.create_index("ix_orders_household_id", ["household_id", "id"], unique=False)
        batch_op.create_index(
            "uq_orders_live",
            ["round_id", "household_id"],
            unique=True,
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )

    op.create_table(
        "order_lines",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("order_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("round_bag_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("wanted_count", sa.Integer(), nullable=False),
        sa.Column("given_count", sa.Integer(), nullable=False),
        sa.Column("price_fen", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("price_version", sa.Integer(), nullable=False),
        sa.Column("no_substitute", sa.Boolean(), nullable=False),
        sa.Column(
            "waiting_since",
            sa.DateTime(timezone=True).with_variant(sa.String(length=27), "sqlite"),
            nullable=True,
        ),
        sa.CheckConstraint(
            "given_count >= 0 AND given_count <= wanted_count", name=op.f("ck_order_lines_given_count")
        ),
        sa.CheckConstraint(
            "waiting_since IS NULL OR given_count < wanted_count",
            name=op.f("ck_order_lines_waits_for_something"),
        ),
        sa.CheckConstraint("wanted_count > 0", name=op.f("ck_order_lines_wanted_count")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_order_lines_order_id")),
        sa.ForeignKeyConstraint(
            ["round_bag_id"], ["round_bags.id"], name=op.f("fk_order_lines_round_bag_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint("order_id", "round_bag_id", name=op.f("uq_order_lines_order_id_round_bag_id")),
    )
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.create_index(
            "ix_order_lines_waiting",
            ["round_bag_id", "waiting_since", "id"],
            unique=False,
            sqlite_where=sa.text("waiting_since IS NOT NULL"),
            postgresql_where=sa.text("waiting_since IS NOT NULL"),
        )

    _insert_first_data()


def _insert_first_data() -> None:
    first = json.loads(FIRST_DATA.read_text(encoding="utf-8"))
    levels = sa.table("area_levels", *map(sa.column, ("code", "rank", "name_zh", "name_en")))
    op.bulk_insert(levels, first["levels"])
    sets = sa.table(
        "rule_sets",
        *map(sa.column, ("id", "code", "name_zh", "name_en", "source")),
        sa.column("valid_from", sa.Date),
        sa.column("valid_until", sa.Date),
    )
    classes = sa.table(
        "zone_classes",
        *map(sa.column, ("rule_set_id", "code", "rank", "name_zh", "name_en", "means_zh", "means_en")),
    )
    connection = op.get_bind()
    for rule_set in first["rule_sets"]:
        facts = {name: value for name, value in rule_set.items() if name != "zone_classes"}
        for name in ("valid_from", "valid_until"):
            facts[name] = date.fromisoformat(facts[name]) if facts.get(name) else None
        connection.execute(sa.insert(sets).values(**facts))
        set_id = connection.execute(sa.select(sets.c.id).where(sets.c.code == facts["code"])).scalar_one()
        for zone_class in rule_set["zone_classes"]:
            connection.execute(sa.insert(classes).values(rule_set_id=set_id, **zone_class))


def downgrade() -> None:
    with op.batch_alter_table("order_lines", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_order_lines_waiting",
            sqlite_where=sa.text("waiting_since IS NOT NULL"),
            postgresql_where=sa.text("waiting_since IS NOT NULL"),
        )

    op.drop_table("order_lines")
    with op.batch_alter_table("orders", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_orders_live",
            sqlite_where=sa.text("state = 'live'"),
            postgresql_where=sa.text("state = 'live'"),
        )
        batch_op.drop_index("ix_orders_household_id")

    op.drop_table("orders")
    with op.batch_alter_table("members", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_members_live",
            sqlite_where=sa.text("state IN ('listed', 'waiting', 'confirmed')"),
            postgresql_where=sa.text("state IN ('listed', 'waiting', 'confirmed')"),
        )
        batch_op.drop_index("ix_members_person_id")
        batch_op.drop_index("ix_members_household_id")

    op.drop_table("members")
    with op.batch_alter_table("round_buildings", schema=None) as batch_op:
        batch_op.drop_index("ix_round_buildings_sort_key")

    op.drop_table("round_buildings")
    op.drop_table("round_bags")
    with op.batch_alter_table("round_areas", schema=None) as batch_op:
        batch_op.drop_index("ix_round_areas_area_path")

    op.drop_table("round_areas")
    op.drop_table("printed_sheets")
    with op.batch_alter_table("households", schema=None) as batch_op:
        batch_op.drop_index("ix_households_state_area_path")
        batch_op.drop_index(
            "ix_households_merged_into_id",
            sqlite_where=sa.text("merged_into_id IS NOT NULL"),
            postgresql_where=sa.text("merged_into_id IS NOT NULL"),
        )
        batch_op.drop_index("ix_households_area_path")

    op.drop_table("households")
    op.drop_table("bag_items")
    with op.batch_alter_table("zones", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_zones_area_id_open",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_zones_area_id")

    op.drop_table("zones")
    with op.batch_alter_table("sign_ins", schema=None) as batch_op:
        batch_op.drop_index("ix_sign_ins_user_id")

    op.drop_table("sign_ins")
    with op.batch_alter_table("rounds", schema=None) as batch_op:
        batch_op.drop_index("ix_rounds_state")
        batch_op.drop_index("ix_rounds_area_path")

    op.drop_table("rounds")
    with op.batch_alter_table("doors", schema=None) as batch_op:
        batch_op.drop_index("ix_doors_building_id")

    op.drop_table("doors")
    with op.batch_alter_table("bags", schema=None) as batch_op:
        batch_op.drop_index("ix_bags_area_path")

    op.drop_table("bags")
    with op.batch_alter_table("appointments", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_appointments_open",
            sqlite_where=sa.text("ended_at IS NULL"),
            postgresql_where=sa.text("ended_at IS NULL"),
        )
        batch_op.drop_index("ix_appointments_area_id")

    op.drop_table("appointments")
    op.drop_table("zone_classes")
    op.drop_table("users")
    with op.batch_alter_table("person_phones", schema=None) as batch_op:
        batch_op.drop_index("ix_person_phones_phone_index")

    op.drop_table("person_phones")
    with op.batch_alter_table("areas", schema=None) as batch_op:
        batch_op.drop_index("ix_areas_parent_id")
        batch_op.drop_index("ix_areas_level_path")

    op.drop_table("areas")
    op.drop_table("sign_in_codes")
    op.drop_table("rule_sets")
    with op.batch_alter_table("requests", schema=None) as batch_op:
        batch_op.drop_index("ix_requests_claimed_at")

    op.drop_table("requests")
    with op.batch_alter_table("rate_counters", schema=None) as batch_op:
        batch_op.drop_index("ix_rate_counters_window_at")

    op.drop_table("rate_counters")
    with op.batch_alter_table("people", schema=None) as batch_op:
        batch_op.drop_index("ix_people_pinyin_key")
        batch_op.drop_index("ix_people_name_key")
        batch_op.drop_index("ix_people_initials_key")

    op.drop_table("people")
    with op.batch_alter_table("outbox_messages", schema=None) as batch_op:
        batch_op.drop_index("ix_outbox_messages_due")

    op.drop_table("outbox_messages")
    with op.batch_alter_table("jobs", schema=None) as batch_op:
        batch_op.drop_index("ix_jobs_state")

    op.drop_table("jobs")
    with op.batch_alter_table("files", schema=None) as batch_op:
        batch_op.drop_index("ix_files_kept_until")

    op.drop_table("files")
    with op.batch_alter_table("audit_entries", schema=None) as batch_op:
        batch_op.drop_index("ix_audit_entries_object")
        batch_op.drop_index("ix_audit_entries_area_path")

    op.drop_table("audit_entries")
    op.drop_table("area_levels")
