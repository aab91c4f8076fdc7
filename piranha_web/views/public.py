"""Pages of text: welcome, introduction, help, about the log-in; and the old addresses."""

from __future__ import annotations

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from piranha_web import help_texts
from piranha_web.settings import settings

blueprint = Blueprint("public", __name__)

OLD_PAGES = {
    "index.html": "public.welcome",
    "about_login.php": "public.about_login",
    "docs.html": "public.help",
    "introduction.html": "public.introduction",
    "help.php": "public.help",
    "control.php": "control.panel",
    "passwd.php": "auth.password",
    "global_settings.php": "settings.panel",
    "redundancy.php": "redundancy.panel",
    "virtual_main.php": "virtual.list",
    "virtual_edit_virt.php": "virtual.edit",
    "virtual_edit_real.php": "real.list",
    "virtual_edit_real_edit.php": "real.edit",
    "virtual_edit_services.php": "scripts.edit",
    "failover_main.php": "virtual.list",
    "failover_edit_virt.php": "virtual.list",
}
ENTRY_PAGES = frozenset({"virtual.edit", "real.list", "real.edit", "scripts.edit"})


@blueprint.get("/")
def welcome() -> ResponseReturnValue:
    return render_template("welcome.html")


@blueprint.get("/about-login")
def about_login() -> ResponseReturnValue:
    return render_template(
        "help/about_login.html", password_file=settings().password_file
    )


@blueprint.get("/introduction")
def introduction() -> ResponseReturnValue:
    return render_template("help/introduction.html", config=settings().config)


@blueprint.get("/help")
def help() -> ResponseReturnValue:  # noqa: A001 - the endpoint's name
    return render_template(
        "help/help.html", panels=help_texts.panels(), config=settings().config
    )


@blueprint.get("/piranha/")
@blueprint.get("/piranha/<page>")
@blueprint.get("/secure/")
@blueprint.get("/secure/<page>")
@blueprint.get("/<any('index.html', 'about_login.php', 'docs.html'):page>")
@blueprint.get("/piranha/secure/<page>")
def old_page(page: str = "") -> ResponseReturnValue:
    """Where an address of the original lives now; numbers of entries are kept."""
    page = page or ("control.php" if request.path == "/secure/" else "index.html")
    endpoint = OLD_PAGES.get(page)
    if endpoint is None:
        abort(404)
    if endpoint not in ENTRY_PAGES:
        return redirect(url_for(endpoint))
    n = request.args.get("selected_host", type=int)
    m = request.args.get("selected", type=int)
    if n is None or n < 1:
        return redirect(url_for("virtual.list"))
    if endpoint != "real.edit":
        return redirect(url_for(endpoint, n=n))
    if m is None or m < 1:
        return redirect(url_for("real.list", n=n))
    return redirect(url_for(endpoint, n=n, m=m))
