"""All health checks in one epoll loop: connections, dialogues, datagrams, programs."""

from lvs_engine.adapters.prober.loop import Loop
from lvs_engine.adapters.prober.prober import Prober

__all__ = ["Loop", "Prober"]
