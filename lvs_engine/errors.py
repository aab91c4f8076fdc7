"""Every exception that the engine raises on purpose, told apart by whose turn it is."""

from __future__ import annotations


class PiranhaError(Exception):
    """The root: catch it where a message to a person is the right end."""


class ConfigError(PiranhaError):
    """The operator's turn: the message names file, place and what is allowed."""


class StaleRevisionError(ConfigError):
    """Somebody saved the file since it was read; nothing was written."""


class KernelError(PiranhaError):
    """The system's turn: the kernel refused something."""


class KernelUnavailableError(KernelError):
    """A data plane is not in this kernel, or may not be used; the message names the remedy."""


class ControlError(PiranhaError):
    """A daemon did not answer, or answered no; the message says which and why."""


class NotRunningError(ControlError):
    """No daemon listens on the control socket."""
