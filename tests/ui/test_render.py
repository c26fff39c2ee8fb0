"""Answers become HTML in which foreign text is only ever text, and in which every marker leads somewhere real."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_api import HOSTILE, PASSAGE_START, QUOTE, TEXT, answer, citation, cited, claim, hit, passage_out

from spreadguide.api.schemas import Problem, Readiness
from spreadguide_ui import render
from spreadguide_ui.markup import highlighted, passage_href, plain, prose, safe
from spreadguide_ui.passage_page import is_web_address, parse_spans, passage_html, problem_html

ALLOWED_TAGS = {
    *("a", "article", "blockquote", "body", "dd", "details", "div", "dl", "dt", "figcaption", "figure", "h1", "h2"),
    *("h3", "head", "header", "html", "li", "link", "main", "mark", "meta", "p", "span", "strong", "summary"),
    *("title", "ul"),
}


class Tags(HTMLParser):
    """Collects the tags, the link targets and the visible text of a piece of HTML."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.text += data

    @property
    def links(self) -> list[str]:
        return [value or "" for name, value in self.attributes if name == "href"]


def html_of(given_answer: object, **passages: object) -> str:
    return render.joined(render.answer_blocks(given_answer, passages))  # type: ignore[arg-type]


def assert_harmless(html: str) -> None:
    seen = Tags(html)
    assert set(seen.tags) <= ALLOWED_TAGS
    assert not [name for name, _ in seen.attributes if name.startswith("on") or name in {"src", "style"}]
    assert "<script>" in seen.text  # the hostile text is shown, as text


def test_hostile_text_stays_text_in_every_place_of_an_answer() -> None:
    hostile = answer(
        HOSTILE,
        standalone_question=f"{HOSTILE}!",
        claims=[claim(f"{HOSTILE} [1]"), claim(HOSTILE, "quoted")],
        sources=[cited(title=HOSTILE, publisher=HOSTILE, heading=HOSTILE, passage_id='p1"><b>')],
        missing=HOSTILE,
        warnings=[HOSTILE],
    )
    html = html_of(hostile)
    assert_harmless(html)
    assert all(link.startswith("/passage/p1") for link in Tags(html).links)


@pytest.mark.parametrize("status", ["not_covered", "declined", "answered"])
def test_hostile_text_without_claims_stays_text_and_gets_no_link(status: str) -> None:
    html = html_of(answer(text=f"{HOSTILE} [1]", status=status, claims=[], sources=[cited()]))
    assert_harmless(html)
    assert Tags(html).links == []


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "1 second"), (1.4, "1 second"), (14.6, "15 seconds"), (89.4, "89 seconds"), (90.0, "2 minutes")],
)
def test_a_wait_is_told_in_whole_seconds_or_minutes(seconds: float, text: str) -> None:
    assert render.wait_text(seconds) == text


def test_hostile_text_in_progress_problem_and_banner_stays_text() -> None:
    assert_harmless(render.question_block(HOSTILE))
    assert_harmless(render.writing_block([hit(HOSTILE)], writing=True))
    assert_harmless(render.problem_block(Problem(title=HOSTILE, status=500, detail=HOSTILE, hint=HOSTILE)))
    assert_harmless(
        render.banner_block(Readiness(ready=False, index="missing", generator="off", detail=HOSTILE)),
    )


def test_hostile_text_on_the_passage_page_stays_text() -> None:
    passage = passage_out(title=HOSTILE, publisher=HOSTILE, path=HOSTILE, url=f"https://example.org/{HOSTILE}")
    passage.heading = HOSTILE
    passage.text = HOSTILE
    html = passage_html(passage, [(PASSAGE_START + 3, PASSAGE_START + 9)])
    assert_harmless(html)
    assert_harmless(problem_html(Problem(title="x", status=404, detail=HOSTILE, hint=HOSTILE)))


@given(st.text(max_size=200))
def test_any_text_survives_escaping_unchanged_and_on_one_line(text: str) -> None:
    html = safe(text)
    assert "\n" not in html
    assert "\r" not in html
    assert not re.search("[<>\"']", html)
    seen = Tags(f"<p>{html}</p>")
    assert seen.tags == ["p"]


@given(st.text(max_size=120), st.lists(st.tuples(st.integers(0, 140), st.integers(0, 140)), max_size=4))
def test_highlighting_never_changes_the_text(text: str, spans: list[tuple[int, int]]) -> None:
    html = highlighted(text, 10, spans)
    assert html.replace("<mark>", "").replace("</mark>", "") == safe(text)
    assert html.count("<mark>") == html.count("</mark>")


def test_the_quote_and_only_the_quote_is_marked() -> None:
    start = PASSAGE_START + TEXT.index(QUOTE)
    html = highlighted(TEXT, PASSAGE_START, [(start, start + len(QUOTE))])
    assert re.findall("<mark>(.*?)</mark>", html) == [QUOTE]


def test_a_marker_links_to_the_exact_place_of_its_own_claim() -> None:
    other = citation(1, "A plan for later years")
    blocks = [render.claim_block(claim(), [cited()]), render.claim_block(claim(citations=[other]), [cited()])]
    first, second = (Tags(block).links for block in blocks)
    assert first == [f"/passage/p1?start={citation().start}&end={citation().end}#quote"]
    assert second == [f"/passage/p1?start={other.start}&end={other.end}#quote"]


def test_a_marker_has_a_name_that_says_which_source_it_is() -> None:
    assert "[1] Source 1: Supporting adopters (opens a new tab)" in Tags(render.claim_block(claim(), [cited()])).text


def test_a_marker_that_stands_for_nothing_stays_plain_text() -> None:
    seen = Tags(render.claim_block(claim("Funding lasts three years. [1][7]"), [cited()]))
    assert len(seen.links) == 1
    assert "[7]" in seen.text


def test_a_citation_without_an_entry_among_the_sources_gets_no_link() -> None:
    assert Tags(render.claim_block(claim(), [cited(2)])).links == []


def test_a_claim_whose_text_names_no_marker_still_gets_its_links() -> None:
    html = render.claim_block(claim("Funding lasts up to three years."), [cited()])
    assert len(Tags(html).links) == 1
    assert html.index("three years.") < html.index("<a ") < html.index("</p>")


def test_several_pieces_behind_one_marker_are_all_marked_on_the_page_it_opens() -> None:
    cites = [citation(), citation(1, "A plan for later years")]
    (link,) = Tags(render.claim_block(claim(citations=cites), [cited()])).links
    assert link.count("start=") == link.count("end=") == 2


def test_quotes_look_like_quotes_and_checked_sentences_say_so() -> None:
    quoted = render.claim_block(claim(QUOTE, "quoted"), [cited()])
    assert "From the report:" in quoted
    assert "<blockquote>" in quoted
    assert "Checked against the report" not in quoted
    supported = render.claim_block(claim(), [cited()])
    assert "Checked against the report" in supported
    assert "<blockquote>" not in supported


def test_a_withheld_claim_is_nowhere() -> None:
    withheld = claim("Nobody said this. [1]", "unsupported", citations=[citation(1, "A plan for later years")])
    html = html_of(answer(claims=[claim(), withheld]), p1=passage_out())
    assert "Nobody said this" not in html
    assert re.findall("<mark>(.*?)</mark>", html) == [QUOTE]


def test_sources_carry_title_publisher_year_page_heading_and_the_quote_in_context() -> None:
    seen = Tags(html_of(answer(), p1=passage_out()))
    for part in ("[1] Supporting adopters", "Example Trust · 2018 · page 4 · Programme › Funding", TEXT):
        assert part in seen.text
    assert passage_out().before is not None
    assert passage_out().before.text in seen.text  # type: ignore[union-attr]


def test_a_source_without_its_passage_still_shows_the_bare_quote() -> None:
    assert f"<mark>{QUOTE}</mark>" in html_of(answer())


def test_partial_answers_say_what_is_missing() -> None:
    seen = Tags(html_of(answer(status="partial", missing="The cost is not given.")))
    assert "What the reports do not sayThe cost is not given." in seen.text
    assert "What the reports do not say" not in Tags(html_of(answer())).text


@pytest.mark.parametrize(("status", "title"), list(render.STATUS_TITLES.items()))
def test_uncovered_and_declined_questions_are_answered_in_plain_words(status: str, title: str) -> None:
    seen = Tags(html_of(answer(status=status, text="Nothing on this.", claims=[], sources=[])))
    assert f"{title}Nothing on this." in seen.text
    assert "Sources" not in seen.text
    assert "Checked" not in seen.text


def test_the_searched_question_is_shown_only_when_it_differs() -> None:
    assert "Searched for: For how long is it funded?" in html_of(
        answer(standalone_question="For how long is it funded?")
    )
    assert "Searched for" not in html_of(answer("How long?", standalone_question="how long? "))


def test_warnings_are_shown() -> None:
    assert "Only quotes." in html_of(answer(warnings=["Only quotes."]))


def test_every_block_is_one_line_so_that_no_text_can_end_it() -> None:
    text = "First line.\n\n# Not a heading\r\n\r\n- item [1]\u2028after"
    blocks = render.answer_blocks(
        answer(text, claims=[claim(text)], missing=text, warnings=[text], sources=[cited(title=text)]),
        {"p1": passage_out(title=text)},
    )
    assert all("\n" not in block and "\r" not in block for block in blocks)
    assert all(block.startswith("<") for block in blocks)


def test_lists_and_bold_words_are_rendered() -> None:
    html = prose("The pillars are:\n- **People**\n- Process\n\nDone.", lambda _: None)
    assert html == ("<p>The pillars are:</p><ul><li><strong>People</strong></li><li>Process</li></ul><p>Done.</p>")


def test_progress_names_each_report_once() -> None:
    html = render.writing_block([hit("A"), hit("B"), hit("A")], writing=False)
    assert "Found passages in 2 reports." in html
    assert html.count("<li>") == 2
    assert render.DRAFTING not in html
    html = render.writing_block([hit("A")], writing=True)
    assert "Found passages in 1 report." in html
    assert render.DRAFTING in html


@pytest.mark.parametrize("state", list(render.BANNERS))
def test_the_banner_says_that_only_quotes_are_given(state: str) -> None:
    readiness = Readiness(ready=True, index="ready", generator=state, detail="")  # type: ignore[arg-type]
    assert "word-for-word quotes" in render.banner_block(readiness)


def test_the_banner_is_empty_when_everything_is_ready() -> None:
    assert render.banner_block(Readiness(ready=True, index="ready", generator="ready", detail="")) == ""


def test_history_is_plain_text() -> None:
    assert plain("It lasts three years [1][3]. Then a plan [2].\nMore [1]") == (
        "It lasts three years. Then a plan.\nMore"
    )


@pytest.mark.parametrize(
    ("url", "safe_to_link"),
    [
        ("https://example.org/a?b=c", True),
        ("http://example.org", True),
        ("javascript:alert(1)", False),
        ("data:text/html,x", False),
        ("//example.org", False),
        ("https://", False),
        ("http://[broken", False),
        ("file:///etc/passwd", False),
    ],
)
def test_only_web_addresses_become_links_to_the_original(url: str, *, safe_to_link: bool) -> None:
    assert is_web_address(url) is safe_to_link
    links = Tags(passage_html(passage_out(url=url), [])).links
    assert (url in links) is safe_to_link


def test_offsets_in_an_address_that_make_no_sense_are_left_out() -> None:
    assert parse_spans(["5", "x", "9", "-1", "7"], ["9", "3", "2", "4"]) == [(5, 9)]
    assert "<mark" not in passage_html(passage_out(), [(10**8, 10**9)])


def test_a_passage_id_cannot_leave_its_place_in_the_address() -> None:
    assert passage_href('../v1/"x?y#z') == "/passage/..%2Fv1%2F%22x%3Fy%23z"


def test_a_quoted_list_is_one_quote_with_its_items() -> None:
    claims = [
        claim("There are three pillars:", "quoted", layout="lead"),
        claim("Understand", "quoted", layout="item"),
        claim("Engage", "quoted", layout="item"),
    ]
    blocks = render.claim_blocks(claims, [cited()])
    assert len(blocks) == 1
    assert blocks[0].count("From the report:") == 1
    assert blocks[0].count("<li>") == 2


def test_quotes_that_stand_alone_keep_frames_of_their_own() -> None:
    claims = [claim("One.", "quoted", layout="quote"), claim("Two.", "quoted", layout="quote")]
    assert len(render.claim_blocks(claims, [cited()])) == 2


def test_a_heading_stands_above_what_belongs_to_it() -> None:
    claims = [
        claim("One.", "quoted", layout="quote"),
        claim("Two.", "quoted", layout="quote", section="Engage <b>"),
        claim("Held back.", "unsupported", section="Never"),
        claim("Three.", "quoted", layout="quote", section="Engage <b>"),
    ]
    blocks = render.claim_blocks(claims, [cited()])
    assert len(blocks) == 4
    assert blocks[1] == '<h3 class="sg-section">Engage &lt;b&gt;</h3>'
