"""Households at the shell: taking lists of any size."""

from pathlib import Path

import click
from flask.cli import AppGroup

from webapp.base import clock
from webapp.base.actor import Actor
from webapp.base.deed import Deed
from webapp.base.errors import LinliError
from webapp.base.ids import new_public_id
from webapp.cli.reports import LANGUAGE, RejectedRows, how_written, refuse, speaking
from webapp.domain.households.services import imports
from webapp.web.errors import sentence

cli = AppGroup("households", help="Households: lists of doors and members.")


@cli.command("import")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--community", required=True, help="Code of the community whose list it is.")
@click.option("--preview", is_flag=True, help="Say what is understood and change nothing.")
@click.option("--invented", is_flag=True, help="Mark the people as invented (demo data).")
@click.option("--errors", type=click.Path(dir_okay=False, path_type=Path), help="Where bad rows are written.")
@LANGUAGE
def import_households(
    file: Path, community: str, errors: Path | None, language: str, *, preview: bool, invented: bool
) -> None:
    """Take grids, compounds, buildings, doors and members from a FILE: CSV or XLSX. The last line counts the rows."""
    key = new_public_id()
    deed = Deed(
        actor=Actor.system("households"), client_id=key, fingerprint=key, now=clock.now(), source="shell"
    )
    rejected = RejectedRows(errors or file.with_name(f"{file.stem}.errors.csv"))
    with speaking(language), file.open("rb") as source:
        try:
            if preview:
                _show(imports.preview(file=source))
                return
            tally = imports.import_households(
                deed=deed,
                community_code=community,
                file=source,
                reject=rejected.add,
                is_invented=invented,
            )
        except LinliError as error:
            refuse(error)
        finally:
            rejected.close()
    click.echo(str(tally))


def _show(shown: imports.Preview) -> None:
    click.echo(how_written(shown.encoding, shown.delimiter))
    click.echo("columns: " + ", ".join(f"{head} → {name}" for name, head in shown.columns.items()))
    if shown.unknown:
        click.echo("not taken: " + ", ".join(shown.unknown))
    for row in shown.first:
        people = "; ".join(" ".join([person["name"], *person["phones"]]) for person in row["people"])
        click.echo(f"{row['line']}\t{row['grid']} {row['compound']}\t{row['door']}\t{people}")
    for problem in shown.problems:
        said = sentence(problem.code, **problem.params)
        click.echo(f"{problem.line}\t{problem.column or ''}\t{said}")
    if shown.problem_count > len(shown.problems):
        click.echo(f"… {shown.problem_count - len(shown.problems)} more")
    click.echo(", ".join(f"{name} {count}" for name, count in shown.counts.items()))
    click.echo(f"rows {shown.row_count}, understood {shown.understood_count}, not {shown.problem_count}")
