"""A form of a panel: WTForms fields for drawing, the file's codecs for the values.

A field that nobody touched keeps the value of the file untouched, whatever it is. A
posted form may leave fields out: they count as untouched (a check box counts as off).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field, RadioField, SelectField, StringField
from wtforms.fields.choices import SelectChoice
from wtforms.form import BaseForm

from lvs_engine.config.codecs import RefusalError
from lvs_engine.config.document import Block
from lvs_engine.config.problems import Problem
from piranha_web.config_words import sentence
from piranha_web.forms import entries as texts
from piranha_web.forms import rules
from piranha_web.forms.choices import Choices, value_of, values, with_value
from piranha_web.forms.entries import Entry, Kind, Model

Posted = MultiDict[str, str]


# Problems of `ADDRESS DEVICE` that are about the second word.
_OF_THE_DEVICE = frozenset({"missing-device", "bad-device", "label-taken"})


@dataclass(frozen=True, slots=True)
class Source:
    """What a form is about: a block of the file, in the model and in the text."""

    model: Model
    block: Block
    ports: Mapping[str, int]


@dataclass(slots=True)
class _Cell:
    """One field: its text in the file and on the page.

    Attributes:
        absent: the keyword is not in the file.
        broken: the file holds something that its codec refuses.
        off: does not apply; never taken from a request.
    """

    entry: Entry
    stored: str
    text: str
    absent: bool
    broken: bool
    off: bool

    @property
    def touched(self) -> bool:
        proposed = self.absent and bool(self.entry.proposal)
        return not self.off and (self.text != self.stored or self.broken or proposed)


@dataclass(frozen=True, slots=True)
class Difference:
    """One field that the page changes: for people."""

    label: str
    before: str
    after: str


@dataclass(slots=True)
class PanelForm:
    """A form; `parse` fills `values`, or the errors of `fields`.

    Attributes:
        fields: for the templates.
        values: fields of the model and their new values, only what differs.
        dropped: lines of the file whose broken value is replaced, from 0.
    """

    fields: BaseForm
    source: Source
    cells: list[_Cell]
    values: dict[str, object] = field(default_factory=dict)
    dropped: set[int] = field(default_factory=set)

    def parse(self) -> bool:
        """Whether every value is allowed."""
        keyed = [c for c in self.cells if c.entry.keyword]
        for _, group in groupby(keyed, key=lambda c: c.entry.keyword):
            self._parse_keyword(list(group))
        return not self.fields.errors

    def _parse_keyword(self, cells: Sequence[_Cell]) -> None:
        if not any(cell.touched for cell in cells):
            return
        obeyed = [self._obeys_rules(cell) for cell in cells]
        if not all(obeyed):
            return
        try:
            value = texts.parse(
                [c.entry for c in cells], [c.text for c in cells], self.source.ports
            )
            texts.plainly(cells[0].entry, cells[0].text, self.source.ports)
        except ValueError as error:
            word = error.word if isinstance(error, RefusalError) else 0
            self.refuse(cells[min(word, len(cells) - 1)].entry.name, str(error))
            return
        row = cells[0].entry.directive
        if value != getattr(self.source.model, row.field) or cells[0].broken:
            self.values[row.field] = value
        if cells[0].broken:
            found = self.source.block.named(row.keyword)
            self.dropped.update(statement.at for statement in found)

    def _obeys_rules(self, cell: _Cell) -> bool:
        entry = cell.entry
        try:
            rules.one_line(cell.text)
            if cell.touched:
                _judge(entry, cell.text)
        except ValueError as error:
            self.refuse(entry.name, str(error))
            return False
        return True

    def refuse(self, name: str, reason: str) -> None:
        """Put a message at a field: "must be ...", "is needed"."""
        self._say(name, f"This {reason}.")

    def _say(self, name: str, sentence: str) -> None:
        if name in self.fields:
            found = self.fields[name]
            found.errors = [*found.errors, sentence]
        else:
            self.fields.form_errors.append(sentence)

    def refuse_problems(
        self, problems: Iterable[Problem], where: tuple[str, ...]
    ) -> None:
        """Put what the file's own rules say at the fields that it is about."""
        for problem in problems:
            names = [
                c.entry.name for c in self.cells if c.entry.keyword == problem.keyword
            ]
            if problem.where == where and problem.keyword and names:
                name = names[-1 if problem.code in _OF_THE_DEVICE else 0]
                self._say(name, f"{problem.message}.")
            else:
                self._say("", sentence(problem))

    def text(self, name: str) -> str:
        """The text of a field as it is on the page."""
        return next(c.text for c in self.cells if c.entry.name == name)

    def differences(self) -> list[Difference]:
        return [
            Difference(c.entry.label.rstrip(": "), c.stored, c.text)
            for c in self.cells
            if not c.off and c.text != c.stored
        ]

    def merge(self, base: PanelForm) -> None:
        """After a conflict: keep what was typed, take the rest from the file as it is.

        Args:
            base: the form as it was when the page was loaded, before typing.
        """
        before = {c.entry.name: c.text for c in base.cells}
        for cell in self.cells:
            old = before.get(cell.entry.name, cell.stored)
            drawn = self.fields[cell.entry.name]
            if cell.text == old:
                cell.text = cell.stored
                _fill(drawn, cell)
            elif cell.stored != old:
                drawn.warning = (
                    f"Changed by both: {cell.stored or 'blank'} is in the file now."
                )


def build(
    rows: Iterable[Entry],
    source: Source,
    posted: Posted | None = None,
    reasons: Mapping[str, str] | None = None,
) -> PanelForm:
    """A form for a block.

    Args:
        rows: the fields, those of one keyword beside each other.
        source: the block that they are of.
        posted: what a page sent; None: the form shows the file.
        reasons: fields that do not apply now, and why.
    """
    reasons = reasons or {}
    cells = [_cell(row, source, posted, off=row.name in reasons) for row in rows]
    fields = BaseForm({c.entry.name: _widget(c) for c in cells})
    fields.process()
    for cell in cells:
        drawn = fields[cell.entry.name]
        _fill(drawn, cell)
        row = cell.entry.directive if cell.entry.keyword else None
        drawn.keyword = cell.entry.keyword
        drawn.unit = row.unit if row else ""
        drawn.reason = reasons.get(cell.entry.name, "")
        if cell.absent and cell.entry.proposal and posted is None and not cell.off:
            drawn.warning = "Not in the file yet; ACCEPT stores it."
    form = PanelForm(fields, source, cells)
    if posted is None:
        _name_broken(form)
    return form


def _name_broken(form: PanelForm) -> None:
    for cell in form.cells:
        if cell.broken:
            form.fields[
                cell.entry.name
            ].warning = f"The file has a value that cannot be used: {cell.stored}"


def _cell(entry: Entry, source: Source, posted: Posted | None, *, off: bool) -> _Cell:
    broken = texts.broken_text(entry, source.block, source.ports)
    absent = bool(entry.keyword) and not source.block.named(entry.keyword)
    stored = texts.shown(entry, source.model) if broken is None else broken
    if entry.kind in (Kind.CHECK, Kind.RADIO):
        stored = stored or "0"
    text = entry.proposal if absent and entry.proposal else stored
    if posted is not None and not off:
        text = _posted_text(entry, posted, text)
    return _Cell(entry, stored, text, absent, broken is not None, off)


def _posted_text(entry: Entry, posted: Posted, stored: str) -> str:
    if entry.kind is Kind.CHECK:
        return "1" if posted.get(entry.name, "0") not in ("0", "") else "0"
    if entry.name not in posted:
        return stored
    text = posted[entry.name]
    if entry.kind is Kind.SELECT:
        return value_of(text)
    return text if entry.raw else text.strip()


def _widget(cell: _Cell) -> Field:
    entry = cell.entry
    row = entry.directive if entry.keyword else None
    keywords: dict[str, object] = {
        "description": entry.help or (row.help if row else "")
    }
    if entry.kind is Kind.CHECK:
        return BooleanField(entry.label, **keywords)
    keywords["default"] = _usual(entry)
    if entry.kind is Kind.LINE:
        size = {"size": entry.size} if entry.size else {}
        keywords["render_kw"] = {**size, "autocomplete": "off", "spellcheck": "false"}
        return StringField(entry.label, **keywords)
    keywords["choices"] = _options(with_value(entry.choices or [], cell.stored))
    kind = SelectField if entry.kind is Kind.SELECT else RadioField
    return kind(entry.label, **keywords)


def _options(choices: Choices) -> list[SelectChoice]:
    groups = choices if isinstance(choices, dict) else {"": choices}
    return [
        SelectChoice(value, label, optgroup=group or None)
        for group, pairs in groups.items()
        for value, label in pairs
    ]


def _usual(entry: Entry) -> str:
    """The text that an absent keyword has; a folded group opens for any other."""
    if not entry.keyword or entry.part >= 0:
        return ""
    row = entry.directive
    blank = row.blank or row.default is None or entry.is_list
    return "" if blank else row.codec.format(row.default)


def _fill(drawn: Field, cell: _Cell) -> None:
    drawn.data = cell.text == "1" if cell.entry.kind is Kind.CHECK else cell.text


def _judge(entry: Entry, text: str) -> None:
    """What the page demands of a text that somebody typed."""
    if entry.kind is Kind.SELECT and text not in values(entry.choices or []):
        raise ValueError("must be one of the list")
    if entry.needed and not text:
        raise ValueError(f"is needed: {entry.directive.allowed}")
    if entry.rule and text:
        entry.rule(text)
