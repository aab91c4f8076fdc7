"""What the frame of every page shows beside the panel: name, version, the one banner."""

from __future__ import annotations

from collections.abc import Sequence

from flask import Flask, g, request
from flask_login import current_user

from lvs_engine import __version__
from piranha_web.control_page import Banner, unfolded
from piranha_web.views.control import node_banner, node_name

PANELS = frozenset({"settings", "redundancy", "virtual", "real", "scripts", "control"})


def init_app(app: Flask) -> None:
    app.context_processor(_frame)


def warn_of_file(errors: Sequence[str]) -> None:
    """Have this page's banner say that the saved file has errors of its own.

    Args:
        errors: in words, those that were there before this request; at least one.
    """
    number = "one error" if len(errors) == 1 else f"{len(errors)} errors"
    g.file_banner = Banner(
        "bad",
        "Errors in lvs.cf",
        f"The saved file has {number}. First: {errors[0]}",
        details=unfolded(errors),
    )


def _frame() -> dict[str, object]:
    return {
        "node_name": node_name(),
        "piranha_version": __version__,
        "banner": _banner(),
    }


def _banner() -> Banner | None:
    """The file's own errors first: nothing that is saved can be applied before."""
    if not current_user.is_authenticated or request.blueprint not in PANELS:
        return None
    banner = g.get("file_banner")
    if banner is not None:
        assert isinstance(banner, Banner)
        return banner
    return node_banner()
