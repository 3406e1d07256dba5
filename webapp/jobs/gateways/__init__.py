"""The ways out for messages: an SMS gateway (or the console of somebody who develops), web push, staff channels."""

from typing import Any

from webapp.base.outbox import Way
from webapp.jobs.gateways.letters import Gateway, Letter, Outcome, Result
from webapp.jobs.gateways.push import PushGateway
from webapp.jobs.gateways.sms import ConsoleGateway, PlainGateway, SmsGate
from webapp.jobs.gateways.staff import StaffGateway

__all__ = [
    "ConsoleGateway",
    "Gateway",
    "Letter",
    "Outcome",
    "PlainGateway",
    "PushGateway",
    "Result",
    "SmsGate",
    "StaffGateway",
    "from_config",
]


def from_config(config: Any) -> dict[Way, Gateway]:
    """The gateway of each way, by the settings. Without one for SMS in production those messages wait unseen."""
    found: dict[Way, Gateway] = {Way.PUSH: PushGateway.of(config), Way.STAFF: StaffGateway.of(config)}
    sms = _sms(config)
    return {Way.SMS: sms} | found if sms else found


def _sms(config: Any) -> Gateway | None:
    if not config["SMS_URL"]:
        return None if config["IS_PRODUCTION"] else ConsoleGateway(config["DATA_DIR"])
    if config["SMS_PROTOCOL"] == "smsgate":
        return SmsGate(url=config["SMS_URL"], token=config["SMS_TOKEN"])
    return PlainGateway(
        url=config["SMS_URL"],
        token=config["SMS_TOKEN"],
        removes_duplicates=config["SMS_DEDUPLICATES"],
    )
