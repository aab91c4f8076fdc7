"""Gives the tests of this folder their network."""

from tests.kernel.network import network

__all__ = ["network"]
