"""Certificates of service 志愿服务证明: the same words are one certificate, whoever asks how often."""

from typing import Any

from sqlalchemy import select, update

from webapp.base import audit, db, files, requests
from webapp.base.db import writing
from webapp.base.deed import Deed
from webapp.base.errors import Conflict, NotAllowed
from webapp.base.ids import hash_token
from webapp.domain.people.models import Person
from webapp.domain.rosters.models import ServiceCertificate
from webapp.domain.rosters.queries import certificates
from webapp.domain.rosters.queries.certificates import Draft
from webapp.domain.rosters.services.evidence import INSERTS

_certificates: Any = ServiceCertificate.__table__
_people: Any = Person.__table__


def issue_certificate(*, deed: Deed, draft: Draft, public_id: str, number: str, pdf: bytes) -> str:
    """Store a certificate with the PDF that was printed of it; returns its public id.

    One that says the same and still holds is answered instead. Conflict number_taken where chance gave a number
    twice.
    """
    return _issue(deed=deed, draft=draft, public_id=public_id, number=number, sha256=files.put(pdf))


@writing
def _issue(*, deed: Deed, draft: Draft, public_id: str, number: str, sha256: str) -> str:
    claim = requests.claim(deed)
    connection = db.connection()
    if claim.is_repeat:
        return str(
            connection.execute(
                select(_certificates.c.public_id).where(_certificates.c.id == claim.object_id)
            ).scalar_one()
        )
    # Two equal requests at once are one certificate: the person is locked before it is looked for.
    connection.execute(
        update(_people).where(_people.c.id == draft.person_id).values(version=_people.c.version + 1)
    )
    values: dict[str, Any] = {
        name: getattr(draft, name)
        for name in (
            "person_id",
            "name",
            "office_name",
            "minutes",
            "shift_count",
            "from_on",
            "to_on",
            "language",
        )
    }
    same = certificates.find_same(values)
    if same is not None:
        row = connection.execute(
            select(_certificates.c.id).where(_certificates.c.public_id == same)
        ).scalar_one()
        requests.settle(claim, outcome="known", object_id=row)
        return same
    certificate_id = connection.execute(
        INSERTS[connection.dialect.name](_certificates)
        .on_conflict_do_nothing(index_elements=["number"])
        .returning(_certificates.c.id),
        values
        | {
            "public_id": public_id,
            "number": number,
            "token_hash": hash_token(certificates.token_of(public_id)),
            "issued_at": deed.now,
            "file_id": files.register(deed, sha256=sha256, kind="certificate"),
        },
    ).scalar()
    if certificate_id is None:
        raise Conflict("certificate_number_taken")
    requests.settle(claim, outcome="issued", object_id=certificate_id)
    audit.record(
        deed,
        "issue_certificate",
        "service_certificate",
        certificate_id,
        area_path=draft.area_path,
        person_id=draft.person_id,
        minutes=draft.minutes,
        number=number,
    )
    return public_id


@writing
def revoke_certificate(*, deed: Deed, certificate: str) -> None:
    """Take a certificate back: its public page says so, its PDF is no longer handed out. The head, with a reason."""
    claim = requests.claim(deed)
    if claim.is_repeat:
        return
    view = certificates.get_certificate(actor=deed.actor, public_id=certificate)
    if not view.may_revoke:
        raise NotAllowed
    certificate_id = (
        db.connection()
        .execute(
            update(_certificates)
            .where(_certificates.c.public_id == certificate, _certificates.c.revoked_at.is_(None))
            .values(revoked_at=deed.now)
            .returning(_certificates.c.id)
        )
        .scalar()
    )
    if certificate_id is None:
        raise Conflict("certificate_revoked")
    requests.settle(claim, outcome="revoked", object_id=certificate_id)
    audit.record(deed, "revoke_certificate", "service_certificate", certificate_id, person_id=view.person_id)
