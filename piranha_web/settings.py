"""Where the web tool finds its files, and how dear a password check is.

Values only: nothing is opened or made here, except that `from_environment` asks which
folder the secret key may live in.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

CONFIG = Path("/etc/sysconfig/ha/lvs.cf")
PASSWORD_FILE = Path("/etc/sysconfig/ha/conf/piranha.passwd")
RUNTIME_DIR = Path("/run/piranha")
SECRET_KEY_FILE = PASSWORD_FILE.with_name("piranha.secret")

EXTENSION = "piranha-settings"


@dataclass(frozen=True, slots=True)
class HashCost:
    """Parameters of argon2id; the defaults are the library's (RFC 9106, low memory).

    Attributes:
        memory_kib: at least 8 times `parallelism`.
    """

    time: int = 3
    memory_kib: int = 65536
    parallelism: int = 4


@dataclass(frozen=True, slots=True)
class Settings:
    """The web tool's own settings; those of the cluster are in lvs.cf.

    Attributes:
        config: the lvs.cf that the pages read and write.
        password_file: htpasswd format; made by piranha-passwd.
        runtime_dir: holds the daemons' control sockets.
        secret_key_file: signs sessions; made on first start, mode 0600.
        session_minutes: a session without requests ends after this time.
        throttle_free: wrong passwords in a row before waiting begins.
    """

    config: Path = CONFIG
    password_file: Path = PASSWORD_FILE
    runtime_dir: Path = RUNTIME_DIR
    secret_key_file: Path = SECRET_KEY_FILE
    session_minutes: int = 120
    throttle_free: int = 5
    hash_cost: HashCost = HashCost()


def from_environment(
    environment: Mapping[str, str] | None = None,
    config: Path | None = None,
    password_file: Path | None = None,
    runtime_dir: Path | None = None,
) -> Settings:
    """Settings from PIRANHA_CONFIG, PIRANHA_PASSWORD_FILE and PIRANHA_RUNTIME_DIR.

    An argument wins over the environment. The secret key lives beside the password
    file where that folder may be written, else in the runtime directory.
    """
    env = os.environ if environment is None else environment
    password = password_file or Path(env.get("PIRANHA_PASSWORD_FILE", PASSWORD_FILE))
    runtime = runtime_dir or Path(env.get("PIRANHA_RUNTIME_DIR", RUNTIME_DIR))
    beside = password.with_name("piranha.secret")
    usable = beside.exists() or os.access(password.parent, os.W_OK | os.X_OK)
    return Settings(
        config=config or Path(env.get("PIRANHA_CONFIG", CONFIG)),
        password_file=password,
        runtime_dir=runtime,
        secret_key_file=beside if usable else runtime / "piranha.secret",
    )


def settings() -> Settings:
    """The settings of the application that serves this request."""
    found = current_app.extensions[EXTENSION]
    assert isinstance(found, Settings)
    return found
