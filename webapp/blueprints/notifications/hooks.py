"""The gateway's door: receipts and replies come in signed, and are answered once they are committed."""

import hashlib
import hmac
import logging
from datetime import timedelta

from flask import Response, current_app, request
from werkzeug.exceptions import NotFound, RequestEntityTooLarge

from webapp.base import clock
from webapp.blueprints.notifications import bp, hook_events
from webapp.domain.notifications import services
from webapp.web.extensions import csrf
from webapp.web.guard import public

log = logging.getLogger("linli.hooks")
LONGEST_BODY = 256 * 1024
# As SMSGate advises; it signs each try anew, so that one which was long on its way is still accepted.
TOLERANCE = timedelta(minutes=5)


@bp.post("/hooks/sms")
@csrf.exempt
@public
def take_sms_hook() -> Response:
    """What the SMS gateway tells us: 204 stored (or known, or of no use), 401 not signed, 403 too old, 422 unreadable."""
    key = current_app.config["SMS_HOOK_KEY"]
    if not key:
        raise NotFound
    if (request.content_length or 0) > LONGEST_BODY:
        raise RequestEntityTooLarge
    body = request.get_data()
    refused = _refused(key, body)
    if refused:
        log.warning("hook_refused", extra={"status": refused})
        return Response(status=refused)
    try:
        receipts, replies = hook_events.read(body, current_app.config["SMS_PROTOCOL"])
    except hook_events.Unreadable:
        log.warning("hook_unreadable")
        return Response(status=422)
    now = clock.now()
    if receipts:
        services.take_receipts(receipts=receipts, now=now)
    if replies:
        services.store_replies(replies=replies, now=now)
    return Response(status=204)


def _refused(key: str, body: bytes) -> int | None:
    """The status for a hook that was not signed with the key (401) or not lately (403); None for a good one.

    X-Signature is the hexadecimal HMAC-SHA256 of the body as it came, followed by X-Timestamp (Unix seconds).
    """
    stamp, signature = request.headers.get("X-Timestamp", ""), request.headers.get("X-Signature", "")
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        return 401
    expected = hmac.new(key.encode(), body + stamp.encode(), hashlib.sha256).hexdigest()
    if not hmac.compare_digest(expected.encode(), signature.lower().encode()):
        return 401
    age = abs(clock.now().timestamp() - int(stamp))
    return 403 if age > TOLERANCE.total_seconds() else None
