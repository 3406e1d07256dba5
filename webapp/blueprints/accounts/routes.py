"""Signing in by code or password, signing out, preferences, and the page 我的."""

from dataclasses import asdict, replace
from urllib.parse import urlsplit

from flask import (
    Response,
    current_app,
    g,
    jsonify,
    make_response,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask_babel import get_locale
from flask_login import login_user, logout_user
from flask_wtf.csrf import generate_csrf

from webapp.base import clock
from webapp.base.errors import LinliError, TooMany
from webapp.base.ids import new_token
from webapp.base.permissions import Permission
from webapp.blueprints.accounts import bp
from webapp.blueprints.accounts.forms import CodeForm, NewPasswordForm, PasswordSignInForm, PhoneForm
from webapp.domain.accounts import queries, services
from webapp.domain.accounts.services import NewSignIn, Preferences
from webapp.domain.households import queries as households
from webapp.web import guard, sessions, words
from webapp.web.extensions import LANGUAGE_COOKIE, TEXT_SIZE_COOKIE, THEME_COOKIE
from webapp.web.forms import LinliForm, refuse_form
from webapp.web.guard import current_actor, deed, public, requires, signed_in
from webapp.web.htmx import answer
from webapp.web.redirects import own_page

PHONE = "sign_in_phone"
# What a visitor chose before signing in: it wins over the profile, which whoever chose it could not read.
CHOSEN = "chosen"
YEAR = 365 * 24 * 3600


# --- signing in ---------------------------------------------------------------------------------------------


@bp.get("/accounts/sign-in")
@public
def sign_in():
    """Ask for the phone; whoever is signed in already goes on."""
    if signed_in():
        return redirect(_next(), 303)
    _know_browser()
    return _never_kept(render_template("accounts/sign_in.html", form=PhoneForm(None), **_context()))


@bp.post("/accounts/sign-in")
@public
def request_code():
    """Send a code and ask for it."""
    form = PhoneForm()
    if not form.is_good:
        return _refuse("accounts/sign_in.html", form)
    try:
        session[PHONE] = services.request_code(
            deed=deed(),
            phone=form.phone.data,
            language=str(get_locale()),
            address=_address(),
            per_address=current_app.config["CODES_PER_ADDRESS"],
        )
    except LinliError as error:
        return _refuse("accounts/sign_in.html", form, error)
    return answer(otherwise=url_for("accounts.show_code_form", next=_next()))


@bp.get("/accounts/sign-in/code")
@public
def show_code_form():
    """Ask for the code that was sent."""
    if signed_in():
        return redirect(_next(), 303)
    if PHONE not in session:
        return redirect(url_for("accounts.sign_in", next=_next()), 303)
    return _never_kept(render_template("accounts/code.html", form=CodeForm(None), **_context()))


@bp.post("/accounts/sign-in/code")
@public
def sign_in_with_code():
    """Sign in by the code."""
    form = CodeForm()
    if PHONE not in session:
        return redirect(url_for("accounts.sign_in", next=_next()), 303)
    if not form.is_good:
        return _refuse("accounts/code.html", form)
    try:
        new = services.sign_in_with_code(
            deed=deed(),
            phone=session[PHONE],
            code=form.code.data,
            address=_address(),
            preferences=_preferences_of_cookies(),
        )
    except LinliError as error:
        return _refuse("accounts/code.html", form, error)
    return _begin(new)


@bp.get("/accounts/sign-in/password")
@public
def show_password_form():
    """Ask staff for phone and password."""
    if signed_in():
        return redirect(_next(), 303)
    _know_browser()
    return _never_kept(render_template("accounts/password.html", form=PasswordSignInForm(None), **_context()))


@bp.post("/accounts/sign-in/password")
@public
def sign_in_with_password():
    """Sign in by phone and password."""
    form = PasswordSignInForm()
    if not form.is_good:
        return _refuse("accounts/password.html", form)
    try:
        new = services.sign_in_with_password(
            deed=deed(), phone=form.phone.data, password=form.password.data, address=_address()
        )
    except LinliError as error:
        return _refuse("accounts/password.html", form, error)
    return _begin(new)


def _begin(new: NewSignIn) -> Response:
    """Begin this browser's session anew: nothing of the visitor's, nor its csrf token, remains."""
    response = answer(otherwise=_next())
    found = queries.load_signed_in(token=new.token, now=clock.now())
    if found is None:
        # The browser sent the same request once more meanwhile: the other answer signs it in.
        return response
    chosen = {
        name: value
        for name, value in asdict(_preferences_of_cookies()).items()
        if name in session.get(CHOSEN, ())
    }
    if chosen:
        services.change_preferences(
            deed=replace(deed(), actor=found.actor), preferences=Preferences(**chosen)
        )
    sessions.begin_anew()
    g.pop("actor", None)
    login_user(guard.WebUser(new.token, found), remember=False)
    session.permanent = True
    profile = {"language": found.language, "text_size": found.text_size, "theme": found.theme}
    _set_cookies(response, Preferences.of(**(profile | chosen)))
    return response


# --- signing out --------------------------------------------------------------------------------------------


@bp.post("/accounts/sign-out")
@public
def sign_out():
    """Sign this browser out."""
    user = signed_in()
    if user:
        services.sign_out(deed=deed(), sign_in_id=user.sign_in_id)
    return _end()


@bp.post("/accounts/sign-out-everywhere")
@public
def sign_out_everywhere():
    """Sign every browser of this person out."""
    if signed_in():
        services.sign_out_everywhere(deed=deed())
    return _end()


def _end() -> Response:
    response = answer(otherwise=url_for("accounts.sign_in"))
    logout_user()
    sessions.begin_anew()
    g.pop("actor", None)
    return response


# --- a person's own page ------------------------------------------------------------------------------------


@bp.get("/accounts/me")
@requires(Permission.PROFILE_EDIT)
def show_me():
    """Show the account, the households, and how the person likes to read."""
    return render_template(
        "accounts/me.html",
        profile=queries.get_profile(actor=current_actor(), now=clock.now()),
        households=households.list_own(actor=current_actor()),
        is_staff=current_actor().is_staff,
        words=words,
    )


@bp.post("/accounts/preferences")
@public
def change_preferences():
    """Keep language, text size and theme: in cookies, and in the profile of whoever is signed in."""
    wanted = Preferences.of(
        **{name: request.form.get(name, "") for name in ("language", "text_size", "theme")}
    )
    if signed_in():
        services.change_preferences(deed=deed(), preferences=wanted)
    else:
        now_chosen = {name for name, value in asdict(wanted).items() if value is not None}
        session[CHOSEN] = sorted(now_chosen | set(session.get(CHOSEN, ())))
    back = request.form.get("next") or urlsplit(request.referrer or "").path
    return _set_cookies(answer(otherwise=own_page(back)), wanted)


@bp.get("/accounts/password")
@requires(Permission.PROFILE_EDIT)
def edit_password():
    """Ask staff for a new password."""
    return _never_kept(
        render_template("accounts/new_password.html", form=NewPasswordForm(None), **_own_password())
    )


@bp.post("/accounts/password")
@requires(Permission.PROFILE_EDIT)
def change_password():
    """Change the password and sign other browsers out."""
    form = NewPasswordForm()
    if not form.is_good:
        return refuse_form("accounts/new_password.html", form=form, **_own_password())
    try:
        services.change_password(
            deed=deed(),
            sign_in_id=signed_in().sign_in_id,
            current=form.current.data or "",
            new=form.password.data,
        )
    except LinliError as error:
        return refuse_form("accounts/new_password.html", form=form, error=error, **_own_password())
    return answer(otherwise=url_for("accounts.show_me"))


@bp.get("/session")
@public
def show_session():
    """Who is signed in and a fresh csrf token, for the page and the service worker."""
    user = signed_in()
    response = jsonify(
        user=user.user_public_id if user else None, csrf=generate_csrf(), language=str(get_locale())
    )
    response.headers["Cache-Control"] = "no-store"
    response.vary.add("Cookie")
    return response


# --- parts --------------------------------------------------------------------------------------------------


def _next() -> str:
    return own_page(request.values.get("next"))


def _context() -> dict[str, str]:
    phone = session.get(PHONE, "")
    return {"next": _next(), "phone": f"{phone[:3]}****{phone[-4:]}" if phone else ""}


def _own_password() -> dict[str, bool]:
    return {"has_password": signed_in().has_password, "is_staff": current_actor().is_staff}


def _know_browser() -> None:
    """Give the browser its name before its first deed, so that a repeated POST is known as the same one."""
    if guard.BROWSER not in session:
        session[guard.BROWSER] = new_token()


def _address() -> str:
    return request.remote_addr or ""


def _never_kept(page: str) -> Response:
    response = make_response(page)
    response.headers["Cache-Control"] = "no-store"
    return response


def _refuse(template: str, form: LinliForm, error: LinliError | None = None) -> Response:
    response = refuse_form(template, form=form, error=error, **_context())
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.retry_after)
    return response


def _preferences_of_cookies() -> Preferences:
    return Preferences.of(
        language=request.cookies.get(LANGUAGE_COOKIE, ""),
        text_size=request.cookies.get(TEXT_SIZE_COOKIE, ""),
        theme=request.cookies.get(THEME_COOKIE, ""),
    )


def _set_cookies(response: Response, preferences: Preferences) -> Response:
    for cookie, value in (
        (LANGUAGE_COOKIE, preferences.language),
        (TEXT_SIZE_COOKIE, preferences.text_size),
        (THEME_COOKIE, preferences.theme),
    ):
        if value:
            response.set_cookie(
                cookie,
                str(value),
                max_age=YEAR,
                samesite="Lax",
                secure=current_app.config["SESSION_COOKIE_SECURE"],
            )
    return response
