"""Pages for what goes wrong outside a form: each says what, and what to do."""

from __future__ import annotations

import logging

from flask import Flask, render_template, request
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import HTTPException, InternalServerError

from piranha_web.workspace import CannotOpenError, EditRefusedError

log = logging.getLogger("piranha-gui")

TEXTS = {
    400: ("The request cannot be read", "Go back, load the page again and retry."),
    403: ("Not allowed", "This page may not be used from here."),
    404: (
        "There is no such page",
        "Perhaps the entry was deleted, or others before it were, so that it has"
        " another number now. Start from the list.",
    ),
    405: ("This address is not used like that", "Start from one of the panels."),
    413: ("Too much was sent", "A form of this tool is never that long."),
    500: (
        "Something went wrong here",
        "lvs.cf was not changed by this request unless a page says so. The reason is"
        " in the log of piranha-gui.",
    ),
}


def init_app(app: Flask) -> None:
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(CSRFError, _csrf)
    app.register_error_handler(CannotOpenError, _cannot_open)
    app.register_error_handler(EditRefusedError, _refused)


def _http(error: Exception) -> ResponseReturnValue:
    assert isinstance(error, HTTPException)
    code = error.code or 500
    if code < 400:
        return error.get_response()
    if isinstance(error, InternalServerError) and error.original_exception:
        log.error("%s %s failed", request.method, request.path)
    title, text = TEXTS.get(code, (error.name, error.description or ""))
    return _page("errors/error.html", code, title=title, text=text)


def _csrf(error: Exception) -> ResponseReturnValue:
    """A form without the token of this session: too old, or not from our page."""
    log.warning("form refused: %s", error)
    return _page(
        "errors/error.html",
        400,
        title="This form belongs to another session",
        text="Nothing was saved. You may have logged in again since the page was"
        " loaded, or cookies are switched off. Load the page again and repeat the"
        " change.",
    )


def _cannot_open(error: Exception) -> ResponseReturnValue:
    assert isinstance(error, CannotOpenError)
    log.error("%s", error)
    return _page("errors/config.html", 500, error=error)


def _refused(error: Exception) -> ResponseReturnValue:
    """A button whose change lvs.cf cannot take, such as ADD in a broken file."""
    text = f"Nothing was saved: {error}."
    return _page("errors/error.html", 422, title="lvs.cf was not changed", text=text)


def _page(template: str, code: int, **values: object) -> ResponseReturnValue:
    return render_template(template, code=code, **values), code
