"""HTML: the main content, and nothing of what surrounds it."""

from __future__ import annotations

from pathlib import Path

import pytest
from ingest_samples import assert_exact, block_with, lead_in_of, text_of, texts
from selectolax.lexbor import LexborHTMLParser

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest import read_document
from spreadguide.types import Document

PAGES = Path(__file__).with_name("pages")
UNMARKED_AUTHORS = {"Ana Lee and Tom Webb"}
"""Names without a "by" are taken for a part of the page's head; that page's meta elements name them."""

LINES = "p, li, h1, h2, h3, td, th, a, label, summary, caption, dt, dd, b"

PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>Spread | The Hub</title>
<meta property="og:site_name" content="The Hub"><meta name="author" content="Jane Smith">
<meta property="article:published_time" content="2021-05-01T08:00:00Z">
<link rel="canonical" href="https://example.org/spread"><style>p {color: red}</style></head>
<body class="has-sidebar"><div id="cookie-banner"><p>We use cookies on this site.</p></div>
<header><a href="/">The Hub</a></header><nav><ul><li>Home</li><li>About</li></ul></nav>
<main><h1>Spread of <em>innovation</em></h1><script>alert("x")</script>
<p>First paragraph with a <a href="#">link</a>,<br>after a break.</p>
<div>Loose text <span>in a span</span></div>
<p>The keys are:</p><ul><li><p>time</p><p>which is short</p></li><li>money:<ul><li>old</li><li>new</li></ul></li></ul>
<table><thead><tr><th>Trust</th><th>Wards</th></tr></thead><tr><td>Leeds</td><td>17</td></tr></table>
<p style="display:none">Hidden words</p><p hidden>Hidden too</p><!-- a comment -->
<div class="related-content"><a>Another story</a></div></main>
<aside>Side bar</aside><footer>Footer words</footer></body></html>"""


def test_main_content_only() -> None:
    document = read_document(PAGE.encode(), "a.html")
    assert_exact(document)
    assert [(block.kind.value, text_of(document, block)) for block in document.blocks] == [
        ("heading", "Spread of innovation"),
        ("metadata", "Publisher: The Hub"),
        ("metadata", "Authors: Jane Smith"),
        ("metadata", "Published: 2021-05-01"),
        ("metadata", "Source: https://example.org/spread"),
        ("paragraph", "First paragraph with a link, after a break."),
        ("paragraph", "Loose text in a span"),
        ("paragraph", "The keys are:"),
        ("list_item", "time"),
        ("paragraph", "which is short"),
        ("list_item", "money:"),
        ("list_item", "old"),
        ("list_item", "new"),
        ("table_row", "Trust: Leeds; Wards: 17"),
    ]
    assert document.metadata.year == 2021


def test_lists_keep_their_lead_ins() -> None:
    document = read_document(PAGE.encode(), "a.htm")
    assert lead_in_of(document, block_with(document, "time")) == "The keys are:"
    assert lead_in_of(document, block_with(document, "which is short")) == "The keys are:"
    assert lead_in_of(document, block_with(document, "new")) == "money:"


def test_no_script_ever_reaches_the_text() -> None:
    page = (
        "<p>Before</p><script>steal()</script><SCRIPT SRC=x>more()</SCRIPT><svg><script>third()</script></svg>"
        "<noscript>fourth()</noscript><template><p>fifth()</p></template><style>sixth()</style>"
        "<p onclick='seventh()'>After</p><iframe srcdoc='<p>eighth()</p>'>ninth()</iframe>"
    )
    assert texts(read_document(page.encode(), "a.html")) == ["Before", "After"]


def test_a_declared_encoding_is_used() -> None:
    page = '<meta charset="windows-1252"><p>It cost £5 – naïve.</p>'
    assert texts(read_document(page.encode("cp1252"), "a.html")) == ["It cost £5 – naïve."]


def test_content_in_a_wrapper_with_a_noisy_name_is_kept() -> None:
    document = read_document(b'<div class="sidebar-layout"><p>All of the content stands here.</p></div>', "a.html")
    assert texts(document) == ["All of the content stands here."]


def test_endless_nesting_is_read() -> None:
    page = "<div>" * 5000 + "<p>Deep words</p>" + "</div>" * 5000
    assert texts(read_document(page.encode(), "a.html")) == ["Deep words"]


def test_an_xml_bomb_is_only_text() -> None:
    page = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]><p>Words &b;</p>'
    assert texts(read_document(page.encode(), "a.html"))[-1].endswith("Words &b;")


def test_tables_within_tables_are_read_once() -> None:
    page = "<p>Above</p>"
    inner = "<table><tr><th>Trust</th><th>Wards</th></tr><tr><td>Leeds<script>x()</script></td><td>17</td></tr></table>"
    for _ in range(30):
        inner = f"<table><tr><td>{inner}</td></tr></table>"
    assert texts(read_document((page + inner).encode(), "a.html")) == ["Above", "Trust: Leeds; Wards: 17"]


def page(name: str) -> Document:
    document = read_document((PAGES / name).read_bytes(), name)
    assert_exact(document)
    return document


def lines(root: object, wanted: str) -> list[str]:
    """The words of each line of a page, one text for each element that holds no other line."""
    nodes = [node for node in root.css(wanted) if not node.css("p, li, td, th, h3")[1:]]
    return [text for node in nodes if (text := " ".join(node.text().split()))]


@pytest.mark.parametrize("name", sorted(path.name for path in PAGES.glob("*.html")))
def test_nothing_of_what_surrounds_the_content_is_read(name: str) -> None:
    """Whatever a sample page marks as furniture leaves no line, and every line of the rest is read."""
    tree = LexborHTMLParser((PAGES / name).read_text())
    tree.strip_tags(["script", "style"])
    furniture = {text for part in tree.css("[data-furniture]") for text in lines(part, LINES) if len(text.split()) > 3}
    assert len(furniture) > 4
    for part in tree.css("[data-furniture]"):
        part.decompose()
    content = " ".join(tree.body.text().split())
    found = set(texts(page(name)))
    assert {text for text in furniture if text in found and text not in content} == set()
    kept = lines(tree.body, "p, h1, h2, dd, summary")
    whole = " ".join(" ".join(found).split())
    plain = [
        text for text in kept if "↩" not in text and not any(sign in text for sign in "[¹²") and len(text.split()) > 3
    ]
    lost = [text for text in plain if text not in whole and not _has_marks(tree, text)]
    assert set(lost) <= UNMARKED_AUTHORS


def _has_marks(tree: object, text: str) -> bool:
    """Whether a line holds raised or lowered signs, which are written out another way, or is furniture within it."""
    nodes = [node for node in tree.css("p") if " ".join(node.text().split()) == text]
    return any(node.css_first("sup, sub") is not None for node in nodes)


def test_tables_keep_spans_captions_and_header_rows() -> None:
    document = page("nhs_guidance.html")
    assert texts(document, "table_row") == [
        "Practice: Hill Street; Readings – May: 410; Readings – June: 522",
        "Practice: Park Lane; Readings – May: not started; Readings – June: not started",
    ]
    row = next(block for block in document.blocks if block.kind == "table_row")
    assert lead_in_of(document, row) == "Readings by month"
    assert texts(page("journal.html"), "table_row") == [
        "Medical wards",
        "Medical wards; Large; Before: 6.9; During: 5.0; After: 5.2",
        "Medical wards; Small; Before: 6.1; During: 5.3; After: 5.2",
        "Medical wards; Small; Before: 6.0; During: 5.2; After: 5.1",
    ]
    assert texts(page("think_tank.html"), "table_row") == [
        "Region: North; Started: 20; Still running: 9",
        "Region: South; Started: 28; Still running: 8",
    ]


def test_terms_stand_with_what_is_said_of_them() -> None:
    found = texts(page("nhs_guidance.html"))
    assert "Minimum staff: One nurse for 250 patients" in found
    assert "Device cost: £38 each, bought once" in found


def test_panels_that_a_click_opens_are_read_under_their_headings() -> None:
    headings = texts(page("charity_drupal.html"), "heading")
    assert "How were peers trained?" in headings
    assert "Training took five days, and the peers wrote half of it." in texts(page("charity_drupal.html"))
    assert "Who should not be admitted" in texts(page("app_shell.html"), "heading")


def test_marks_of_notes_do_not_run_into_numbers_and_the_notes_stay() -> None:
    found = texts(page("think_tank.html"))
    assert any("end of their funding. Their staff" in text for text in found)
    assert "Funding ended between March 2016 and June 2019." in found
    assert "Claims of 10^6 units and rooms of 12 m2 are shown as CO2 saved." in texts(page("government.html"))


def test_who_and_when_are_kept_where_the_page_says_them() -> None:
    assert page("think_tank.html").metadata.authors == ("Amina Holt",)
    assert page("app_shell.html").metadata.year == 2023
    assert page("charity_drupal.html").metadata.published == "18 October 2022"


def test_two_line_breaks_end_a_paragraph() -> None:
    markup = b"<p>It took two years to spread to 17 wards.<br><br>Then it stopped,<br>since nobody paid for it.</p>"
    assert texts(read_document(markup, "a.html")) == [
        "It took two years to spread to 17 wards.",
        "Then it stopped, since nobody paid for it.",
    ]


def test_a_page_whose_body_is_one_form_is_read() -> None:
    markup = b"<form><h1>A title</h1><p>It took the trust two years to spread it to 17 wards in all.</p><input></form>"
    assert texts(read_document(markup, "a.html"))[-1].startswith("It took the trust two years")


def test_endless_nesting_of_a_larger_kind_is_refused_at_once() -> None:
    with pytest.raises(UnreadableDocument, match="nested more than 10000 deep") as caught:
        read_document(b"<div>" * 200_000 + b"words", "a.html")
    assert "browser" in caught.value.hint
