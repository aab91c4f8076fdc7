"""Giving up root for good: what talks to real servers needs no rights (KF-84)."""

from __future__ import annotations

import contextlib
import ctypes
import os
import pwd
import resource
import signal

_PR_SET_PDEATHSIG = 1
_PR_SET_NO_NEW_PRIVS = 38
_PR_CAPBSET_DROP = 24
_LAST_CAPABILITY = 63

USERS = ("piranha", "nobody")


def drop(users: tuple[str, ...] = USERS) -> str:
    """Become the first of `users` that exists, if we are root; the name we run as.

    Everything goes: user, groups, capabilities (with the change of all user ids), and
    the way back by programs with the set-user-id bit.

    Raises:
        OSError: the kernel refused; nothing should be done then.
        LookupError: we are root and none of the users exists.
    """
    if os.geteuid() == 0:
        user = _first_of(users)
        for capability in range(_LAST_CAPABILITY + 1):
            with contextlib.suppress(OSError):  # this kernel knows fewer of them
                _prctl(_PR_CAPBSET_DROP, capability)
        os.setgroups([])
        os.setresgid(user.pw_gid, user.pw_gid, user.pw_gid)
        os.setresuid(user.pw_uid, user.pw_uid, user.pw_uid)
        # Programs that we run must not look for files in root's home.
        os.environ.update(HOME="/", USER=user.pw_name, LOGNAME=user.pw_name)
    _prctl(_PR_SET_NO_NEW_PRIVS, 1)
    return pwd.getpwuid(os.geteuid()).pw_name if _has_name() else str(os.geteuid())


def die_with_parent(parent: int) -> bool:
    """Ask the kernel for TERM when our parent dies; False if it is dead already.

    To be asked for after `drop`: a change of user takes it back.
    """
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    return os.getppid() == parent


def raise_descriptor_limit() -> int:
    """As many open files as we may have; each running check needs one or two."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return hard


def _first_of(users: tuple[str, ...]) -> pwd.struct_passwd:
    for name in users:
        with contextlib.suppress(KeyError):
            return pwd.getpwnam(name)
    raise LookupError(f"none of the users {', '.join(users)} exists")


def _has_name() -> bool:
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        return False
    return True


def _prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, ctypes.c_ulong(value), 0, 0, 0) != 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
