"""The reserve at the shell: taking lists of any size."""

from pathlib import Path

import click
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.cli.reports import LANGUAGE, RejectedRows, refuse, say_columns, say_outcomes, speaking
from webapp.domain.mobilization.queries import enrolling
from webapp.domain.mobilization.services import reserve_imports as imports

cli = AppGroup("reserve", help="The reserve: lists of people who can be called.")


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--area", required=True, help="Code of the area whose list it is: a community, a town, the county."
)
@click.option("--preview", is_flag=True, help="Say what the list would do and change nothing.")
@click.option("--invented", is_flag=True, help="Mark the people as invented (demo data).")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Where bad rows are written.")
@LANGUAGE
def import_reservists(
    file: Path, area: str, errors: Path | None, language: str, *, preview: bool, invented: bool
) -> None:
    """Take reservists from a FILE: CSV or XLSX. The last line counts the rows."""
    key = new_public_id()
    deed = Deed(
        actor=Actor.system("reserve"), client_id=key, fingerprint=key, now=clock.now(), source="shell"
    )
    rejected = RejectedRows(errors or file.with_name(f"{file.stem}.errors.csv"))
    with speaking(language), file.open("rb") as source:
        try:
            if preview:
                setting = imports.Setting(
                    area=enrolling.find_area(actor=deed.actor, code=area),
                    is_invented=invented,
                    today=clock.day(deed.now),
                )
                shown = imports.preview(setting=setting, file=source, reject=rejected.add)
                say_columns(shown)
                say_outcomes(shown)
                return
            tally = imports.import_reservists(
                deed=deed, area_code=area, file=source, reject=rejected.add, is_invented=invented
            )
        except LinliError as error:
            refuse(error)
        finally:
            rejected.close()
    click.echo(str(tally))
