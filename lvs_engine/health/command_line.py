"""The command line of `send_program`: words, quotes, `%h` and `%p`; no shell."""

from __future__ import annotations

import re

# A word: plain characters and quoted parts, glued together. A quote that is never
# closed is an ordinary character, as every quote was in the original.
_WORD = re.compile(r"""(?:"[^"]*"|'[^']*'|\S)+""")
_QUOTED = re.compile(r""""([^"]*)"|'([^']*)'""")
_PLACE = re.compile("%[hp]")


def arguments(command: str, address: str, port: int) -> list[str]:
    """The words of `command`, with `%h` and `%p` replaced anywhere in them (KF-22).

    Quotes keep blanks together and are dropped; a backslash is an ordinary character.
    An address or port never makes two words out of one. Nothing limits number or
    length of the words (KF-21).
    """
    values = {"%h": address, "%p": str(port)}
    return [
        _PLACE.sub(
            lambda place: values[place.group()],
            _QUOTED.sub(lambda part: part.group(1) or part.group(2) or "", word),
        )
        for word in _WORD.findall(command)
    ]
