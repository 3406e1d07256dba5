"""The secret pages of a call-up: which one a message is about, for whoever sends it."""

from webapp.base import crypto

_PAGES = {
    "summons": ("/mobilization/answer", "summons"),
    "call_up_unit": ("/mobilization/units", "call_up_unit"),
}
# The messages that ask for an answer, or that somebody may want to take back.
ASKING = frozenset({"call_up", "call_up_drill", "call_up_again", "call_up_place", "call_named", "call_unit"})
# As long as any: for counting what a message will cost before there is a summons.
SAMPLE = f"/mobilization/answer/{'x' * 22}"


def page_of(reference: str | None) -> str | None:
    """The page that opens without signing in, for the person a message about this goes to; None: there is none.

    `reference` is what the message is about (summons:<public id>). The token is made here and stored nowhere.
    """
    kind, _colon, public_id = (reference or "").partition(":")
    if kind not in _PAGES or not public_id:
        return None
    root, purpose = _PAGES[kind]
    return f"{root}/{crypto.blind_index(purpose, public_id)}"
