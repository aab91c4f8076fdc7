"""Waiting in a test for what a daemon does in its own time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], bool], limit_s: float = 5.0) -> None:
    """Return once `true()`; TimeoutError when it never is."""
    async with asyncio.timeout(limit_s):
        while not true():  # noqa: ASYNC110 - what is waited for has no event to tell
            await asyncio.sleep(0.005)
