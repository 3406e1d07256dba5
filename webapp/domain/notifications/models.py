"""Tables of the inbox, of contacts other than phone numbers, and of SMS that came in."""

from datetime import datetime

from sqlalchemy import Boolean, CheckConstraint, ForeignKey, Index, Integer, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from webapp.base.db import Ciphertext, Id, Model, PublicId, UtcDateTime, partial_index, word
from webapp.domain.notifications.rules import Channel, ContactState, ReplyState


class InboxItem(Model):
    """A message in the app 站内通知, rendered in the reader's language when it is read.

    `reference` names what it is about (summons:<public id>): one item per person, template and reference.
    `users.unread_count` repeats how many are unread, so that no page pays for the badge.
    """

    __tablename__ = "inbox_items"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("person_id", "template", "reference"),
        Index("ix_inbox_items_person_id", "person_id", "id"),
    )
    personal_columns = ("parameters",)

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    template: Mapped[str] = mapped_column(String(40))
    parameters: Mapped[str] = mapped_column(Text)
    reference: Mapped[str] = mapped_column(String(60))
    address: Mapped[str | None] = mapped_column(String(200))
    is_drill: Mapped[bool] = mapped_column(Boolean, default=False)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    read_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class Contact(Model):
    """A push subscription or staff channel 联系方式 of a person. Phone numbers stand in `person_phones`.

    `address` is the subscription as JSON, or the Apprise address of the channel; `address_index` finds it.
    """

    __tablename__ = "contacts"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("person_id", "channel", "address_index"),
        Index("ix_contacts_address_index", "address_index"),
        CheckConstraint("channel IN ('push', 'staff')", name="has_an_address"),
    )
    personal_columns = ("address", "address_index", "label")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    person_id: Mapped[int] = mapped_column(ForeignKey("people.id"))
    channel: Mapped[Channel] = mapped_column(word(Channel, "channel"))
    address: Mapped[bytes] = mapped_column(Ciphertext)
    address_index: Mapped[str] = mapped_column(String(22))
    label: Mapped[str] = mapped_column(String(60), default="")
    state: Mapped[ContactState] = mapped_column(word(ContactState, "state"))
    made_at: Mapped[datetime] = mapped_column(UtcDateTime)
    verified_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    failing_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    fail_count: Mapped[int] = mapped_column(Integer, default=0)


class SmsReply(Model):
    """An SMS that came in 短信回复, kept before it is understood; `gateway_id` makes a repeated hook harmless.

    `about` names what it was taken for (summons:<public id>). An UNCLEAR one is read by a person of `area_path`.
    """

    __tablename__ = "sms_replies"
    __table_args__ = (
        UniqueConstraint("public_id"),
        UniqueConstraint("gateway_id"),
        partial_index("ix_sms_replies_waiting", "id", where="state = 'waiting'"),
        partial_index("ix_sms_replies_unclear", "area_path", "id", where="state = 'unclear'"),
        Index("ix_sms_replies_phone_index", "phone_index", "id"),
    )
    personal_columns = ("phone", "phone_index", "text")

    id: Mapped[int] = mapped_column(Id, primary_key=True)
    public_id: Mapped[str] = mapped_column(PublicId)
    gateway_id: Mapped[str] = mapped_column(String(80))
    phone: Mapped[bytes] = mapped_column(Ciphertext)
    phone_index: Mapped[str] = mapped_column(String(22))
    text: Mapped[bytes] = mapped_column(Ciphertext)
    received_at: Mapped[datetime] = mapped_column(UtcDateTime)
    state: Mapped[ReplyState] = mapped_column(word(ReplyState, "state"))
    about: Mapped[str | None] = mapped_column(String(60))
    area_path: Mapped[str | None] = mapped_column(String(400))
    person_id: Mapped[int | None] = mapped_column(ForeignKey("people.id"))
    unclear_because: Mapped[str | None] = mapped_column(String(40))
    settled_by: Mapped[str | None] = mapped_column(String(80))
    settled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
