"""Where the guest's kernel comes from, and what this machine lacks to boot it.

Debian's package `linux-image-amd64` names the kernel of the day. It is downloaded and
unpacked into a folder of ours, never installed. (The cloud kernel has no 9p, so it
cannot share the host's files.)
"""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lvs_engine.errors import KernelError

META_PACKAGE = "linux-image-amd64"
DOWNLOAD_LIMIT_S = 600

COMMANDS = {
    "qemu-system-x86_64": "apt-get install qemu-system-x86",
    "busybox": "apt-get install busybox-static",
    "depmod": "apt-get install kmod",
    "cpio": "apt-get install cpio",
    "file": "apt-get install file",
    "dpkg": "a Debian or Ubuntu system",
    "vng": "pip install virtme-ng",
}


class GuestError(Exception):
    """The guest cannot be had here; the message says what is missing."""


@dataclass(frozen=True)
class Kernel:
    """An unpacked kernel package.

    Attributes:
        version: as `uname -r` says it.
        folder: holds `boot` and `lib/modules`.
    """

    version: str
    folder: Path

    @property
    def image(self) -> Path:
        return self.folder / "boot" / f"vmlinuz-{self.version}"

    @property
    def ready(self) -> bool:
        """Unpacked to the end: depmod's index is written last."""
        modules = self.folder / "lib" / "modules" / self.version
        return self.image.exists() and (modules / "modules.dep.bin").exists()


def host_has_ipvs() -> bool:
    """Whether this kernel has IPVS itself, its module loaded if need be."""
    from lvs_engine.adapters.ipvs.plane import IpvsPlane

    try:
        IpvsPlane().close()
    except KernelError:
        return False
    return True


def missing() -> str:
    """Why no guest can be booted here; empty when one can. Gets the kernel at first."""
    if platform.machine() != "x86_64":
        return f"the guest needs x86_64, this is {platform.machine()}"
    for command, remedy in COMMANDS.items():
        if not shutil.which(command, path=search_path()):
            return f"the command {command} is missing ({remedy})"
    try:
        get_kernel()
    except GuestError as error:
        return str(error)
    return ""


def get_kernel() -> Kernel:
    """The unpacked kernel, downloaded at the first call.

    Raises:
        GuestError: it could not be had.
    """
    for folder in sorted(cache().glob("linux-image-*"), reverse=True):
        kernel = Kernel(folder.name.removeprefix("linux-image-"), folder)
        if kernel.ready:
            return kernel
    return _download()


def cache() -> Path:
    """Our folder, `PIRANHA_GUEST_CACHE` or one in the user's cache."""
    if named := os.environ.get("PIRANHA_GUEST_CACHE"):
        folder = Path(named)
    else:
        folder = Path.home() / ".cache" / "piranha" / "guest"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def search_path() -> str:
    """PATH with the folder of this Python first, and the system's own commands."""
    own = str(Path(sys.executable).parent)
    return f"{own}:{os.environ.get('PATH', '')}:/usr/sbin:/sbin"


def _download() -> Kernel:
    package = _versioned_package()
    folder = cache() / package
    folder.mkdir(exist_ok=True)
    print(f"guest: getting {package} into {folder}", file=sys.stderr, flush=True)
    _run(["apt-get", "download", package], folder)
    archives = sorted(folder.glob(f"{package}_*.deb"))
    if not archives:
        raise GuestError(f"apt-get download {package} left no package")
    _run(["dpkg", "-x", archives[-1].name, "."], folder)
    for archive in archives:
        archive.unlink()
    kernel = Kernel(package.removeprefix("linux-image-"), folder)
    _run(["depmod", "-b", str(folder), kernel.version], folder)
    if not kernel.ready:
        raise GuestError(f"{package} holds no {kernel.image.name}")
    return kernel


def _versioned_package() -> str:
    shown = _run(["apt-cache", "depends", META_PACKAGE], cache())
    found = re.search(r"Depends: (linux-image-\S+)", shown)
    if not found:
        raise GuestError(
            f"apt knows no {META_PACKAGE} (apt-get update; it is Debian's kernel)"
        )
    return found[1]


def _run(command: list[str], folder: Path) -> str:
    environment = {**os.environ, "PATH": search_path(), "LC_ALL": "C"}
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            text=True,
            timeout=DOWNLOAD_LIMIT_S,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuestError(f"{command[0]}: {error}") from error
    if done.returncode:
        reason = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise GuestError(f"{' '.join(command)}: {reason[-1] if reason else 'failed'}")
    return done.stdout
