"""The slip 应召凭证 as a gate or a road check sees it: by the QR code, or by the code read aloud."""

from contextlib import suppress
from datetime import timedelta

from flask import Response, make_response, render_template, request

from webapp.base import clock, limits
from webapp.base.errors import NotFound
from webapp.base.ids import is_number
from webapp.blueprints.mobilization import bp, slip_views
from webapp.domain.mobilization.queries import slips as queries
from webapp.web import pages
from webapp.web.guard import public

# A road check asks for each person who passes; a million codes are not tried at this pace.
CHECKS, WINDOW = 40, timedelta(minutes=10)


def _private(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Robots-Tag"] = "noindex"
    return response


def _page(slip: queries.SlipView) -> Response:
    pages.use_place(slip.place)
    return _private(
        make_response(
            render_template("mobilization/slip.html", slip=slip_views.slip(slip, clock.now()), tabs=[])
        )
    )


@bp.get("/slips/<token>")
@public
def show_slip(token: str):
    """Whether this slip holds: who (surname and *), for what, when and where."""
    return _page(queries.get_slip(token=token, now=clock.now()))


@bp.get("/slips")
@public
def find_slip():
    """The same by the code that somebody reads aloud, where there is no camera."""
    typed = request.args.get("code", "")
    code = slip_views.tidy_code(typed)
    if not code:
        return _private(make_response(render_template("mobilization/slip_code.html", typed="", tabs=[])))
    now = clock.now()
    limits.hit(key=f"slips:{request.remote_addr or ''}", limit=CHECKS, window=WINDOW, now=now)
    if is_number(code):
        with suppress(NotFound):
            return _page(queries.find_by_code(code=code, now=now))
    page = render_template("mobilization/slip_code.html", typed=code, tabs=[])
    return _private(make_response(page, 404))
