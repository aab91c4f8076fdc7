"""`status` without its long part, for who only asks how the whole is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from lvs_engine.control.protocol import (
    Answer,
    decode_reply,
    encode_reply,
    from_dict,
)
from lvs_engine.control.status import (
    ConfigurationStatus,
    Event,
    PassStatus,
    ServiceStatus,
    Status,
)
from lvs_engine.daemons.lvsd_requests import handlers

WHOLE = Status(
    configuration=ConfigurationStatus(serial_no=15, revision="r15"),
    last_pass=PassStatus("refused", refusals=("no wlc",)),
    services=(ServiceStatus("web", ("192.0.2.1:80 tcp",), active=True),),
    events=(Event(1.0, "ok", "web", "up"),),
)


@dataclass
class Daemon:
    """Has one snapshot to tell, and nothing else."""

    last_pass: PassStatus = WHOLE.last_pass

    def overview(self) -> Status:
        return replace(WHOLE, services=())

    def services(self) -> Iterator[ServiceStatus]:
        return iter(WHOLE.services)

    async def reread(self) -> ConfigurationStatus:
        return WHOLE.configuration

    def waiting(self) -> list[str]:
        return []

    async def until(self, true: Callable[[], bool]) -> None:
        assert true()

    def stop(self, reason: str, *, leave: bool = False) -> None:
        raise AssertionError((reason, leave))


def ask(**arguments: object) -> Status:
    async def asked() -> Status:
        result = await handlers(Daemon())["status"](arguments)
        reply = decode_reply(encode_reply(Answer(result)))
        assert isinstance(reply, Answer)
        return from_dict(reply.result)

    return asyncio.run(asked())


def test_a_brief_status_has_what_concerns_the_whole() -> None:
    brief = ask(brief=True)
    assert brief.configuration == WHOLE.configuration
    assert brief.last_pass == WHOLE.last_pass
    assert (brief.services, brief.events) == ((), ())


def test_a_status_is_whole_unless_asked_for_briefly() -> None:
    assert ask() == WHOLE
    assert ask(brief="yes") == WHOLE
