"""Names of TCP services: the syntax of /etc/services, and the best known names.

Small systems have no /etc/services; a file with `port = http` should be read there too.
"""

from __future__ import annotations

WELL_KNOWN = {
    "echo": 7,
    "discard": 9,
    "daytime": 13,
    "ftp-data": 20,
    "ftp": 21,
    "ssh": 22,
    "telnet": 23,
    "smtp": 25,
    "time": 37,
    "domain": 53,
    "http": 80,
    "www": 80,
    "pop3": 110,
    "pop-3": 110,
    "sunrpc": 111,
    "nntp": 119,
    "imap2": 143,
    "imap": 143,
    "snmp": 161,
    "ldap": 389,
    "https": 443,
    "submissions": 465,
    "submission": 587,
    "ldaps": 636,
    "domain-s": 853,
    "imaps": 993,
    "pop3s": 995,
    "mysql": 3306,
    "ms-wbt-server": 3389,
    "sip": 5060,
    "sip-tls": 5061,
    "postgresql": 5432,
    "http-alt": 8080,
}


def parse_services(text: str) -> dict[str, int]:
    """TCP names and aliases of a text such as /etc/services; the first one counts."""
    ports: dict[str, int] = {}
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if len(words) < 2:
            continue
        port, _, protocol = words[1].partition("/")
        if protocol != "tcp" or not port.isascii() or not port.isdigit():
            continue
        for name in (words[0], *words[2:]):
            ports.setdefault(name, int(port))
    return ports
