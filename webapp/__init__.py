"""The application factory: wiring only."""

import importlib
import logging
import os
import pkgutil
import sys
from collections.abc import Mapping
from typing import Any

from flask import Flask
from flask_migrate import Migrate
from jinja2 import StrictUndefined
from werkzeug.middleware.proxy_fix import ProxyFix

from webapp import blueprints, cli, domain
from webapp.base import clock, config, crypto, db, files, remembered
from webapp.base.logs import JsonLines
from webapp.domain.accounts import queries as accounts
from webapp.domain.households import queries as households
from webapp.web import errors, extensions, guard, pages
from webapp.web.templates import TranslatedEnvironment


def create_app(overrides: Mapping[str, Any] | None = None) -> Flask:
    """The application with its settings from the environment; `overrides` are Flask configuration values."""
    app = Flask(__name__)
    app.jinja_environment = TranslatedEnvironment
    # No view is a coroutine, and Flask asks each function at each call.
    app.ensure_sync = lambda function: function  # type: ignore[method-assign]
    app.config.update(config.load(os.environ))
    app.config.update(overrides or {})
    app.jinja_env.undefined = StrictUndefined
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.url_map.strict_slashes = False
    _tune(app)

    # Every table must be known before the first statement: foreign keys name tables of other features.
    for feature in pkgutil.iter_modules(domain.__path__):
        importlib.import_module(f"webapp.domain.{feature.name}.models")

    clock.configure(app.config["TIME_ZONE"])
    crypto.configure(app.config["CRYPTO_KEYS"])
    files.configure(app.config["DATA_DIR"])
    # Tests change what was shown a moment ago by other doors than the services'.
    remembered.configure(0 if app.testing else remembered.SECONDS)
    db.db.init_app(app)
    with app.app_context():
        db.prepare(db.db.engine)
    Migrate(app, db.db, directory="migrations", render_as_batch=True)

    app.extensions["linli_load_signed_in"] = accounts.load_signed_in
    app.extensions["linli_load_place"] = households.get_place_of
    extensions.init_app(app)
    errors.init_app(app)
    pages.init_app(app)
    if app.config["TRUSTED_PROXIES"]:
        hops = app.config["TRUSTED_PROXIES"]
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=hops, x_proto=hops, x_host=hops)  # type: ignore[method-assign]

    for module in pkgutil.iter_modules(blueprints.__path__):
        package = importlib.import_module(f"webapp.blueprints.{module.name}")
        app.register_blueprint(package.bp)
    for module in pkgutil.iter_modules(cli.__path__):
        commands = getattr(importlib.import_module(f"webapp.cli.{module.name}"), "cli", None)
        if commands is not None:
            app.cli.add_command(commands)
    guard.ensure_marked(app)
    return app


def _tune(app: Flask) -> None:
    if app.testing or app.config.get("TESTING"):
        return
    # A writer lets go of the interpreter at each of its statements while others wait for its lock: it must not
    # wait 5 ms, the default, to get it back each time.
    sys.setswitchinterval(0.0005)
    # What no line says need not be looked up (the logging manual, "Optimization").
    logging._srcfile = None  # type: ignore[attr-defined]  # noqa: SLF001 - as the manual has it
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = logging.StreamHandler()
    handler.setFormatter(JsonLines())
    root = logging.getLogger("linli")
    root.handlers = [handler]
    root.propagate = False
    root.setLevel(app.config.get("LOG_LEVEL", logging.INFO))
