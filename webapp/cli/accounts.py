"""`flask --app wsgi accounts …`: passwords from the shell."""

import click
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.cli.reports import LANGUAGE, refuse, speaking
from webapp.domain.accounts import services

cli = AppGroup("accounts", help="Users and their passwords.")


def _deed() -> Deed:
    return Deed(
        actor=Actor.system("shell"),
        client_id=new_public_id(),
        fingerprint="shell",
        now=clock.now(),
        source="shell",
    )


@cli.command("set-password")
@click.argument("phone")
@click.password_option()
@LANGUAGE
def set_password(phone: str, password: str, language: str) -> None:
    """Set the password of the user with this phone and sign them out everywhere."""
    with speaking(language):
        try:
            services.set_password(deed=_deed(), phone=phone, password=password)
        except LinliError as error:
            refuse(error)
    click.echo("The password is set.")
