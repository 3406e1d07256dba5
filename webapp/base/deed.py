"""One change, as a value: who does it, for whom, under which key, when, why and from where."""

from dataclasses import dataclass
from datetime import datetime

from webapp.base.actor import Actor


@dataclass(frozen=True)
class Deed:
    """What a service needs to know about the change that it is asked for.

    `client_id` is the key that the phone or form made; the same key is the same deed, however often it
    arrives. `fingerprint` is an HMAC of what was sent, so that a key cannot be used for something else.
    `on_behalf_of` is the person id for whom somebody else acts.
    """

    actor: Actor
    client_id: str
    fingerprint: str
    now: datetime
    on_behalf_of: int | None = None
    reason: str | None = None
    source: str = "web"
