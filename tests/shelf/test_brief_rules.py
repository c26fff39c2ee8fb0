"""Every rule for briefs can fail, and a brief in order passes them all."""

from __future__ import annotations

import pytest
from shelf_samples import GOOD_BRIEF

from spreadguide.shelf.body_rules import MAX_WORDS, speakers
from spreadguide.shelf.brief import read_brief
from spreadguide.shelf.checking import brief_problems
from spreadguide.shelf.copying import copied_runs, own_parts, titles_of
from spreadguide.shelf.front_rules import REQUIRED
from spreadguide.shelf.source_rules import named_entries


def found(text: str) -> list[tuple[int | None, str]]:
    brief = read_brief(text, "a.md")
    assert brief is not None
    return [(problem.line, problem.what) for problem in brief_problems(brief) if not problem.note]


def test_a_brief_in_order_has_no_problems():
    assert found(GOOD_BRIEF) == []
    assert found(GOOD_BRIEF.replace("\n", "\r\n")) == []


@pytest.mark.parametrize("text", ["", "# A title\n", "---\ntitle: A\n---\n\n# A\n", "---\ntitle: [\n---\n"])
def test_other_markdown_is_no_brief(text):
    assert read_brief(text, "a.md") is None


@pytest.mark.parametrize("key", REQUIRED)
def test_a_missing_key_is_found(key):
    text = "\n".join(line for line in GOOD_BRIEF.split("\n") if not line.startswith(f"{key}:"))
    assert (1, f"The front matter has no {key}.") in found(text)


@pytest.mark.parametrize(
    ("old", "new", "line", "what"),
    [
        ("kind: evaluation", "kind: rumour", 8, "kind must be trial"),
        ("licence: Apache-2.0", "licence: MIT", 7, "licence must be Apache-2.0"),
        ("[innovator, adopter team]", "[patient]", 9, "audience may hold only"),
        ("[Engage]", "[]", 10, "pillars must be a list"),
        ("[Engage]", "Engage", 10, "pillars must be a list"),
        ("[Engage]", "[Engage, Engage]", 10, "names something twice"),
        ("year: 2024", 'year: "2024"', 5, "year must be a number"),
        ("year: 2024", "year: 2023", 5, "2023 is not the year of the date"),
        ("url: https://example.org", "url: www.example.org", 6, "must begin with https://"),
        ("published: March 2024", "published: 2024", 4, "must stand in quotation marks"),
        ("hubs cost later.", "hubs cost later", 12, "one sentence"),
        ("hubs cost later.", "hubs cost. Nor later.", 12, "one sentence"),
        ("setting: Five", "stars: 5\nsetting: Five", 11, "stars is not a key"),
        ("setting: Five regions of an example country", "setting:", 11, "setting must be text"),
        ("# Rapid hubs: what five", "# Rapid hubs: what six", 15, "does not begin with the title"),
        ("## How long", "### How long", 17, "headings must begin with ##"),
        ("## What can this evidence not tell us?", "## What is missing?", None, "not those of a brief"),
        ("## Sources", "## References", None, "not those of a brief"),
        ("three needs:", "three needs.", 23, "Nothing introduces this list"),
        ("a named adviser", "a [named](https://example.org) adviser", 24, "a link in the text"),
        ("The rapid hubs evaluation does not say", "It does not say", 32, "does not name what it is about"),
        ("does not say what", f"does not say {'very ' * 20}what", 32, "has 33 words"),
        ("- a named adviser", "- a.person@example.org", 24, "an e-mail address"),
        ("- a named adviser", "- call 020 7946 0000", 24, "a telephone number"),
        ("- a named adviser", "- 943 476 5919", 24, "a number like an NHS number"),
        ("- a named adviser", "- SW1A 1AA", 24, "a postcode"),
        ("two years.\n\nSource: Rapid", "two years.\n\nSauce: Rapid", 30, "does not say where its facts come from"),
        ("page 7.\n\nSource: Hubs", "page 7.\nSource: Hubs", 27, "not a paragraph of its own"),
        ("page 7.\n", "page 7.\n\nHubs ended in five regions.\n", 26, "in the middle of a section"),
        ("Source: Hubs in short (Example Network, no date), opening", "Source: Hubs in short, opening", 28, "form"),
        ("Source: Hubs in short", "Source: Hubs in brief", 28, "No line of Sources"),
        ("Source: Hubs in short (Example Network", "Source: Hubs in short (Example Board", 28, "No line of Sources"),
        ("Board, 2024), section", "Board, 2023), section", 26, "No line of Sources"),
        ("(Example Network, no date)", "(Example Network, 2020)", 28, "No line of Sources"),
        ("Date: March 2024. ", "", 38, "The source is not complete"),
        ("URL: not given.", "URL: example.org", 39, "URL is not one"),
        ("URL: https://example.org/rapid-hubs", "URL: not given.", 38, "No source has a URL"),
        ("URL: https://example.org/rapid-hubs", "URL: https://example.org/other", 6, "url of the front matter"),
        ("published: March 2024", "published: May 2024", 4, "No source has the date"),
        ("publisher: Example Health Board", "publisher: The Hub", 3, "No source has the publisher"),
    ],
)  # fmt: skip
def test_a_broken_rule_is_found_at_its_line(old, new, line, what):
    assert old in GOOD_BRIEF
    problems = found(GOOD_BRIEF.replace(old, new, 1))
    assert any(what in said and line in (None, number) for number, said in problems), problems


def test_a_source_that_is_listed_twice_is_found():
    last = GOOD_BRIEF.rstrip().rsplit("\n", 1)[1]
    assert [what for _, what in found(f"{GOOD_BRIEF}{last}\n")] == ["The source is listed twice."]


def test_length_is_counted_both_ways():
    short = GOOD_BRIEF.replace(" The rapid hubs evaluation reports on five regions", " Hubs", 13)
    assert any("must have 300 to 900" in what for _, what in found(short[:900] + short[-900:]))
    longer = GOOD_BRIEF.replace("The rapid hubs evaluation found", f"{'Hubs end. ' * MAX_WORDS}The evaluation found")
    assert any("must have 300 to 900" in what for _, what in found(longer))


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Funding was too short, says Ada Lovelace.", ["Ada Lovelace"]),
        ("Funding was too short, according to Ada Lovelace.", ["Ada Lovelace"]),
        ("Ada Lovelace argues that funding was too short.", ["Ada Lovelace"]),
        ("Funding was too short, according to Health Innovation Wessex.", []),
        ("According to the Nuffield Trust, funding was too short.", []),
        ("NHS England says that funding was too short.", []),
        ("Source: A talk by Ada Lovelace (The Hub, 2020), page 1.", []),
    ],
)
def test_people_who_speak_are_told_from_bodies(text, names):
    assert speakers(text) == names


def test_a_source_may_be_named_by_its_start_and_the_publisher_by_its_name():
    brief = read_brief(GOOD_BRIEF, "a.md")
    assert brief is not None
    for title, publisher, year in [
        ("Rapid diagnosis hubs", "Example Health Board", "2024"),
        ("Rapid diagnosis hubs: what we learned", "Example Health Board", "March 2024"),
        ("Hubs in short: why?", "the Example Network", "no date"),
    ]:
        assert len(named_entries(title, publisher, year, brief.sources)) == 1
    assert not named_entries("Rapid diagnosis hubs", "Example Health Board", "no date", brief.sources)


SOURCE_TEXT = (
    "One two three four five six seven eight nine ten eleven. We read Rapid diagnosis hubs: what we learned today."
)


def runs(text, titles=()):
    return [problem.what for problem in copied_runs([("a.md", own_parts(text, titles))], [("s.txt", SOURCE_TEXT)])]


def test_nine_words_are_not_ten():
    assert runs("So: TWO, three four five six seven eight nine ten eleven!")
    assert not runs("Two three four five six seven eight nine ten and so on.")


def test_one_stretch_is_one_problem():
    (what,) = runs("one two three four five six seven eight nine ten eleven")
    assert what.startswith("11 words in a row stand in s.txt")


def test_a_run_over_a_line_end_counts():
    assert runs("one two three four five six\n\nseven eight nine ten eleven")


def test_titles_and_references_are_passed_over_and_nothing_else():
    brief = read_brief(GOOD_BRIEF, "a.md")
    assert brief is not None
    titles = titles_of(brief)
    sentence = "eleven we read rapid diagnosis hubs what we learned today"
    assert runs(f"ten {sentence}")
    assert not runs(f"ten {sentence}", titles)
    assert not runs(f"Source: nine ten {sentence} (The Hub, 2020), page 1.")
    assert not runs(f"- Title: nine ten {sentence}. Publisher: The Hub. Date: 2020. URL: not given.")
    assert runs("three four five six seven eight nine ten eleven we read rapid diagnosis hubs", titles), (
        "words beside it"
    )


def test_the_longest_title_counts():
    assert not runs(
        "nine ten eleven we read rapid diagnosis hubs what we learned today", {"Rapid", "Rapid diagnosis hubs"}
    )
