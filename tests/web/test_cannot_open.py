"""The page in place of a panel when lvs.cf cannot be opened gives advice that helps."""

from __future__ import annotations

import errno
import os
import resource
from pathlib import Path

from lvs_engine.errors import ConfigError
from piranha_web.workspace import CannotOpenError
from tests.web.people import Person, Place

ROOM = 256 * 1024


def test_a_save_without_room_says_so_and_does_not_blame_owner_or_mode(
    piranha: Person, place: Place
) -> None:
    # Larger than what the test's own log may need while nobody has room.
    place.write(place.text() + "# filler\n" * 40_000)
    before = place.text()
    form = piranha.form("/redundancy") | {"full_enable": "ENABLE"}
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        answer = piranha.client.post("/redundancy", data=form)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert answer.status_code == 500
    assert os.strerror(errno.EFBIG) in answer.text
    assert "Nothing was saved" in answer.text
    assert "chmod" not in answer.text
    assert place.text() == before


def test_a_folder_in_the_place_of_the_file_gets_no_advice_on_its_mode(
    piranha: Person, place: Place
) -> None:
    place.config.unlink()
    place.config.mkdir()
    page = piranha.get("/global")
    assert page.status_code == 500
    assert os.strerror(errno.EISDIR) in page.text
    assert "chmod" not in page.text


def test_a_missing_file_is_named_once(piranha: Person, place: Place) -> None:
    place.config.unlink()
    page = piranha.get("/global").text
    assert f"<code>{place.config}</code>: there is no such file." in page


def test_a_folder_that_may_not_be_written_is_no_file(tmp_path: Path) -> None:
    """The advice for a file, mode 0664, would shut everybody out of a folder."""
    refused = ConfigError("no")
    refused.__cause__ = PermissionError(errno.EACCES, "Permission denied")
    error = CannotOpenError.because(tmp_path, refused)
    assert error.is_about_rights
    assert error.is_folder
    assert error.reason == "Permission denied"
