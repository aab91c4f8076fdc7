"""Boots the guest, runs one command in it, and brings back what it said.

The guest shares the host's file system read-write, but has a /tmp and a /run of its
own; folders below /tmp that the command names are shared too. Output and exit status
travel through files in our cache folder, since the guest's serial ports need a udev that
few containers have.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.guest.kernel import GuestError, Kernel, cache, get_kernel, search_path

ROOT = Path(__file__).resolve().parents[2]
MEMORY = "2G"
CPUS = 2
PROBE_LIMIT_S = 30
POLL_S = 0.2


def run(command: list[str], limit_s: float) -> int:
    """Run `command` as root in a guest; its output goes to standard output.

    Returns:
        The command's exit status.

    Raises:
        GuestError: the guest did not boot, or did not end within `limit_s` seconds.
    """
    kernel = get_kernel()
    return _run(kernel, command, limit_s, kvm=_kvm_works(kernel))


def _run(kernel: Kernel, command: list[str], limit_s: float, *, kvm: bool) -> int:
    with tempfile.TemporaryDirectory(prefix="run-", dir=cache()) as name:
        folder = Path(name)
        output, status = folder / "output", folder / "status"
        output.touch()
        shared = sorted(_shared_folders(command))
        script = folder / "script"
        script.write_text(_script(command, shared, folder))
        with _booted(kernel, script, kvm=kvm) as guest:
            _follow(guest, output, time.monotonic() + limit_s)
        if not status.exists() or not (text := status.read_text().strip()):
            log = (folder / "console").read_text(errors="replace").strip()
            raise GuestError(f"the guest ended without a result\n{log[-2000:]}")
        return int(text)


def _script(command: list[str], shared: Iterable[Path], folder: Path) -> str:
    """What the guest runs first. Its own /tmp hides the host's, so that is bound back."""
    lines = [
        "#!/bin/sh",
        f"exec > {folder}/output 2>&1 < /dev/null",
        "mkdir -p /run/host && mount --bind / /run/host",
        f"export HOME={shlex.quote(str(Path.home()))} LC_ALL=C.UTF-8",
        f"export PATH={shlex.quote(search_path())}",
        "export PIRANHA_GUEST=1 PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1",
        *(f"export {name}={shlex.quote(value)}" for name, value in _passed_on()),
    ]
    lines += [
        f"mkdir -p {path} && mount --bind {shlex.quote(f'/run/host{folder}')} {path}"
        for folder in shared
        for path in [shlex.quote(str(folder))]
    ]
    lines += [
        "ip link set lo up",
        f"cd {shlex.quote(str(ROOT))}",
        shlex.join(command),
        f"echo $? > {folder}/status",
        "sync",
    ]
    return "\n".join(lines) + "\n"


def _passed_on() -> Iterator[tuple[str, str]]:
    for name, value in sorted(os.environ.items()):
        if name.startswith("PIRANHA_") and name != "PIRANHA_GUEST":
            yield name, value


def _shared_folders(command: list[str]) -> set[Path]:
    """Folders below /tmp that the command's words name, for reports that it writes."""
    found = set()
    for word in command:
        path = Path(word.rpartition("=")[2])
        if path.is_absolute() and path.is_relative_to("/tmp"):
            folder = path if path.is_dir() else path.parent
            if folder.is_dir() and folder != Path("/tmp"):
                found.add(folder)
    return found


@contextmanager
def _booted(
    kernel: Kernel, script: Path, *, kvm: bool
) -> Iterator[subprocess.Popen[bytes]]:
    command = [
        "vng", "--run", str(kernel.image), "--force-9p", "--rw", "--verbose",
        "--memory", MEMORY, "--cpus", str(CPUS), "--name", "piranha-guest",
        "--exec", f"sh {script}",
    ]  # fmt: skip
    if not kvm:
        command.append("--disable-kvm")
    with (script.parent / "console").open("wb") as console:
        guest = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, "PATH": search_path()},
            stdin=subprocess.DEVNULL,
            stdout=console,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield guest
        finally:
            if guest.poll() is None:
                os.killpg(guest.pid, signal.SIGKILL)
            guest.wait()


def _follow(guest: subprocess.Popen[bytes], output: Path, until: float) -> None:
    """Copy what the guest writes to standard output until it powers off."""
    with output.open("rb") as stream:
        while True:
            ended = guest.poll() is not None
            while chunk := stream.read(65536):
                sys.stdout.buffer.write(chunk)
                sys.stdout.buffer.flush()
            if ended:
                return
            if time.monotonic() > until:
                raise GuestError("the guest took longer than it may (--limit)")
            time.sleep(POLL_S)


def _kvm_works(kernel: Kernel) -> bool:
    """Whether a guest boots with KVM; asked once for each boot of the host.

    /dev/kvm may be there and not work, so only a boot tells.
    """
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return False
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    known = cache() / f"kvm-{boot}"
    if not known.exists():
        try:
            works = _run(kernel, ["true"], PROBE_LIMIT_S, kvm=True) == 0
        except GuestError:
            works = False
        known.write_text("yes" if works else "no")
    return known.read_text() == "yes"
