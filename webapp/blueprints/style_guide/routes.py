"""The page that shows every component in every state, size and theme."""

from flask import abort, render_template, request
from flask_babel import force_locale

from webapp.blueprints.style_guide import bp
from webapp.web.guard import public

SIZES = ("normal", "large", "xlarge")
THEMES = ("light", "dark")
LANGUAGES = ("zh_Hans", "en")


@bp.get("")
@public
def show_style_guide():
    """Show the components; size, theme and language can be chosen in the address."""
    chosen = {
        "text_size": request.args.get("text_size", "normal"),
        "theme": request.args.get("theme", "light"),
        "lang": request.args.get("language", "zh_Hans"),
    }
    if chosen["text_size"] not in SIZES or chosen["theme"] not in THEMES or chosen["lang"] not in LANGUAGES:
        abort(404)
    with force_locale(chosen["lang"]):
        return render_template(
            "style_guide/show.html", sizes=SIZES, themes=THEMES, languages=LANGUAGES, **chosen
        )
