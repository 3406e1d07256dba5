"""`flask --app wsgi crypto rotate`: encrypted columns under the newest key."""

import sys

import click
from flask.cli import AppGroup

from webapp.base import rotation

cli = AppGroup("crypto", help="Keys of the encrypted columns.")


@cli.command("rotate")
@click.option("--batch", default=rotation.BATCH, show_default=True, help="Rows in one transaction.")
def rotate(batch: int) -> None:
    """Encrypt all columns with the first of LINLI_CRYPTO_KEYS; may be stopped and started again."""
    changed = unchanged = unreadable = 0
    for progress in rotation.rotate(batch=batch):
        click.echo(
            f"{progress.table}.{progress.column}: {progress.changed} changed, "
            f"{progress.unchanged} unchanged, {progress.unreadable} unreadable"
        )
        changed += progress.changed
        unchanged += progress.unchanged
        unreadable += progress.unreadable
    click.echo(f"changed {changed} unchanged {unchanged} unreadable {unreadable}")
    if unreadable:
        click.echo(
            "Unreadable rows need their old key: add it to LINLI_CRYPTO_KEYS and run this again.", err=True
        )
        sys.exit(1)
