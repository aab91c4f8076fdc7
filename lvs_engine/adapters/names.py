"""Host names to addresses, without ever holding up the loop (KF-69)."""

from __future__ import annotations

import asyncio
import logging
import socket
from collections.abc import Iterable, Mapping

log = logging.getLogger(__name__)


class Names:
    """Looks names up together, and keeps what it knew when the answer fails.

    Args:
        limit_s: seconds for one round of questions; slower answers count as failed.
    """

    def __init__(self, limit_s: float = 5.0) -> None:
        self._limit_s = limit_s
        self._known: dict[str, str] = {}

    @property
    def known(self) -> Mapping[str, str]:
        """Host name to address, as of the last round."""
        return self._known

    async def look_up(self, names: Iterable[str]) -> bool:
        """Ask for all of `names`; whether an address came, changed or went."""
        wanted = sorted(names)
        found = await asyncio.gather(*map(self._address, wanted))
        fresh = {n: a for n, a in zip(wanted, found, strict=True) if a}
        changed = fresh != self._known
        self._known = fresh
        return changed

    async def _address(self, name: str) -> str:
        held = self._known.get(name, "")
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._limit_s):
                answers = await loop.getaddrinfo(name, None, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError, TimeoutError) as error:
            kept = f"; {held} is kept" if held else ""
            reason = str(error) or f"no answer within {self._limit_s:g} s"
            log.warning("no address for %s: %s%s", name, reason, kept)
            return held
        addresses = sorted({str(a[4][0]) for a in answers}, key=lambda a: (":" in a, a))
        # A name with several addresses must not send the server round and round.
        return held if held in addresses else addresses[0]
