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

import pytest

from lvs_engine.adapters.namespaces import Namespaces
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


def host_network() -> tuple[str, ...]:
    """Names of links, and routes, of the namespace that the tests run in."""
    commands = (
        ["ip", "-o", "-br", "link", "show"],
        ["ip", "-4", "route", "show", "table", "all"],
        ["ip", "-6", "route", "show", "table", "all"],
    )
    return tuple(
        subprocess.run(c, capture_output=True, text=True, check=True).stdout
        for c in commands
    )


def no_namespaces() -> str:
    """Why no namespace can be made here; empty when one can."""
    if os.geteuid() != 0:
        return "not root, so no network namespaces can be made"
    try:
        Namespaces(new_prefix()).probe()
    except Exception as error:  # noqa: BLE001 - any reason is a reason to skip
        return str(error)
    return ""
