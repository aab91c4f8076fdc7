from __future__ import annotations

import stat
from pathlib import Path

import pytest

from piranha_web import passwords
from piranha_web.passwords import Hasher
from piranha_web.settings import HashCost
from tests.web.people import CHEAP, PASSWORD

# Of the password geheimnis-7, made with openssl and crypt(3), not with our library.
OLD_HASHES = {
    "apr1": "$apr1$lachs123$b1U6ufBXZ5760mwCM3zX1.",
    "md5": "$1$lachs123$yQIun1fkh/Yw1OTvRKSX50",
    "sha1": "{SHA}96VPu+pEs0BJdz8fdC6U4O7ErW8=",
    "sha256": "$5$lachs123$/qPfvKtSffDvgzHeInjVyhttJD0jzpDcaXKuEYn4J.2",
    "sha512": "$6$lachs123$uFSWodxBnFSHyXVJkDWvh2/HDh8JH4qDBM8lMYEQ5XOwWtGPkE6jSUYH5UPG"
    "2.OhYp2EDyUTzj6HnJnzfxozc1",
    "bcrypt": "$2y$04$abcdefghijklmnopqrstuuMAjo85I9B8IE2/Gy0X.1/1OP/XjXYnu",
    "des": "ab36gr.MwtKks",
}


def test_a_new_hash_is_argon2id_and_fits_only_its_password() -> None:
    made = Hasher(CHEAP).make(PASSWORD)
    assert made.startswith("$argon2id$")
    assert Hasher(CHEAP).check(made, PASSWORD).right
    assert not Hasher(CHEAP).check(made, PASSWORD + "x").right


def test_a_cheaper_hash_is_right_and_outdated() -> None:
    made = Hasher(CHEAP).make(PASSWORD)
    dearer = Hasher(HashCost(time=2, memory_kib=8, parallelism=1))
    assert dearer.check(made, PASSWORD).outdated
    assert not Hasher(CHEAP).check(made, PASSWORD).outdated


@pytest.mark.parametrize("kind", OLD_HASHES)
def test_a_hash_of_htpasswd_is_read_and_called_outdated(kind: str) -> None:
    right = Hasher(CHEAP).check(OLD_HASHES[kind], "geheimnis-7")
    assert right.right
    assert right.outdated
    assert not Hasher(CHEAP).check(OLD_HASHES[kind], "Geheimnis-7").right


@pytest.mark.parametrize(
    "stored", ["", "x", "geheimnis-7", "$argon2id$broken", "$9$unknown$x", "!", "*"]
)
def test_what_is_no_hash_fits_nothing(stored: str) -> None:
    assert not Hasher(CHEAP).check(stored, "geheimnis-7").right
    assert not Hasher(CHEAP).check(stored, stored).right


@pytest.mark.parametrize("password", ["x" * 100, "nul\0byte", "umläute-ß-€"])
def test_an_odd_password_is_wrong_for_an_old_hash_not_an_error(password: str) -> None:
    for stored in OLD_HASHES.values():
        assert not Hasher(CHEAP).check(stored, password).right


@pytest.mark.parametrize(
    "password",
    [
        *("", "   ", "short-1", "password", "Password123!", "piranha", "Piranha2024"),
        *("12345678", "aaaaaaaa", "abababab", "qwertz12", "changeme", "tab\there99"),
        "x" * 2000,
    ],
)
def test_what_is_guessed_first_is_refused(password: str) -> None:
    assert passwords.weakness(password) is not None


@pytest.mark.parametrize(
    "password", [PASSWORD, "correct horse battery", " leading blank", "\\back\\slash"]
)
def test_a_decent_password_will_do(password: str) -> None:
    assert passwords.weakness(password) is None


def test_check_38_the_file_is_0600_and_holds_no_clear_text(tmp_path: Path) -> None:
    path = tmp_path / "piranha.passwd"
    path.write_text("")
    path.chmod(0o644)
    passwords.store(path, Hasher(CHEAP).make(PASSWORD))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert PASSWORD not in path.read_text()


def test_other_users_keep_their_lines(tmp_path: Path) -> None:
    path = tmp_path / "piranha.passwd"
    path.write_text("# kept\nanna:{SHA}x\npiranha:old\nbert:$apr1$y\npiranha:twice\n")
    assert not passwords.store(path, "new")
    assert path.read_text() == "# kept\nanna:{SHA}x\npiranha:new\nbert:$apr1$y\n"


def test_a_first_password_is_reported_as_new(tmp_path: Path) -> None:
    path = tmp_path / "piranha.passwd"
    assert passwords.store(path, "hash")
    assert passwords.stored_hash(path) == "hash"
    assert list(tmp_path.iterdir()) == [path]


def test_no_file_or_an_empty_entry_is_no_password(tmp_path: Path) -> None:
    path = tmp_path / "piranha.passwd"
    assert passwords.stored_hash(path) is None
    path.write_text("anna:x\npiranha:\n")
    assert passwords.stored_hash(path) is None


def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "piranha.passwd"
    path.mkdir()  # a rename onto a folder fails after everything was written
    (path / "inside").touch()
    with pytest.raises(OSError, match="directory"):
        passwords.store(path, "hash")
    assert [p.name for p in tmp_path.iterdir()] == ["piranha.passwd"]
