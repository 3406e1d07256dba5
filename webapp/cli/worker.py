"""`flask --app wsgi worker`: sends messages and does long jobs until it is told to stop."""

import importlib

import click
from flask import current_app
from flask.cli import with_appcontext


@click.command("worker")
@with_appcontext
def cli() -> None:
    """Send messages, do long jobs and tidy up until Ctrl-C or SIGTERM."""
    # Jobs and shell commands are two doors beside each other and do not import one another; the name is enough,
    # and web processes that load the commands do without huey and httpx.
    worker = importlib.import_module("webapp.jobs.worker")
    worker.run(current_app._get_current_object())  # noqa: SLF001 - for threads
