"""出队预测: how many teams an area can field, now and by the hour, and what if a place in it is sealed."""

from flask import render_template, request, url_for

from webapp.base import clock
from webapp.base.errors import NotFound
from webapp.base.permissions import Permission
from webapp.blueprints.mobilization import bp, forecast_views
from webapp.domain.mobilization.queries import forecast as queries
from webapp.web import words
from webapp.web.guard import current_actor, requires


@bp.get("/forecast")
@requires(Permission.RESERVE_SEE)
def show_forecast():
    """What an area (a team, for its lead) can field in the next 72 hours."""
    actor, now = current_actor(), clock.now()
    own = queries.list_own_places(actor=actor)
    chosen = request.args.get("area") or (own[0].public_id if own else "")
    if not chosen:
        raise NotFound
    sealed = request.args.get("sealed") or None
    found = queries.get_forecast(actor=actor, public_id=chosen, sealed=sealed, now=now)
    return render_template(
        "mobilization/forecast.html",
        place=forecast_views.name(found.place),
        area=found.place.public_id,
        own=[
            (forecast_views.name(each), url_for("mobilization.show_forecast", area=each.public_id))
            for each in own
            if each.public_id != found.place.public_id
        ],
        as_of=words.moment(now, now=now),
        counted=forecast_views.counted(found),
        has_people=bool(found.counted.all),
        has_rate=found.rate is not None,
        fields=[forecast_views.field(found, number, now=now) for number in range(len(found.fields))],
        heads=[forecast_views.kind_name(each.type) for each in found.fields],
        below=[
            (
                forecast_views.name(each.place),
                url_for("mobilization.show_forecast", area=each.place.public_id),
                [possible for possible, _expected in each.now],
            )
            for each in found.below
        ],
        sealed=None if found.sealed is None else forecast_views.name(found.sealed),
        sealed_id=sealed or "",
        to_seal=forecast_views.sealed_choices(queries.list_to_seal(place=found.place), found.place),
        reserve_url=url_for("mobilization.list_reservists"),
    )
