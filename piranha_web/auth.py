"""Who may see what: everything is closed until an endpoint is named in PUBLIC.

One account, `piranha`. A session carries a mark of the password hash that it was
opened with, so it ends when the password changes.
"""

from __future__ import annotations

import hmac
import logging
import time
from dataclasses import dataclass
from datetime import timedelta
from urllib.parse import urlsplit

import flask_login
from flask import (
    Blueprint,
    Flask,
    current_app,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from flask.typing import ResponseReturnValue
from wtforms import PasswordField, StringField
from wtforms.form import BaseForm

from piranha_web import passwords
from piranha_web.passwords import ACCOUNT, Hasher
from piranha_web.settings import Settings, settings
from piranha_web.throttle import Throttle

log = logging.getLogger("piranha-gui")

PUBLIC = frozenset(
    {
        "static",
        "auth.login",
        "public.welcome",
        "public.about_login",
        "public.old_page",
    }
)

EXTENSION = "piranha-auth"
LONGEST_FIELD = 1024

blueprint = Blueprint("auth", __name__)


@dataclass(frozen=True, slots=True)
class Admin:
    """The one user, as flask-login wants to see a user.

    Attributes:
        mark: fingerprint of the password hash of the session.
    """

    mark: str
    name: str = ACCOUNT
    is_authenticated: bool = True
    is_active: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return f"{self.name}:{self.mark}"


@dataclass(frozen=True, slots=True)
class Door:
    """What a log-in needs and what outlives a request."""

    hasher: Hasher
    throttle: Throttle


def init_app(app: Flask, chosen: Settings) -> None:
    app.extensions[EXTENSION] = Door(
        Hasher(chosen.hash_cost), Throttle(free=chosen.throttle_free)
    )
    app.config.update(
        SESSION_COOKIE_NAME="piranha_session",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(minutes=chosen.session_minutes),
    )
    manager = flask_login.LoginManager()
    manager.session_protection = None  # it ends sessions when a browser is updated
    manager.user_loader(_load)
    manager.init_app(app)
    app.before_request(_gate)
    app.register_blueprint(blueprint)


def _load(user_id: str) -> Admin | None:
    """The user of a session, unless the password has changed since."""
    name, _, mark = user_id.partition(":")
    stored = _stored_hash()
    if name != ACCOUNT or stored is None:
        return None
    present = passwords.fingerprint(stored)
    return Admin(present) if hmac.compare_digest(mark, present) else None


def _stored_hash() -> str | None:
    try:
        return passwords.stored_hash(settings().password_file)
    except OSError as error:
        log.warning("%s cannot be read: %s", settings().password_file, error.strerror)
        return None


def _gate() -> ResponseReturnValue | None:
    if request.endpoint is None or request.endpoint in PUBLIC:
        return None  # no such page, or open to all
    if flask_login.current_user.is_authenticated:
        return None
    if request.endpoint.startswith("control.") and request.endpoint != "control.panel":
        return jsonify(error="You are not logged in."), 401
    if request.method in ("GET", "HEAD"):
        return redirect(url_for("auth.login", next=request.full_path.rstrip("?")))
    flash("You were logged out. Nothing was saved.", "warning")
    return redirect(url_for("auth.login"), code=303)


@blueprint.route("/login", methods=["GET", "POST"])
def login() -> ResponseReturnValue:
    if request.method == "POST":
        return _try()
    if flask_login.current_user.is_authenticated:
        return redirect(url_for("control.panel"), code=303)
    return _login_page(_login_form())


def _try() -> ResponseReturnValue:
    form = _login_form()
    door = _door()
    stored = _stored_hash()
    if stored is None:
        return _login_page(form, status=422)
    address = request.remote_addr or "unknown"
    # All names share one count: else each new name would be five more free tries.
    wait_s = door.throttle.wait_s(address, ACCOUNT, time.monotonic())
    if wait_s > 0:
        return _too_many(form, wait_s)
    password = (form["password"].data or "")[:LONGEST_FIELD]
    named = (form["username"].data or "").strip() == ACCOUNT
    verdict = door.hasher.check(stored, password)
    if not (named and verdict.right):
        door.throttle.failed(address, ACCOUNT, time.monotonic())
        log.warning("log-in from %s refused", address)
        form["password"].errors = ["The user name or the password is wrong."]
        return _login_page(form, status=422)
    door.throttle.succeeded(address, ACCOUNT, time.monotonic())
    if verdict.outdated:
        stored = _renew(door.hasher, password, stored)
    session.clear()  # nothing of the time before the log-in lives on
    session.permanent = True
    flask_login.login_user(Admin(passwords.fingerprint(stored)))
    log.info("log-in from %s", address)
    return redirect(_next_page(), code=303)


@blueprint.post("/logout")
def logout() -> ResponseReturnValue:
    flask_login.logout_user()
    session.clear()
    flash("You are logged out.", "ok")
    return redirect(url_for("public.welcome"), code=303)


@blueprint.get("/password")
def password() -> ResponseReturnValue:
    return render_template(
        "help/password.html",
        panel="control",
        password_file=settings().password_file,
        account=ACCOUNT,
        shortest=passwords.SHORTEST,
    )


def _door() -> Door:
    door = current_app.extensions[EXTENSION]
    assert isinstance(door, Door)
    return door


def _login_form() -> BaseForm:
    form = BaseForm(
        {
            "username": StringField(
                "User name", render_kw={"autocomplete": "username"}
            ),
            "password": PasswordField(
                "Password", render_kw={"autocomplete": "current-password"}
            ),
        }
    )
    form.process(request.form if request.method == "POST" else None)
    for field in form:
        field.keyword = ""
        field.unit = ""
    return form


def _login_page(
    form: BaseForm, status: int = 200, wait_s: float = 0.0
) -> ResponseReturnValue:
    page = render_template(
        "login.html",
        form=form,
        no_password=_stored_hash() is None,
        password_file=settings().password_file,
        wait_s=round(wait_s + 0.5),
        next=request.values.get("next", ""),
    )
    return page, status


def _too_many(form: BaseForm, wait_s: float) -> ResponseReturnValue:
    seconds = round(wait_s + 0.5)
    form["password"].errors = [
        f"Too many wrong passwords. The next try is possible in {seconds} s."
    ]
    response = current_app.make_response(_login_page(form, 429, wait_s))
    response.headers["Retry-After"] = str(seconds)
    return response


def _renew(hasher: Hasher, password: str, stored: str) -> str:
    """Replace an old hash; where the file cannot be written the old one serves on."""
    new = hasher.make(password)
    try:
        passwords.store(settings().password_file, new)
    except OSError as error:
        log.warning("old password hash kept: %s", error)
        return stored
    return new


def _next_page() -> str:
    """The page that was asked for before the log-in, if it is one of ours."""
    wanted = request.values.get("next", "")
    parts = urlsplit(wanted)
    ours = wanted.startswith("/") and not wanted.startswith(("//", "/\\"))
    if ours and not parts.netloc and not any(c in wanted for c in "\\\r\n\t"):
        return wanted
    return url_for("control.panel")
