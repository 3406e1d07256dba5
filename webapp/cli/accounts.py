"""`flask --app wsgi accounts …`: passwords and appointments from the shell."""

from datetime import datetime

import click
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.base.permissions import Role
from webapp.domain.accounts import services
from webapp.web.errors import sentence

cli = AppGroup("accounts", help="Users, passwords and appointments.")
_ROLES = [role.value for role in Role if role is not Role.RESIDENT]


def _deed() -> Deed:
    return Deed(
        actor=Actor.system("shell"),
        client_id=new_public_id(),
        fingerprint="shell",
        now=clock.now(),
        source="shell",
    )


def _said(error: LinliError) -> click.ClickException:
    return click.ClickException(sentence(error.code, **error.params))


@cli.command("set-password")
@click.argument("phone")
@click.password_option()
def set_password(phone: str, password: str) -> None:
    """Set the password of the user with this phone and sign them out everywhere."""
    try:
        services.set_password(deed=_deed(), phone=phone, password=password)
    except LinliError as error:
        raise _said(error) from error
    click.echo("The password is set.")


@cli.command("appoint")
@click.argument("phone")
@click.argument("role", type=click.Choice(_ROLES))
@click.argument("area_code")
@click.option("--unit", help="Where the person comes from.")
@click.option("--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the appointment.")
def appoint(phone: str, role: str, area_code: str, unit: str | None, until: datetime | None) -> None:
    """Give the user of this phone a role at an area; the account is made if there is none."""
    ends_at = None
    if until is not None:
        ends_at = clock.instant(until.replace(hour=23, minute=59, second=59))
    try:
        services.appoint(
            deed=_deed(), phone=phone, role=Role(role), area_code=area_code, unit=unit, ends_at=ends_at
        )
    except LinliError as error:
        raise _said(error) from error
    click.echo(f"{role} at {area_code}: appointed.")


@cli.command("end-appointment")
@click.argument("phone")
@click.argument("role", type=click.Choice(_ROLES))
@click.argument("area_code")
def end_appointment(phone: str, role: str, area_code: str) -> None:
    """End a role at an area now."""
    try:
        services.end_appointment(deed=_deed(), phone=phone, role=Role(role), area_code=area_code)
    except LinliError as error:
        raise _said(error) from error
    click.echo(f"{role} at {area_code}: ended.")
