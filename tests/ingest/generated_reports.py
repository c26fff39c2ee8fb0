"""Reports made up for the property tests: a model of a report, and its form in each file format.

Every word of a report is used once, so that it can be looked for. The words mean nothing; only sentence marks,
capitals and layout tell the readers what is what.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from html import escape

import docx
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.opc.packuri import PackURI
from docx.opc.part import Part
from docx.oxml import parse_xml
from docx.oxml.ns import nsdecls
from hypothesis import strategies as st
from pptx import Presentation
from pptx.util import Inches


@dataclass
class Item:
    text: str
    inner: list[Item] = field(default_factory=list)


@dataclass
class Listing:
    lead: str
    items: list[Item]
    ordered: bool


@dataclass
class Paragraph:
    text: str
    note: str = ""


@dataclass
class Speech:
    speaker: str
    text: str


@dataclass
class Table:
    names: list[str]
    rows: list[list[str]]


Part_ = Paragraph | Listing | Speech | Table


@dataclass
class Section:
    heading: str
    level: int
    parts: list[Part_]


@dataclass
class Report:
    title: str
    sections: list[Section]

    def paths(self) -> Iterator[tuple[tuple[str, ...], Section]]:
        """Yield each section with the headings above it, its own included and the title left out."""
        above = ""
        for section in self.sections:
            above = section.heading if section.level == 2 else above
            yield ((section.heading,) if section.level == 2 or not above else (above, section.heading)), section


class _Words:
    """Gives out words that were not used before: two or three syllables, no English word among them."""

    def __init__(self) -> None:
        self._used = 0

    def take(self, count: int) -> list[str]:
        made = [self._word(self._used + at) for at in range(count)]
        self._used += count
        return made

    @staticmethod
    def _word(number: int) -> str:
        consonants, vowels = "bdfgklmnprtvz", "aeiou"
        text = "q"
        for _ in range(3):
            number, at = divmod(number, len(consonants))
            number, to = divmod(number, len(vowels))
            text += vowels[to] + consonants[at]
        return text


class _Drawing:
    """Draws the parts of one report."""

    def __init__(self, draw: st.DrawFn, deepest: int) -> None:
        self._draw = draw
        self._deepest = deepest
        self._words = _Words()

    def line(self, least: int, most: int) -> str:
        return " ".join(self._words.take(self._draw(st.integers(least, most)))).capitalize()

    def prose(self) -> str:
        return " ".join(f"{self.line(12, 20)}." for _ in range(self._draw(st.integers(1, 3))))

    def items(self, level: int) -> list[Item]:
        made = []
        for _ in range(self._draw(st.integers(2, 3))):
            item = Item(self.line(2, 6))
            if level < self._deepest and self._draw(st.integers(0, 2)) == 0:
                item.inner = self.items(level + 1)
            made.append(item)
        return made

    def table(self) -> Table:
        columns = self._draw(st.integers(2, 4))
        names = [self.line(1, 2) for _ in range(columns)]
        return Table(names, [[self.line(1, 3) for _ in names] for _ in range(self._draw(st.integers(1, 3)))])

    def part(self) -> Part_:
        match self._draw(st.sampled_from(("list", "table", "speech", "note", "text"))):
            case "note":
                return Paragraph(self.prose(), note=f"{self.line(8, 12)}.")
            case "list":
                return Listing(f"{self.line(4, 8)}:", self.items(1), ordered=self._draw(st.booleans()))
            case "speech":
                return Speech(f"{self.line(2, 3)} said:", f"“{self.line(12, 18)}.”")
            case "table":
                return self.table()
            case _:
                return Paragraph(self.prose())

    def section(self, level: int) -> Section:
        heading = self.line(2, 5)
        # Prose on both sides, as reports have it: layout alone does not tell a heading from the corner of a table.
        middle = [self.part() for _ in range(self._draw(st.integers(1, 3)))]
        return Section(heading, level, [Paragraph(self.prose()), *middle, Paragraph(self.prose())])


@st.composite
def reports(draw: st.DrawFn, *, deepest: int = 3) -> Report:
    """Draw a report of one to three sections, with lists of up to ``deepest`` levels."""
    made = _Drawing(draw, deepest)
    title = made.line(3, 6)
    levels = [2, *draw(st.lists(st.sampled_from((2, 3)), max_size=2))]
    return Report(title, [made.section(level) for level in levels])


# --- Markdown ---------------------------------------------------------------------------------------------------------


def as_markdown(report: Report) -> bytes:
    notes: list[str] = []
    out = [f"# {report.title}"]
    for section in report.sections:
        out.append(f"{'#' * section.level} {section.heading}")
        out += [_markdown_part(part, notes) for part in section.parts]
    out += [f"[^{at}]: {note}" for at, note in enumerate(notes)]
    return "\n\n".join(out).encode()


def _markdown_part(part: Part_, notes: list[str]) -> str:
    match part:
        case Paragraph(text, note):
            notes += [note] if note else []
            return f"{text}[^{len(notes) - 1}]" if note else text
        case Listing(lead, items, ordered):
            return f"{lead}\n\n" + "\n".join(_markdown_items(items, "1. " if ordered else "- ", 0))
        case Speech(speaker, text):
            return f"{speaker}\n\n> {text}"
        case Table(names, rows):
            lines = [names, ["---"] * len(names), *rows]
            return "\n".join(f"| {' | '.join(row)} |" for row in lines)


def _markdown_items(items: list[Item], sign: str, indent: int) -> Iterator[str]:
    for item in items:
        yield " " * indent + sign + item.text
        yield from _markdown_items(item.inner, sign, indent + len(sign))


# --- HTML -------------------------------------------------------------------------------------------------------------

FURNITURE = """<div class="cookie-banner"><p>We use some furnished cookies to make the site work.</p></div>
<header><nav><ul><li><a href="/">Furnished start</a></li><li><a href="/b">Furnished news</a></li></ul></nav></header>"""
FOOT = """<div class="related-posts"><h3>Related posts</h3><ul><li><a href="/c">Another furnished story</a></li>
</ul></div><footer><p>Furnished company, registered nowhere at all.</p></footer>"""


def as_html(report: Report) -> bytes:
    notes: list[str] = []
    out = [f"<!doctype html><html><head><meta charset=utf-8><title>{report.title}</title></head><body>", FURNITURE]
    out.append(f"<div class='content'><h1>{report.title}</h1>")
    for section in report.sections:
        out.append(f"<h{section.level}>{section.heading}</h{section.level}>")
        out += [_html_part(part, notes) for part in section.parts]
    if notes:
        listed = "".join(f"<li id='fn{at}'>{note}</li>" for at, note in enumerate(notes))
        out.append(f"<div class='footnotes'><ol>{listed}</ol></div>")
    return "\n".join([*out, "</div>", FOOT, "</body></html>"]).encode()


def _html_part(part: Part_, notes: list[str]) -> str:
    match part:
        case Paragraph(text, note):
            notes += [note] if note else []
            mark = f"<sup><a href='#fn{len(notes) - 1}'>{len(notes)}</a></sup>" if note else ""
            return f"<p>{text}{mark}</p>"
        case Listing(lead, items, ordered):
            return f"<p>{lead}</p>" + _html_items(items, "ol" if ordered else "ul")
        case Speech(speaker, text):
            return f"<p>{speaker}</p><blockquote><p>{escape(text)}</p></blockquote>"
        case Table(names, rows):
            head = "".join(f"<th>{name}</th>" for name in names)
            body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows)
            return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def _html_items(items: list[Item], tag: str) -> str:
    inside = "".join(f"<li>{item.text}{_html_items(item.inner, tag) if item.inner else ''}</li>" for item in items)
    return f"<{tag}>{inside}</{tag}>"


# --- Plain text -------------------------------------------------------------------------------------------------------


def as_plain(report: Report) -> bytes:
    out = [report.title]
    for section in report.sections:
        out.append(section.heading)
        for part in section.parts:
            match part:
                case Paragraph(text, note):
                    out += [text, note] if note else [text]
                case Listing(lead, items, _):
                    out.append(f"{lead}\n\n" + "\n".join(_plain_items(items, 2)))
                case Speech(speaker, text):
                    out += [speaker, text]
                case Table(_, rows):
                    out += [f"{', '.join(cell for row in rows for cell in row)}."]
    return "\n\n".join(out).encode()


def _plain_items(items: list[Item], indent: int) -> Iterator[str]:
    for item in items:
        yield " " * indent + "• " + item.text
        yield from _plain_items(item.inner, indent + 2)


# --- Word -------------------------------------------------------------------------------------------------------------


def as_word(report: Report) -> bytes:
    word = docx.Document()
    word.add_heading(report.title, 0)
    notes: list[str] = []
    for section in report.sections:
        word.add_heading(section.heading, section.level - 1)
        for part in section.parts:
            _word_part(word, part, notes)
    add_notes(word, notes)
    return saved(word)


def _word_part(word: object, part: Part_, notes: list[str]) -> None:
    match part:
        case Paragraph(text, note):
            made = word.add_paragraph(text)
            if note:
                notes.append(note)
                refer_to_note(made, len(notes))
        case Listing(lead, items, ordered):
            word.add_paragraph(lead)
            _word_items(word, items, "List Number" if ordered else "List Bullet", 1)
        case Speech(speaker, text):
            word.add_paragraph(speaker)
            word.add_paragraph(text)
        case Table(names, rows):
            table = word.add_table(rows=0, cols=len(names))
            for row in (names, *rows):
                for cell, text in zip(table.add_row().cells, row, strict=True):
                    cell.text = text
            for cell in table.rows[0].cells:
                cell.paragraphs[0].runs[0].bold = True


def _word_items(word: object, items: list[Item], style: str, level: int) -> None:
    for item in items:
        word.add_paragraph(item.text, style=style if level == 1 else f"{style} {level}")
        _word_items(word, item.inner, style, level + 1)


def refer_to_note(paragraph: object, number: int, kind: str = "footnote") -> None:
    """Put a note's mark at the end of a Word paragraph."""
    paragraph._p.append(parse_xml(f"<w:r {nsdecls('w')}><w:{kind}Reference w:id='{number}'/></w:r>"))


def add_notes(word: object, notes: list[str], kind: str = "footnote") -> None:
    """Give a Word file the part with its foot- or endnotes, numbered from 1."""
    if not notes:
        return
    texts = "".join(
        f"<w:{kind} w:id='{at}'><w:p><w:r><w:{kind}Ref/></w:r>"
        f"<w:r><w:t xml:space='preserve'> {escape(text)}</w:t></w:r></w:p></w:{kind}>"
        for at, text in enumerate(notes, 1)
    )
    blob = f"<w:{kind}s {nsdecls('w', 'r')}>{texts}</w:{kind}s>".encode()
    content_type = f"application/vnd.openxmlformats-officedocument.wordprocessingml.{kind}s+xml"
    part = Part(PackURI(f"/word/{kind}s.xml"), content_type, blob, word.part.package)
    word.part.relate_to(part, getattr(RELATIONSHIP_TYPE, f"{kind.upper()}S"))


# --- PowerPoint -------------------------------------------------------------------------------------------------------


def as_slides(report: Report) -> bytes:
    deck = Presentation()
    deck.slides.add_slide(deck.slide_layouts[0]).shapes.title.text = report.title
    for section in report.sections:
        slide = deck.slides.add_slide(deck.slide_layouts[5])
        slide.shapes.title.text = section.heading
        for at, part in enumerate(section.parts):
            _slide_part(slide, part, 2 + at)
    return saved(deck)


def _slide_part(slide: object, part: Part_, row: int) -> None:
    place = (Inches(1), Inches(row), Inches(7), Inches(0.9))
    if isinstance(part, Table):
        table = slide.shapes.add_table(len(part.rows) + 1, len(part.names), *place).table
        for at, texts in enumerate((part.names, *part.rows)):
            for cell, text in zip(table.rows[at].cells, texts, strict=True):
                cell.text = text
        return
    lines: list[tuple[str, int]] = []
    match part:
        case Paragraph(text, note):
            lines.append((text, 0))
            if note:
                frame = slide.notes_slide.notes_text_frame
                frame.text = f"{frame.text}\n{note}".strip()
        case Speech(speaker, text):
            lines += [(speaker, 0), (text, 0)]
        case Listing(lead, items, _):
            lines += [(lead, 0), *_slide_items(items, 1)]
    frame = slide.shapes.add_textbox(*place).text_frame
    for at, (text, level) in enumerate(lines):
        made = frame.paragraphs[0] if at == 0 else frame.add_paragraph()
        made.text = text
        if level:
            set_bullet(made)
            made.level = level - 1


def _slide_items(items: list[Item], level: int) -> Iterator[tuple[str, int]]:
    for item in items:
        yield item.text, level
        yield from _slide_items(item.inner, level + 1)


def set_bullet(paragraph: object) -> None:
    """Give a paragraph of a slide a bullet of its own."""
    properties = paragraph._p.get_or_add_pPr()
    name = "{http://schemas.openxmlformats.org/drawingml/2006/main}buChar"
    properties.insert(0, properties.makeelement(name, {"char": "•"}))


def saved(file: object) -> bytes:
    """Return a Word or PowerPoint file's bytes."""
    buffer = io.BytesIO()
    file.save(buffer)
    return buffer.getvalue()
