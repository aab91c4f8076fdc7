"""Text to everything that is known of it, in one call that never raises."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from lvs_engine.config import problems as problem_lists
from lvs_engine.config import reader, validation
from lvs_engine.config.document import Document
from lvs_engine.config.model import Cluster
from lvs_engine.config.parser import parse
from lvs_engine.config.problems import Problem


@dataclass(frozen=True, slots=True)
class Loaded:
    """A file as it was read.

    Attributes:
        problems: of syntax, values and rules, in order of lines.
    """

    document: Document
    cluster: Cluster
    problems: list[Problem]

    @property
    def errors(self) -> list[Problem]:
        """The problems that keep the file from being used."""
        return problem_lists.errors(self.problems)

    @property
    def usable(self) -> bool:
        """Whether daemons may take this configuration."""
        return not self.errors


def load(text: str, ports: Mapping[str, int]) -> Loaded:
    """Parse, read and check a whole file.

    Args:
        text: of lvs.cf.
        ports: TCP service names of this system.
    """
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
    problems.sort(key=lambda p: (p.line, p.column))
    return Loaded(document, cluster, problems)
