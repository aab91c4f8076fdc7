"""The fields of MONITORING SCRIPTS."""

from __future__ import annotations

from lvs_engine.config.directives import Scope
from piranha_web.forms import rules
from piranha_web.forms.entries import Entry, Kind

_V = Scope.VIRTUAL

# Button captions of the original, and the field that each one empties.
BLANKING = {
    "NO SEND PROGRAM": "send_program",
    "BLANK SEND": "send",
    "BLANK EXPECT": "expect",
}


def entries() -> list[Entry]:
    return [
        Entry(
            "send_program",
            "send_program",
            _V,
            "Sending Program:",
            size=60,
            rule=rules.program,
            help="A program that checks a real server and prints a line; with it, Send"
            " is not used. %h becomes the address of the real server, %p its port.",
        ),
        Entry("send", "send", _V, "Send:", size=60, rule=rules.script_text, raw=True),
        Entry(
            "expect",
            "expect",
            _V,
            "Expect:",
            size=60,
            rule=rules.script_text,
            raw=True,
        ),
        Entry(
            "use_regex",
            "use_regex",
            _V,
            "Treat expect string as a regular expression",
            Kind.CHECK,
        ),
    ]
