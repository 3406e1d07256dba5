"""The WSGI application, nothing else."""

from webapp import create_app

app = create_app()
