"""Running nft: one process for a transaction, one for a listing."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from errno import errorcode
from typing import Any, Final

from lvs_engine.errors import KernelError, KernelUnavailableError

LIMIT_S: Final = 30.0
"""Far above what a large table takes; a process that hangs must not hang the daemon."""

_ABSENT: Final = "No such file or directory"


class RefusedTransactionError(KernelError):
    """nft or the kernel refused the lines; nothing was changed.

    Attributes:
        errno_name: the kernel's error name, or EINVAL where nft did not get that far.
    """

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.errno_name = next(
            (
                name
                for number, name in errorcode.items()
                if os.strerror(number) in message
            ),
            "EINVAL",
        )


def commit(lines: Sequence[str]) -> None:
    """Carry out all lines, or none and raise `RefusedTransactionError`."""
    done = _run(["-f", "-"], "\n".join(lines) + "\n")
    if done.returncode:
        raise RefusedTransactionError(_reason(done.stderr))


def check(lines: Sequence[str]) -> None:
    """Let nft and the kernel judge the lines without carrying them out."""
    done = _run(["-c", "-f", "-"], "\n".join(lines) + "\n")
    if done.returncode:
        raise RefusedTransactionError(_reason(done.stderr))


def listing(*what: str) -> dict[str, Any]:
    """The JSON of `nft list WHAT`; empty when there is no such thing."""
    done = _run(["-j", "list", *what])
    if done.returncode:
        if _ABSENT in done.stderr:
            return {}
        raise KernelError(f"nft list {' '.join(what)}: {_reason(done.stderr)}")
    try:
        found: dict[str, Any] = json.loads(done.stdout)
    except ValueError as error:
        raise KernelError(f"nft list {' '.join(what)}: {error}") from error
    return found


def _run(arguments: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
    try:
        return subprocess.run(
            ["nft", *arguments],
            input=text,
            capture_output=True,
            text=True,
            timeout=LIMIT_S,
            check=False,
        )
    except FileNotFoundError:
        raise KernelUnavailableError(
            "the command `nft` is missing: install the package nftables"
        ) from None
    except subprocess.TimeoutExpired:
        raise KernelError(f"nft did not end within {LIMIT_S:.0f} s") from None


def _reason(said: str) -> str:
    """The first error of nft's output, without its drawing of the line."""
    for line in said.splitlines():
        if "rror:" in line or "not permitted" in line:
            return line.split("rror:", 1)[-1].strip()
    return said.strip().replace("\n", "; ") or "nft failed without a word"
