"""The shipped evidence briefs: their form, their own wording, and the numbers and names they carry."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from spreadguide.ingest.catalogue import split_front_matter

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "corpus"
SEEDS = REPOSITORY.parent / "shared" / "seeds"

MIN_BRIEFS = 10
MIN_WORDS, MAX_WORDS = 200, 600
MAX_SENTENCE_WORDS = 27
RUN = 10
"""So many words in a row shared with a source count as copying."""

REQUIRED = {"title", "publisher", "licence", "kind", "audience", "pillars", "setting", "limits"}
OPTIONAL = {"authors", "published", "year", "url", "commissioner"}
KINDS = {"evaluation", "case study", "survey", "guidance", "opinion", "programme", "press release", "news"}
AUDIENCES = {"innovator", "adopter team", "system decision-maker"}
PILLARS = {"Understand", "Engage", "Future-proof"}

TITLES = (
    "Against the Odds: Successfully scaling innovation in the NHS",
    "Adoption and spread of innovation in the NHS - A King's Fund report",
    "Adoption and spread of innovation in the NHS",
    "Growing innovative models of health, care and support for adults",
    "Exploring how ward staff engage with the implementation of a patient safety intervention: "
    "a UK-based qualitative process evaluation",
    "NHS long-term plan must commit dedicated investment to help the NHS spread innovation more effectively",
    "The Spread Challenge: How to support the successful uptake of innovations and improvements in health care",
    "Scaling innovation within healthcare systems: practical considerations",
)
"""Titles of reports and references: a brief names its sources in full, so these words are not counted as copied."""

SPEAKERS = {"Guy Boersma", "Sarah Dew", "Tim Horton"}
"""The people whom the source pages name in public as authors or speakers, and whom the briefs may name."""

AUTHORS = {"Sarah Dew", "Sheard, L. et al."}
ORGANISATIONS = {"Health Foundation", "Innovation Unit", "National Health Executive", "NHS"}
SPEECH = "says|said|writes|wrote|argues|notes|warns"
SPOKEN_BY = re.compile(
    rf"\b(?:by|[Aa]ccording to) ((?:[A-Z][\w'-]+ )?[A-Z][\w'-]+ [A-Z][\w'-]+)|"
    rf"\b([A-Z][\w'-]+ [A-Z][\w'-]+) (?:{SPEECH})\b|\b(?:{SPEECH}) ([A-Z][\w'-]+ [A-Z][\w'-]+)"
)
PERSONAL = {
    "e-mail address": re.compile(r"[\w.+-]+@[\w-]+\.\w+"),
    "telephone number": re.compile(r"(?<!\d)(?:\+44|0)(?:[ -]?\d){9,10}(?!\d)"),
    "NHS number": re.compile(r"(?<!\d)\d{3}[ -]?\d{3}[ -]?\d{4}(?!\d)"),
    "postcode": re.compile(r"\b[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}\b"),
}
SOURCE_LINE = re.compile(
    r"- Title: (?P<title>.+)\. Publisher: (?P<publisher>.+?)\. Date: (?P<date>.+?)\. URL: (?P<url>.+)"
)


@dataclass(frozen=True, slots=True)
class Brief:
    """One brief: its file, its front matter, and the Markdown below that."""

    path: Path
    front: Mapping[str, Any]
    body: str

    @property
    def text(self) -> str:
        """All that the brief's author wrote, front matter included."""
        return self.path.read_text(encoding="utf-8")

    @property
    def sources(self) -> list[str]:
        """The lines of the last section."""
        return self.body.partition("\n## Sources\n")[2].strip().splitlines()


def read_brief(path: Path) -> Brief:
    _, front, body = path.read_text(encoding="utf-8").split("---\n", 2)
    return Brief(path, yaml.safe_load(front), body.strip())


BRIEFS = [read_brief(path) for path in sorted(CORPUS.rglob("*.md")) if path.name != "README.md"]
each_brief = pytest.mark.parametrize("brief", BRIEFS, ids=lambda brief: brief.path.stem)
needs_seeds = pytest.mark.skipif(
    not SEEDS.is_dir(), reason="the source pages (../shared/seeds) are not on this machine"
)


def plain_words(text: str) -> list[str]:
    """Case-folded words, punctuation removed."""
    return re.findall(r"\w+", re.sub("['’‘]", "", text.casefold()))


@lru_cache(maxsize=1)
def seed_text() -> str:
    return "\n".join(path.read_text(encoding="utf-8") for path in sorted(SEEDS.glob("*.txt")))


def shared_runs(text: str, source: str, length: int = RUN) -> list[str]:
    """Runs of ``length`` words that stand in both texts; report titles in ``text`` are passed over."""
    spaced = f" {' '.join(plain_words(text))} "
    for title in sorted(TITLES, key=len, reverse=True):
        spaced = spaced.replace(f" {' '.join(plain_words(title))} ", " | ")
    of_source = plain_words(source)
    known = {tuple(of_source[i : i + length]) for i in range(len(of_source) - length + 1)}
    found = []
    for part in spaced.split("|"):
        words = part.split()
        runs = (tuple(words[i : i + length]) for i in range(len(words) - length + 1))
        found.extend(" ".join(run) for run in runs if run in known)
    return found


def front_problems(front: Mapping[str, Any]) -> list[str]:
    """What is wrong with a brief's front matter, in words."""
    found = [f"missing: {key}" for key in sorted(REQUIRED - front.keys())]
    found += [f"not a key: {key}" for key in sorted(front.keys() - REQUIRED - OPTIONAL)]
    lists = {"audience": AUDIENCES, "pillars": PILLARS}
    for key, value in front.items():
        if key in {"audience", "pillars", "authors"}:
            fits = isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)
            fits = fits and set(value) <= lists.get(key, set(value)) and len(set(value)) == len(value)
        elif key == "year":
            fits = isinstance(value, int) and str(value) in str(front.get("published"))
        else:
            fits = isinstance(value, str) and bool(value.strip())
        if not fits:
            found.append(f"bad value: {key}")
    if front.get("kind") not in KINDS:
        found.append("bad value: kind")
    if front.get("licence") != "Apache-2.0":
        found.append("bad value: licence")
    if not str(front.get("url", "https://")).startswith("https://"):
        found.append("bad value: url")
    return found


def personal_details(text: str) -> list[str]:
    """Contact details and numbers of persons, and speakers whom the sources do not name."""
    found = [name for name, pattern in PERSONAL.items() if pattern.search(text)]
    spoken = (next(filter(None, groups)) for groups in SPOKEN_BY.findall(text))
    allowed = SPEAKERS | ORGANISATIONS
    return found + [name for name in spoken if not any(part in name for part in allowed)]


def test_there_are_enough_briefs_and_each_has_its_own_title():
    assert len(BRIEFS) >= MIN_BRIEFS
    assert len({brief.front["title"] for brief in BRIEFS}) == len(BRIEFS)


@each_brief
def test_front_matter_is_complete(brief):
    assert front_problems(brief.front) == []
    assert set(brief.front.get("authors", [])) <= AUTHORS
    assert brief.front["limits"].endswith(".")


@each_brief
def test_the_catalogue_reads_the_front_matter(brief):
    entry, body, warnings = split_front_matter(brief.text)
    assert warnings == ()
    assert body.strip() == brief.body
    read = entry.model_dump(exclude_defaults=True)
    assert {key: list(value) if key == "authors" else value for key, value in read.items()} == {
        key: value for key, value in brief.front.items() if key in type(entry).model_fields
    }


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"limits": None}, "bad value: limits"),
        ({"kind": "rumour"}, "bad value: kind"),
        ({"licence": "MIT"}, "bad value: licence"),
        ({"audience": ["patient"]}, "bad value: audience"),
        ({"pillars": []}, "bad value: pillars"),
        ({"pillars": "Engage"}, "bad value: pillars"),
        ({"year": "2018", "published": "May 2018"}, "bad value: year"),
        ({"year": 2018, "published": "May 2017"}, "bad value: year"),
        ({"url": "www.health.org.uk"}, "bad value: url"),
        ({"stars": 5}, "not a key: stars"),
    ],
)
def test_the_front_matter_check_can_fail(change, problem):
    assert problem in front_problems({**BRIEFS[0].front, **change})


@pytest.mark.parametrize("key", sorted(REQUIRED))
def test_a_missing_key_is_found(key):
    front = {name: value for name, value in BRIEFS[0].front.items() if name != key}
    assert f"missing: {key}" in front_problems(front)


@each_brief
def test_length(brief):
    assert MIN_WORDS <= sum(any(map(str.isalnum, word)) for word in brief.body.split()) <= MAX_WORDS


@each_brief
def test_layout(brief):
    lines = [line for line in brief.body.splitlines() if line.strip()]
    assert lines[0] == f"# {brief.front['title']}"
    headings = [line for line in lines if line.startswith("#")]
    assert all(line.startswith("## ") for line in headings[1:])
    assert headings[-1] == "## Sources"
    assert "](" not in brief.body, "no links in running text"
    above = pairwise(lines)
    first_items = [before for before, line in above if line.startswith("- ") and not before.startswith("- ")]
    assert all(before.endswith(":") or before == "## Sources" for before in first_items)


@each_brief
def test_sentences_are_short_and_name_their_subject(brief):
    running = [line for line in brief.body.partition("\n## Sources\n")[0].splitlines() if line and line[0] not in "#-"]
    for sentence in (part for line in running for part in re.split(r"(?<=[.?:]) (?=[A-Z])", line)):
        assert len(sentence.split()) <= MAX_SENTENCE_WORDS, sentence
        assert not re.match(r"(It|They|He|She|This|These|Those|That) (?!brief )", sentence), sentence


@each_brief
def test_sources_name_title_publisher_date_and_url(brief):
    found = [SOURCE_LINE.fullmatch(line) for line in brief.sources]
    assert found
    assert all(found), brief.sources
    parts = [match.groupdict() for match in found if match]
    assert all(part["url"] == "not given." or re.fullmatch(r"https://\S+[^.\s]", part["url"]) for part in parts)
    assert any(part["url"].startswith("https://") for part in parts)
    if "url" in brief.front:
        assert brief.front["url"] in {part["url"] for part in parts}
    if "published" in brief.front:
        assert brief.front["published"] in {part["date"] for part in parts}
    publishers = " ".join(part["publisher"] for part in parts).casefold()
    assert all(name.strip().casefold() in publishers for name in brief.front["publisher"].split(";"))


@each_brief
def test_no_personal_details(brief):
    assert personal_details(brief.text) == []


@pytest.mark.parametrize(
    "planted",
    [
        "Write to a.person@example.org for more.",
        "Call 020 7946 0000 for more.",
        "The patient's number is 943 476 5919.",
        "The office is at SW1A 1AA.",
        "Funding was too short, says Ada Lovelace.",
        "Funding was too short, according to Ada Lovelace.",
        "Ada Lovelace argues that funding was too short.",
    ],
)
def test_the_check_for_personal_details_can_fail(planted):
    assert personal_details(planted)


@needs_seeds
@pytest.mark.parametrize("path", sorted(CORPUS.rglob("*.md")), ids=lambda path: path.stem)
def test_no_ten_words_in_a_row_are_shared_with_a_source(path):
    assert shared_runs(path.read_text(encoding="utf-8"), seed_text()) == []


@needs_seeds
@each_brief
def test_a_planted_source_sentence_is_found(brief):
    """Take a real sentence of the pages, disguise its case and punctuation, and put it inside the brief."""
    copied = next(line for line in seed_text().splitlines() if RUN < len(line.split()) < 3 * RUN and line.endswith("."))
    disguised = ", ".join(copied.upper().split())
    assert not shared_runs(brief.text, seed_text())
    assert shared_runs(brief.text.replace("\n## Sources", f"\n{disguised}\n\n## Sources"), seed_text())


def test_the_wording_check_knows_nine_words_from_ten_and_passes_titles_over():
    source = f"One two three four five six seven eight nine ten eleven. {TITLES[3]} is a report on what works."
    assert shared_runs("So: TWO, three four five six seven eight nine ten eleven!", source)
    assert not shared_runs("Two three four five six seven eight nine ten and so on.", source)
    assert not shared_runs(f"We read {TITLES[3]}, with care.", source)
    assert shared_runs(f"We read {TITLES[3].lower()[8:]}, with care.", f"a {TITLES[3][8:]} with care")


@needs_seeds
@each_brief
def test_every_number_stands_in_the_sources(brief):
    """Numbers in digits are exact; the page addresses are not part of the sources' text."""
    known = set(re.findall(r"[£]?\d[\d.,]*%?", seed_text() + (SEEDS / "README.md").read_text(encoding="utf-8")))
    known = {number.strip(".,") for number in known}
    text = re.sub(r"https://\S+|licence: \S+", "", brief.text)
    written = {number.strip(".,") for number in re.findall(r"[£]?\d[\d.,]*%?", text)}
    assert written <= known
