"""What the lab prints: where the page is, and what to try next."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from lvs_engine.daemons.lab.topology import VIP


@dataclass(frozen=True, slots=True)
class Access:
    """How a person gets in.

    Attributes:
        password: made up, or empty when the person gave it.
        program: what to type for `piranha`.
    """

    url: str
    password: str
    program: str
    configuration: Path
    logs: Path


def routed(access: Access, plane: str) -> str:
    """The lab with its network."""
    lab = f"{access.program} lab"
    tries = [
        (f"{lab} exec client -- curl -s http://{VIP}/", "which server answers?"),
        (f"{lab} break server1", "its service stops; the page shows it leave"),
        (f"{lab} heal server1", "... and come back after its re-entry time"),
        (f"{lab} exec router -- piranha status", "the same in the terminal"),
        (f"{lab} status", "what runs here"),
    ]
    width = max(len(command) for command, _ in tries)
    lines = [
        "",
        "  Piranha lab",
        "",
        "    client 192.168.26.100 --+-- router 192.168.26.9 --+-- server1 10.11.12.1",
        f"                            |   VIP {VIP:<18}+-- server2 10.11.12.2",
        f"                            |   balances by {plane:<10}+-- server3 10.11.12.3",
        "",
        *_access(access),
        "",
        "  Try, in another terminal:",
        *(f"    {command:<{width}}  # {why}" for command, why in tries),
        "",
        "  Ctrl-C takes everything down.",
        "",
    ]
    return "\n".join(lines)


def memory(access: Access, missing: str) -> str:
    """The page alone, where no namespaces can be made."""
    lines = [
        "",
        "  Piranha, the page alone",
        "",
        f"  {missing}.",
        "  So the table is kept in memory: nothing is balanced, and no server is checked.",
        "",
        *_access(access),
        "",
        "  Ctrl-C takes it down.",
        "",
    ]
    return "\n".join(lines)


def _access(access: Access) -> list[str]:
    password = access.password or "(the one in PIRANHA_PASSWORD)"
    return [
        f"    page      {access.url}",
        "    user      piranha",
        f"    password  {password}",
        f"    lvs.cf    {access.configuration}",
        f"    logs      {access.logs}",
    ]
