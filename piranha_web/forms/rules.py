"""What a page refuses although the file format could hold it.

Each rule takes the typed text and raises `ValueError` with what is allowed. A value
that stands in the file and was not touched is never judged by these.
"""

from __future__ import annotations

import ipaddress
import re
import stat
from collections.abc import Iterable
from pathlib import Path

NAME = re.compile(r"[A-Za-z0-9._\[\]-]{1,60}", re.ASCII)
DEVICE = re.compile(r"[A-Za-z0-9_.@-]+(:[A-Za-z0-9_.-]+)?", re.ASCII)
ESCAPES = frozenset("nrt\\'\"")
LONGEST_DEVICE = 15
LONGEST_TEXT = 255
LONGEST_PROGRAM = 254
MOST_WORDS = 38
BROADCAST = "255.255.255.255"
LONGEST_FIELD = 1000


def one_line(text: str) -> None:
    """No control characters: a line break would become another line of lvs.cf."""
    if any(ord(c) < 32 or ord(c) == 127 or c in "\x85\u2028\u2029" for c in text):
        raise ValueError("must be one line without control characters")
    if len(text) > LONGEST_FIELD:
        raise ValueError(f"must be at most {LONGEST_FIELD} characters long")


def name(text: str) -> None:
    if not NAME.fullmatch(text):
        raise ValueError(
            "must be 1 to 60 characters out of letters, digits and . _ - [ ]"
        )


def unique(text: str, others: Iterable[str]) -> None:
    if text in others:
        raise ValueError(f"must be unique; there is another {text} here")


def device(text: str) -> None:
    if len(text) > LONGEST_DEVICE or not DEVICE.fullmatch(text):
        raise ValueError(
            "must be an interface such as eth0, or an alias such as eth0:1, of at most"
            f" {LONGEST_DEVICE} characters"
        )


def decimal(text: str) -> None:
    """The file takes 010 for 8 and 0x10 for 16; on a page that would be a trap."""
    if text[:1] == "0" and text != "0" and text.isalnum():
        raise ValueError("must be a decimal number without a leading zero")
    if text[:1] in ("-", "+"):
        raise ValueError("must be a number without a sign")


def mark(text: str) -> None:
    decimal(text)
    if text.isdigit() and int(text) > 2147483647:
        raise ValueError("must be blank or from 1 to 2147483647")


def machine(text: str) -> None:
    """The address of one machine; 0.0.0.0 and names are judged elsewhere."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return  # the codec has the say on names and old notations
    if address.is_unspecified:
        return
    if address.is_multicast or address.is_loopback or str(address) == BROADCAST:
        raise ValueError(
            "must be the address of a machine, not a multicast, broadcast or loopback"
            " address"
        )


def script_text(text: str) -> None:
    r"""Send and expect: printable ASCII with the escapes that the checks know."""
    if len(text) > LONGEST_TEXT:
        raise ValueError(f"must be at most {LONGEST_TEXT} characters long")
    if any(not " " <= c <= "~" for c in text):
        raise ValueError(r"must be printable ASCII; write \n, \r and \t as escapes")
    after = [pair[1:] for pair in re.findall(r"\\.?", text)]
    if any(c not in ESCAPES or not c for c in after):
        raise ValueError(r"has an escape that is none of \n \r \t \\ \' \"")
    if '"' in re.sub(r"\\.", "", text):
        raise ValueError(r"must not hold a bare double quote; write \"")


def program(text: str) -> None:
    """A sending program: runs by itself, so nobody but root may be able to change it."""
    if len(text) > LONGEST_PROGRAM:
        raise ValueError(f"must be at most {LONGEST_PROGRAM} characters long")
    if '"' in text or any(not " " <= c <= "~" for c in text):
        raise ValueError("must be printable ASCII without double quotes")
    words = text.split()
    if len(words) > MOST_WORDS:
        raise ValueError(f"must have at most {MOST_WORDS} words")
    executable(Path(words[0]) if words else Path())


def executable(path: Path) -> None:
    if not path.is_absolute():
        raise ValueError("must begin with an absolute path")
    try:
        status = path.stat()
    except OSError as error:
        raise ValueError(
            f"names {path}, which cannot be used: {error.strerror}"
        ) from error
    if not stat.S_ISREG(status.st_mode) or not status.st_mode & 0o111:
        raise ValueError(f"names {path}, which is not an executable file")
    if status.st_uid != 0 or status.st_mode & 0o022:
        raise ValueError(
            f"names {path}, which others than root may change; it has to belong to root"
            " and be writable for root alone"
        )
