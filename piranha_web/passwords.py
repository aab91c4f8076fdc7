"""The password file (htpasswd format) and the hashes in it.

New hashes are argon2id. Hashes of htpasswd and of crypt(3) are still understood, so
that a password of the original works once and is then replaced. Nothing here asks a
person anything; `passwd.py` does, and `auth.py` keeps sessions.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import pwd
import secrets
from dataclasses import dataclass
from pathlib import Path

import argon2
from passlib import hash as old
from passlib.exc import PasswordSizeError

from piranha_web.settings import HashCost

ACCOUNT = "piranha"
SHORTEST = 8
LONGEST = 1024

# Order matters: des_crypt claims any thirteen letters, so it comes last.
_OLD_HASHES = (
    old.apr_md5_crypt,
    old.md5_crypt,
    old.bcrypt,
    old.sha256_crypt,
    old.sha512_crypt,
    old.ldap_sha1,
    old.des_crypt,
)

# What guessers try first; names of this product among them. Compared in lower case
# and without digits and signs at the end, so `Password123!` is one of them too.
_COMMON = frozenset(
    [
        "password",
        "passwort",
        "passw0rd",
        "p@ssw0rd",
        "pa$$word",
        "letmein",
        "welcome",
        "administrator",
        "admin",
        "adminadmin",
        "rootroot",
        "changeme",
        "default",
        "qwertyui",
        "qwertyuiop",
        "qwerty",
        "qwertz",
        "qwertzui",
        "asdfasdf",
        "asdfghjk",
        "asdfghjkl",
        "zxcvbnm",
        "iloveyou",
        "sunshine",
        "princess",
        "football",
        "baseball",
        "superman",
        "trustno",
        "computer",
        "internet",
        "whatever",
        "starwars",
        "jennifer",
        "michelle",
        "michael",
        "jordan",
        "monkey",
        "dragon",
        "shadow",
        "master",
        "hunter",
        "secret",
        "secretsecret",
        "testtest",
        "testing",
        "abcdefgh",
        "abcdefg",
        "abcd",
        "abc",
        "aaaaaaaa",
        "redhat",
        "centos",
        "fedora",
        "debian",
        "ubuntu",
        "linux",
        "cluster",
        "loadbalancer",
        "piranha",
        "piranhapiranha",
        "piranhagui",
        "lvs",
        "lvsadmin",
    ]
)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a password.

    Attributes:
        outdated: right, but the hash is old or too cheap and should be made anew.
    """

    right: bool
    outdated: bool = False


class Hasher:
    """Makes argon2id hashes and checks passwords against every known kind."""

    def __init__(self, cost: HashCost | None = None) -> None:
        cost = cost or HashCost()
        self._argon = argon2.PasswordHasher(
            time_cost=cost.time,
            memory_cost=cost.memory_kib,
            parallelism=cost.parallelism,
        )

    def make(self, password: str) -> str:
        return self._argon.hash(password)

    def check(self, stored: str, password: str) -> Verdict:
        """Whether `password` belongs to `stored`; an unknown kind of hash fits nothing."""
        if stored.startswith("$argon2"):
            try:
                self._argon.verify(stored, password)
            except (argon2.exceptions.VerificationError, argon2.exceptions.InvalidHash):
                return Verdict(right=False)
            return Verdict(right=True, outdated=self._argon.check_needs_rehash(stored))
        for kind in _OLD_HASHES:
            if kind.identify(stored):
                return _check_old(kind, stored, password)
        return Verdict(right=False)


def _check_old(kind: type[old.des_crypt], stored: str, password: str) -> Verdict:
    # bcrypt refuses more than 72 bytes and every kind refuses NUL: such a password
    # cannot have been set with htpasswd.
    try:
        right = bool(kind.verify(password, stored))
    except (ValueError, PasswordSizeError):
        right = False
    return Verdict(right=right, outdated=right)


def weakness(password: str) -> str | None:
    """Why `password` is refused, in a sentence; None when it will do."""
    plain = password.strip().lower()
    if not plain:
        return "The password is empty."
    if len(password) < SHORTEST:
        return f"The password is too short: {SHORTEST} characters or more."
    if len(password) > LONGEST:
        return f"The password is too long: at most {LONGEST} characters."
    if any(ord(c) < 32 or ord(c) == 127 for c in password):
        return "The password contains a control character."
    word = plain.strip("0123456789!.?*#-_$@ ")
    if ACCOUNT in plain and len(plain) < 2 * SHORTEST:
        return f"The password contains the user name {ACCOUNT}."
    if plain in _COMMON or not word or word in _COMMON or len(set(plain)) < 4:
        return "The password is one that is guessed first."
    return None


def stored_hash(path: Path, account: str = ACCOUNT) -> str | None:
    """The hash of `account` in the file; None when it has none.

    Raises:
        OSError: the file is there and cannot be read.
    """
    for line in _lines(path):
        name, colon, value = line.partition(":")
        if colon and name == account and value.strip():
            return value.strip()
    return None


def store(path: Path, password_hash: str, account: str = ACCOUNT) -> bool:
    """Give `account` this hash; other users keep their lines. True when it is new.

    The file is replaced as a whole, mode 0600, and belongs to the user piranha where
    there is one and we may give files away.

    Raises:
        OSError: it cannot be written; the old file is as it was.
    """
    lines = _lines(path)
    mine = [i for i, line in enumerate(lines) if line.partition(":")[0] == account]
    entry = f"{account}:{password_hash}"
    if mine:
        lines[mine[0]] = entry
        lines = [line for i, line in enumerate(lines) if i not in mine[1:]]
    else:
        lines.append(entry)
    _replace(path, "".join(f"{line}\n" for line in lines))
    return not mine


def fingerprint(password_hash: str) -> str:
    """A short mark of a hash, for the session: changes when the password does."""
    return hashlib.sha256(password_hash.encode()).hexdigest()[:32]


def _lines(path: Path) -> list[str]:
    with contextlib.suppress(FileNotFoundError):
        return path.read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    return []


def _replace(path: Path, text: str) -> None:
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(
            descriptor, "w", encoding="utf-8", errors="surrogateescape"
        ) as file:
            _give_away(file.fileno())
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def _give_away(descriptor: int) -> None:
    if os.geteuid() != 0:
        return
    with contextlib.suppress(KeyError):
        user = pwd.getpwnam(ACCOUNT)
        os.fchown(descriptor, user.pw_uid, user.pw_gid)
