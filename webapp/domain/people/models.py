"""Tables of people and their phone numbers."""

from datetime import date, datetime

from sqlalchemy import Boolean, CheckConstraint, Date, ForeignKey, Index, Integer, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Ciphertext, Id, Model, PublicId, SortText, UtcDateTime, partial_index


class Person(Model):
    """A person 人员: resident, volunteer, patient, caller, all the same row.

    `name_key` is the name in NFKC without spaces, `pinyin_key` its pinyin (zhangsan), `initials_key` the first
    letters of it (zs); all three are searched by prefix.
    Deeds that take a person's time first raise `version`, which locks the row. An ID number is encrypted;
    `id_index` finds it. A row that was merged leads on to `merged_into_id`; its phones and sign-ins moved there.
    """

    __tablename__ = "people"
    __table_args__ = (
        UniqueConstraint("public_id"),
        Index("ix_people_name_key", "name_key"),
        Index("ix_people_pinyin_key", "pinyin_key"),
        Index("ix_people_initials_key", "initials_key"),
        partial_index("uq_people_id_index", "id_index", where="merged_into_id IS NULL", unique=True),
        CheckConstraint("(id_number IS NULL) = (id_index IS NULL)", name="id_number_is_found"),
    )
    personal_columns = ("name", "name_key", "pinyin_key", "initials_key", "id_number", "id_index", "born_on")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    name: Mapped[str] = mapped_column(String(60))
    name_key: Mapped[str] = mapped_column(SortText)
    pinyin_key: Mapped[str] = mapped_column(SortText)
    initials_key: Mapped[str] = mapped_column(SortText)
    version: Mapped[int] = mapped_column(Integer, default=1)
    is_invented: Mapped[bool] = mapped_column(Boolean, default=False)
    id_number: Mapped[bytes | None] = mapped_column(Ciphertext)
    id_index: Mapped[str | None] = mapped_column(String(22))
    born_on: Mapped[date | None] = mapped_column(Date)
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)


class PersonPhone(Model):
    """A phone number 电话 of a person; several people may share it, and one person may have several.

    From an imported list it is a hint; `verified_at` says that a code sent to it came back. `failing_since`: the
    gateway lately could not deliver there. `opted_out_at`: its owner wants no messages but codes.
    """

    __tablename__ = "person_phones"
    __table_args__ = (
        UniqueConstraint("person_id", "phone_index"),
        Index("ix_person_phones_phone_index", "phone_index"),
    )
    personal_columns = ("phone", "phone_index", "phone_tail")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    phone: Mapped[bytes] = mapped_column(Ciphertext)
    phone_index: Mapped[str] = mapped_column(String(22))
    phone_tail: Mapped[str] = mapped_column(String(4))
    position: Mapped[int] = mapped_column(Integer, default=0)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    opted_out_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
