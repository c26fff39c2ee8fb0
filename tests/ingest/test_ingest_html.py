"""HTML: the main content, and nothing of what surrounds it."""

from __future__ import annotations

from ingest_samples import assert_exact, block_with, lead_in_of, text_of, texts

from spreadguide.ingest import read_document

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
