"""The application: blueprints, gate, token, headers and error pages joined."""

from __future__ import annotations

from pathlib import Path

from flask import Flask
from flask_wtf import CSRFProtect

from piranha_web import auth, errors, frame, headers, secret
from piranha_web.forms.entries import readable
from piranha_web.settings import EXTENSION, Settings, from_environment
from piranha_web.views import (
    control,
    public,
    real,
    redundancy,
    scripts,
    virtual,
)
from piranha_web.views import settings as global_settings
from piranha_web.views.apply import apply

LARGEST_REQUEST = 256 * 1024

BLUEPRINTS = (
    public.blueprint,
    control.blueprint,
    global_settings.blueprint,
    redundancy.blueprint,
    virtual.blueprint,
    real.blueprint,
    scripts.blueprint,
)


def create(settings: Settings | None = None) -> Flask:
    """The application; without `settings` those of the environment."""
    chosen = settings or from_environment()
    app = Flask(
        __name__,
        template_folder=str(_folder("templates")),
        static_folder=str(_folder("static")),
    )
    app.extensions[EXTENSION] = chosen
    app.config.update(
        SECRET_KEY=secret.load(chosen.secret_key_file),
        MAX_CONTENT_LENGTH=LARGEST_REQUEST,
        WTF_CSRF_TIME_LIMIT=None,  # a token lives as long as its session
    )
    app.jinja_options = {
        "autoescape": True,
        "trim_blocks": True,
        "lstrip_blocks": True,
        "finalize": _printable,
    }
    headers.init_app(app)
    # The gate before the token: a stranger is asked to log in, not told of tokens.
    auth.init_app(app, chosen)
    CSRFProtect().init_app(app)
    errors.init_app(app)
    frame.init_app(app)
    for blueprint in BLUEPRINTS:
        app.register_blueprint(blueprint)
    app.add_url_rule("/apply", "apply", apply, methods=["POST"])
    return app


def _printable(value: object) -> object:
    """Bytes of lvs.cf that are no UTF-8 are surrogates in text; no page can hold those."""
    if type(value) is str and not value.isascii():
        return readable(value)
    return value


def _folder(name: str) -> Path:
    """A folder of the page: inside the package when installed, beside it in a checkout."""
    package = Path(__file__).resolve().parent
    inside = package / name
    return inside if inside.is_dir() else package.parent / name
