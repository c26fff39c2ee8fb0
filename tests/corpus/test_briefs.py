"""The shipped evidence briefs keep the rules of `spreadguide corpus check`, and copy nothing from the seed pages."""

from __future__ import annotations

import re
from functools import lru_cache
from pathlib import Path

import pytest

from spreadguide.ingest.catalogue import split_front_matter
from spreadguide.shelf.body_rules import personal_problems
from spreadguide.shelf.brief import Brief, read_brief
from spreadguide.shelf.checking import brief_problems
from spreadguide.shelf.copying import RUN_WORDS, copied_runs, own_parts, plain_words, titles_of

REPOSITORY = Path(__file__).resolve().parents[2]
CORPUS = REPOSITORY / "corpus"
SEEDS = REPOSITORY.parent / "shared" / "seeds"

MIN_BRIEFS = 40

SPEAKERS = {"Guy Boersma", "Sarah Dew", "Tim Horton"}
"""The people whom the seed pages name in public as authors or speakers, and whom briefs may name."""

FROM_SEEDS = frozenset(
    """advancing-applied-analytics against-the-odds ahsn-figures barriers-to-adoption culture-collective-endeavour
    kings-fund-adoption-and-spread macmillan-adopter-support nhs-confederation-case-studies
    nhs-confederation-roles-and-actions nhs-confederation-three-pillars nhs-innovation-accelerator-round
    prase-process-evaluation scie-growing-innovative-models spread-challenge""".split()
)
"""The briefs whose facts all stand in the seed pages."""


def load_briefs() -> list[Brief]:
    paths = sorted(path for path in CORPUS.rglob("*.md") if path.name != "README.md")
    found = [read_brief(path.read_text(encoding="utf-8"), path.relative_to(CORPUS).as_posix()) for path in paths]
    return [brief for brief in found if brief is not None]


BRIEFS = load_briefs()
each_brief = pytest.mark.parametrize("brief", BRIEFS, ids=lambda brief: brief.path.removesuffix(".md"))
needs_seeds = pytest.mark.skipif(
    not SEEDS.is_dir(), reason="the source pages (../shared/seeds) are not on this machine"
)


@lru_cache(maxsize=1)
def seeds() -> tuple[tuple[str, str], ...]:
    return tuple((path.name, path.read_text(encoding="utf-8")) for path in sorted(SEEDS.glob("*.txt")))


@lru_cache(maxsize=1)
def titles() -> frozenset[str]:
    return frozenset().union(*map(titles_of, BRIEFS))


def copied(text: str, path: str = "a.md") -> list[str]:
    return [problem.what for problem in copied_runs([(path, own_parts(text, titles()))], seeds())]


def test_every_markdown_file_of_the_folder_is_a_brief():
    files = {path.relative_to(CORPUS).as_posix() for path in CORPUS.rglob("*.md")} - {"README.md"}
    assert files == {brief.path for brief in BRIEFS}


def test_there_are_enough_briefs_and_each_has_its_own_title():
    assert len(BRIEFS) >= MIN_BRIEFS
    assert len({brief.front["title"] for brief in BRIEFS}) == len(BRIEFS)


@each_brief
def test_a_brief_has_its_form(brief):
    assert [f"{p.place}: {p.what} {p.cure}" for p in brief_problems(brief) if not p.note] == []


@each_brief
def test_the_catalogue_reads_the_front_matter(brief):
    entry, _, warnings = split_front_matter(brief.text)
    assert warnings == ()
    read = entry.model_dump(mode="json", exclude_defaults=True)
    assert read == dict(brief.front)


def test_the_briefs_from_the_seed_pages_name_only_public_speakers():
    named = {
        problem.what.removesuffix(" is named as a speaker.")
        for brief in BRIEFS
        if Path(brief.path).stem in FROM_SEEDS
        for problem in personal_problems(brief)
        if problem.note
    }
    assert named <= SPEAKERS


@needs_seeds
@each_brief
def test_no_ten_words_in_a_row_are_shared_with_a_seed_page(brief):
    assert copied(brief.text, brief.path) == []


@needs_seeds
def test_nor_in_the_folders_readme():
    assert copied((CORPUS / "README.md").read_text(encoding="utf-8")) == []


@needs_seeds
@each_brief
def test_a_planted_sentence_of_a_seed_page_is_found(brief):
    """Take a real sentence of the pages, disguise its case and punctuation, and put it inside the brief."""
    lines = (line for _, text in seeds() for line in text.splitlines())
    sentence = next(line for line in lines if RUN_WORDS < len(plain_words(line)) < 3 * RUN_WORDS and line.endswith("."))
    disguised = ", ".join(sentence.upper().split())
    assert copied(brief.text.replace("\n## Sources", f"\n{disguised}\n\n## Sources"))


@needs_seeds
def test_every_number_of_a_brief_from_the_seed_pages_stands_in_them():
    """Numbers in digits are exact; the pages' addresses are not part of their text."""
    number = re.compile(r"£?\d[\d.,]*%?")
    pages = " ".join(text for _, text in seeds()) + (SEEDS / "README.md").read_text(encoding="utf-8")
    known = {found.strip(".,") for found in number.findall(pages)}
    briefs = [brief for brief in BRIEFS if Path(brief.path).stem in FROM_SEEDS]
    assert len(briefs) == len(FROM_SEEDS)
    for brief in briefs:
        running = "\n".join(line.text for line in brief.running())
        assert {found.strip(".,") for found in number.findall(running)} <= known, brief.path
