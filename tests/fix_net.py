"""Network namespaces for tests: fresh ones with names of our own, gone afterwards.

The host's links and routes are compared before and after, so that a test which reaches
out of its namespaces fails.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from pathlib import Path

import pytest

from lvs_engine.adapters.namespaces import Namespaces
from lvs_engine.errors import KernelUnavailableError
from tests.netns.inside import enter

_numbers = itertools.count(1)


def new_prefix() -> str:
    """A prefix that no other test has, of this run or of another."""
    return f"piranha-t{os.getpid()}x{next(_numbers)}-"


@pytest.fixture
def namespaces() -> Iterator[Namespaces]:
    """An empty small network; whatever is made in it ends with the test."""
    before = host_network()
    network = Namespaces(new_prefix())
    try:
        yield network
    finally:
        network.remove()
    assert host_network() == before


@pytest.fixture
def namespace(namespaces: Namespaces) -> str:
    """The name of one namespace with nothing but loopback in it."""
    name = namespaces.of("alone")
    subprocess.run(["ip", "netns", "add", name], check=True)
    subprocess.run(["ip", "-n", name, "link", "set", "lo", "up"], check=True)
    return name


@contextlib.contextmanager
def resident(namespace: str) -> Iterator[ThreadPoolExecutor]:
    """One thread that lives in the namespace, to make calls in it."""
    with ThreadPoolExecutor(
        max_workers=1, initializer=enter, initargs=(namespace,)
    ) as worker:
        yield worker


def host_network() -> tuple[list[str], list[list[str]]]:
    """Names of links, and routes, of the namespace that the tests run in.

    Read from files, since the emulated guest takes 0.1 s to start a process.
    """
    links = sorted(link.name for link in Path("/sys/class/net").iterdir())
    four = [line.split() for line in _lines("route")]
    six = [line.split() for line in _lines("ipv6_route")]
    # Interface, destination, gateway, mask; the other columns count uses.
    routes = [row[:3] + row[7:8] for row in four]
    return links, sorted(routes + [[*row[:2], row[4], row[9]] for row in six])


def _lines(table: str) -> list[str]:
    path = Path("/proc/self/net", table)
    return path.read_text().splitlines() if path.exists() else []


@lru_cache(maxsize=1)
def no_namespaces() -> str:
    """Why no namespace can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "not root, so no network namespaces can be made"
    try:
        Namespaces(new_prefix()).probe()
    except KernelUnavailableError as error:
        return str(error)
    return ""
