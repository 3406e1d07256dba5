"""Tables of users, sign-ins, one-time codes and appointments."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Ciphertext, Id, Model, PublicId, UtcDateTime, partial_index, word
from webapp.base.permissions import Role


class TextSize(StrEnum):
    """How large the words are 长辈版(大字)."""

    NORMAL = "normal"
    LARGE = "large"
    XLARGE = "xlarge"


class Theme(StrEnum):
    """Light, dark, or as the phone is set."""

    SYSTEM = "system"
    LIGHT = "light"
    DARK = "dark"


class User(Model):
    """A way to sign in 账号. It points to a person once that person is known; a phone belongs to one user.

    A person whose doubled rows were merged has several. `unread_count` repeats how many messages in the inbox are
    unread.
    """

    __tablename__ = "users"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("phone_index"),
        Index("ix_users_person_id", "person_id"),
    )
    personal_columns = ("phone", "phone_index", "phone_tail")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    phone: Mapped[bytes] = mapped_column(Ciphertext)
    phone_index: Mapped[str] = mapped_column(String(22))
    phone_tail: Mapped[str] = mapped_column(String(4))
    password_hash: Mapped[str | None] = mapped_column(String(200))
    language: Mapped[str] = mapped_column(String(10), default="zh_Hans")
    text_size: Mapped[TextSize] = mapped_column(word(TextSize, "text_size"), default=TextSize.NORMAL)
    theme: Mapped[Theme] = mapped_column(word(Theme, "theme"), default=Theme.SYSTEM)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    blocked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    unread_count: Mapped[int] = mapped_column(Integer, default=0, server_default="0")


class SignIn(Model):
    """One signed-in browser 登录. The cookie holds a token, this row only its hash; deleting rows signs out."""

    __tablename__ = "sign_ins"
    __table_args__ = (UniqueConstraint("token_hash"), Index("ix_sign_ins_user_id", "user_id"))

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    token_hash: Mapped[str] = mapped_column(String(64))
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class SignInCode(Model):
    """The one live one-time code 验证码 of a phone, hashed; a new one replaces it."""

    __tablename__ = "sign_in_codes"
    __table_args__ = (CheckConstraint("try_count >= 0", name="try_count"),)
    personal_columns = ("phone_index",)

    phone_index: Mapped[str] = mapped_column(String(22), primary_key=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    try_count: Mapped[int] = mapped_column(Integer, default=0)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Appointment(Model):
    """A role at an area 任职; it reaches the area and all below. Seconded staff have an end."""

    __tablename__ = "appointments"
    __table_args__ = (
        UniqueConstraint("public_id"),
        partial_index(
            "uq_appointments_open", "user_id", "role", "area_id", where="ended_at IS NULL", unique=True
        ),
        Index("ix_appointments_area_id", "area_id", "role"),
    )

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    user_id: Mapped[int] = mapped_column(ForeignKey("users.id"))
    role: Mapped[Role] = mapped_column(word(Role, "role"))
    area_id: Mapped[int] = mapped_column(ForeignKey("areas.id"))
    unit: Mapped[str | None] = mapped_column(String(80))
    starts_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ends_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    made_by: Mapped[str] = mapped_column(String(80))
