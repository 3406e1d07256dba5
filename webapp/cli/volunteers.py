"""Volunteers at the shell: taking lists of any size."""

from pathlib import Path

import click
from flask import current_app
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.cli.reports import LANGUAGE, RejectedRows, refuse, say_columns, say_outcomes, speaking
from webapp.domain.volunteers.queries import imports as queries
from webapp.domain.volunteers.services import imports

cli = AppGroup("volunteers", help="Volunteers: lists of people who help.")


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--area", required=True, help="Code of the area whose list it is: a community, a town, the county."
)
@click.option("--preview", is_flag=True, help="Say what the list would do and change nothing.")
@click.option("--invented", is_flag=True, help="Mark the people as invented (demo data).")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Where bad rows are written.")
@LANGUAGE
def import_volunteers(
    file: Path, area: str, errors: Path | None, language: str, *, preview: bool, invented: bool
) -> None:
    """Take volunteers from a FILE: CSV or XLSX. The last line counts the rows."""
    key = new_public_id()
    deed = Deed(
        actor=Actor.system("volunteers"), client_id=key, fingerprint=key, now=clock.now(), source="shell"
    )
    minors_allowed = current_app.config["VOLUNTEERS_FROM_16"]
    rejected = RejectedRows(errors or file.with_name(f"{file.stem}.errors.csv"))
    with speaking(language), file.open("rb") as source:
        try:
            if preview:
                setting = imports.Setting(
                    area=queries.get_area_for_import(actor=deed.actor, code=area),
                    minors_allowed=minors_allowed,
                    is_invented=invented,
                    today=clock.day(deed.now),
                )
                _show(imports.preview(setting=setting, file=source, reject=rejected.add))
                return
            tally = imports.import_volunteers(
                deed=deed,
                area_code=area,
                file=source,
                reject=rejected.add,
                minors_allowed=minors_allowed,
                is_invented=invented,
            )
        except LinliError as error:
            refuse(error)
        finally:
            rejected.close()
    click.echo(str(tally))


def _show(shown: imports.Preview) -> None:
    say_columns(shown)
    for kind, names in (("organisations", shown.new_organisations), ("teams", shown.new_teams)):
        if names:
            click.echo(f"new {kind}: " + ", ".join(names))
    say_outcomes(shown)
