"""What makes the site an app on a phone: outbox page, offline page, service worker, manifest."""

from pathlib import Path

from flask import Response, current_app, jsonify, make_response, render_template, request, url_for
from flask_babel import get_locale, gettext

from webapp.blueprints.phone import bp
from webapp.web.guard import public

PACKINGS = (("br", ".br"), ("gzip", ".gz"))
GREEN = "#0a6b3b"
PAPER = "#f2f5f0"


@bp.get("/outbox")
@public
def show_outbox():
    """Show what waits on this phone; the list itself is only on the phone, so a script fills it."""
    response = make_response(render_template("phone/outbox.html"))
    response.headers["X-Offline"] = "keep"
    return response


@bp.get("/offline")
@public
def show_offline():
    """Show what can be done without network; kept by the phone for everybody, so it names nobody."""
    return render_template("phone/offline.html", me=None, tabs=[])


@bp.get("/manifest.webmanifest")
@public
def show_manifest():
    """Describe the app to the phone that installs it, in the language of the page."""
    icons = [
        {"src": url_for("static", filename=f"icons/{name}"), "sizes": sizes, "type": kind, "purpose": purpose}
        for name, sizes, kind, purpose in (
            ("icon-192.png", "192x192", "image/png", "any"),
            ("icon-512.png", "512x512", "image/png", "any"),
            ("icon-maskable-512.png", "512x512", "image/png", "maskable"),
            ("icon.svg", "any", "image/svg+xml", "any"),
        )
    ]
    response = jsonify(
        id="/",
        start_url="/",
        scope="/",
        name=gettext("Linli"),
        short_name=gettext("Linli"),
        description=gettext("Vegetables, medicine and help for sealed courtyards"),
        lang=str(get_locale()).replace("_", "-"),
        display="standalone",
        theme_color=GREEN,
        background_color=PAPER,
        icons=icons,
    )
    response.mimetype = "application/manifest+json"
    response.headers["Cache-Control"] = "private, no-cache"
    return response


@bp.get("/sw.js")
@public
def show_service_worker():
    """Answer the service worker, packed as the build left it; asked for anew at each visit."""
    name = current_app.extensions["linli_assets"].names["sw.js"]
    packing, ending = next(
        ((packing, ending) for packing, ending in PACKINGS if packing in request.accept_encodings), ("", "")
    )
    built = Path(current_app.static_folder or "") / "dist" / (name + ending)
    response = Response(built.read_bytes(), mimetype="text/javascript")
    if packing:
        response.headers["Content-Encoding"] = packing
    response.vary.add("Accept-Encoding")
    response.headers["Cache-Control"] = "no-cache"
    response.set_etag(name, weak=True)
    return response.make_conditional(request)
