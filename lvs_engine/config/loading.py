"""Text to everything that is known of it, in one call that never raises."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property

from lvs_engine.config import problems as problem_lists
from lvs_engine.config import reader, validation
from lvs_engine.config.document import Document
from lvs_engine.config.model import Cluster
from lvs_engine.config.parser import parse
from lvs_engine.config.problems import Problem
from lvs_engine.config.quick import read_quickly
from lvs_engine.config.quick_places import QuickLocate
from lvs_engine.config.validation.locate import located


class Loaded:
    """A file as it was read.

    Attributes:
        problems: of syntax, values and rules, in order of lines.
    """

    def __init__(self, text: str, cluster: Cluster, problems: list[Problem]) -> None:
        self.text = text
        self.cluster = cluster
        self.problems = problems

    @cached_property
    def document(self) -> Document:
        """The lossless form, for an edit; made when it is first asked for."""
        return parse(self.text)

    @cached_property
    def errors(self) -> list[Problem]:
        """The problems that keep the file from being used."""
        return problem_lists.errors(self.problems)

    @property
    def usable(self) -> bool:
        """Whether daemons may take this configuration."""
        return not self.errors


def load(text: str, ports: Mapping[str, int]) -> Loaded:
    """Read and check a whole file.

    Args:
        text: of lvs.cf.
        ports: TCP service names of this system.
    """
    return load_quickly(text, ports) or load_thoroughly(text, ports)


def load_quickly(text: str, ports: Mapping[str, int]) -> Loaded | None:
    """The same as the thorough way for a regular text, else None."""
    cluster = read_quickly(text, ports)
    if cluster is None:
        return None
    found = validation.findings(cluster)
    problems = located(found, cluster, QuickLocate(text)) if found else []
    return Loaded(text, cluster, _in_order(problems))


def load_thoroughly(text: str, ports: Mapping[str, int]) -> Loaded:
    """Parse, read and check any text."""
    document = parse(text)
    cluster, found = reader.read(document, ports)
    problems = document.problems + found
    # Of a value that could not be read, the rules have nothing true to say.
    unread = {(p.where, p.keyword) for p in problem_lists.errors(problems) if p.keyword}
    problems += [
        problem
        for problem in validation.check(cluster, document)
        if (problem.where, problem.keyword) not in unread
    ]
    loaded = Loaded(text, cluster, _in_order(problems))
    loaded.document = document
    return loaded


def _in_order(problems: list[Problem]) -> list[Problem]:
    return sorted(problems, key=lambda p: (p.line, p.column))
