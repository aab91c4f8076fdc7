r"""The escapes of send and expect: `\n \r \t \\ \' \"`, and no other.

The original hung for ever on any other pair and on a backslash at the end, so such a
text is an error when the file is read.
"""

from __future__ import annotations

import re

_MEANING = {"n": "\n", "r": "\r", "t": "\t", "\\": "\\", "'": "'", '"': '"'}
_PAIR = re.compile(r"\\(.?)", re.DOTALL)


def bad_escape(text: str) -> int | None:
    """Place of the first backslash that begins no known escape, or None.

    A text of one character is taken as it is, also when that is a backslash.
    """
    if len(text) < 2:
        return None
    for match in _PAIR.finditer(text):
        if match[1] not in _MEANING:
            return match.start()
    return None


def translate(text: str) -> str:
    """The text that is sent or expected; unknown pairs stay as they are."""
    if len(text) < 2:
        return text
    return _PAIR.sub(lambda m: _MEANING.get(m[1], m[0]), text)
