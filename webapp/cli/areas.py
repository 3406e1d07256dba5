"""Areas at the shell: the division table, rule sets."""

import json
from pathlib import Path

import click
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.cli.reports import LANGUAGE, RejectedRows, refuse, speaking
from webapp.domain.areas import services

cli = AppGroup("areas", help="Areas: the division table, levels and rule sets.")


def _deed() -> Deed:
    key = new_public_id()
    return Deed(actor=Actor.system("areas"), client_id=key, fingerprint=key, now=clock.now(), source="shell")


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Where bad rows are written.")
@LANGUAGE
def import_areas(file: Path, errors: Path | None, language: str) -> None:
    """Take areas from a CSV FILE: code,name,level,parent_code. The last line counts the rows."""
    rejected = RejectedRows(errors or file.with_name(f"{file.stem}.errors.csv"))
    with speaking(language), file.open("rb") as source:
        try:
            tally = services.import_areas(deed=_deed(), file=source, reject=rejected.add)
        except LinliError as error:
            refuse(error)
        finally:
            rejected.close()
    click.echo(str(tally))


@cli.command("rules")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@LANGUAGE
def load_rules(file: Path, language: str) -> None:
    """Take levels and rule sets from a JSON FILE, in the shape of migrations/versions/0001_first_data.json."""
    with speaking(language):
        try:
            tally = services.load_rules(deed=_deed(), data=json.loads(file.read_text(encoding="utf-8")))
        except LinliError as error:
            refuse(error)
        except (ValueError, KeyError, TypeError) as error:
            raise click.ClickException(f"{file.name}: {error!r}") from error
    click.echo(str(tally))


@cli.command("enable-rules")
@click.argument("code")
@click.option("--authority", required=True, help="Who enables it, as it stands on the notice.")
@LANGUAGE
def enable_rules(code: str, authority: str, language: str) -> None:
    """Put the rule set CODE into force: pages no longer say that this is an exercise."""
    with speaking(language):
        try:
            services.enable_rules(deed=_deed(), code=code, authority=authority)
        except LinliError as error:
            refuse(error)
    click.echo(f"enabled {code}")
