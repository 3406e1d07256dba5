"""Staff at the shell: person, account and appointment at once, and the end of an appointment."""

from datetime import datetime

import click
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.cli.reports import LANGUAGE, refuse, speaking
from webapp.domain.accounts import services as accounts
from webapp.domain.people import services

cli = AppGroup("staff", help="Staff: who holds which role at which area.")
_ROLES = click.Choice([role.value for role in Role if role is not Role.RESIDENT])


def _deed() -> Deed:
    key = new_public_id()
    return Deed(actor=Actor.system("staff"), client_id=key, fingerprint=key, now=clock.now(), source="shell")


@cli.command("appoint")
@click.argument("name")
@click.argument("phone")
@click.argument("role", type=_ROLES)
@click.argument("area_code")
@click.option("--unit", help="Where the person comes from.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day, for seconded staff.")
@click.option("--with-password", is_flag=True, help="Ask for a password to sign in with.")
@LANGUAGE
def appoint(
    name: str,
    phone: str,
    role: str,
    area_code: str,
    unit: str | None,
    until: datetime | None,
    language: str,
    *,
    with_password: bool,
) -> None:
    """Make NAME with PHONE a member of staff: ROLE at the area with AREA_CODE."""
    ends_at = None
    if until is not None:
        last_moment = until.replace(hour=23, minute=59, second=59)
        ends_at = clock.instant(last_moment)
    password = None
    if with_password:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    with speaking(language):
        try:
            services.register_staff(
                deed=_deed(),
                name=name,
                phone=phone,
                role=Role(role),
                area_code=area_code,
                unit=unit,
                ends_at=ends_at,
                password=password,
            )
        except LinliError as error:
            refuse(error)
    click.echo(f"{role} at {area_code}: appointed.")


@cli.command("end")
@click.argument("phone")
@click.argument("role", type=_ROLES)
@click.argument("area_code")
@LANGUAGE
def end(phone: str, role: str, area_code: str, language: str) -> None:
    """End the ROLE of the user with PHONE at the area with AREA_CODE now."""
    with speaking(language):
        try:
            accounts.end_appointment(deed=_deed(), phone=phone, role=Role(role), area_code=area_code)
        except LinliError as error:
            refuse(error)
    click.echo(f"{role} at {area_code}: ended.")
