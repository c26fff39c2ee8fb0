"""Markdown: headings, nested lists, tables."""

from __future__ import annotations

from ingest_samples import assert_exact, block_with, lead_in_of, text_of, texts

from spreadguide.ingest import read_document

SAMPLE = """# Scaling up

Some *emphasis*, a [link](https://example.org) and `code`,
on two lines.

Three things:

1. **Time**

   It takes years.
2. Money, that is:
   - from the trust
   - from a fund
3. People

- another list

| Pillar | What to do | Note |
|---|---|---|
| Engage | Talk early | |
| Future-proof | Plan the money | now |

## Next

> A quotation.

<div><p>Some <b>HTML</b>.</p><script>alert(1)</script></div>
"""


def test_structure_is_kept() -> None:
    document = read_document(SAMPLE.encode(), "a.md")
    assert_exact(document)
    assert [(block.kind.value, block.level, text_of(document, block)) for block in document.blocks] == [
        ("heading", 1, "Scaling up"),
        ("paragraph", 0, "Some emphasis, a link and code, on two lines."),
        ("paragraph", 0, "Three things:"),
        ("list_item", 1, "Time"),
        ("paragraph", 0, "It takes years."),
        ("list_item", 1, "Money, that is:"),
        ("list_item", 2, "from the trust"),
        ("list_item", 2, "from a fund"),
        ("list_item", 1, "People"),
        ("list_item", 1, "another list"),
        ("table_row", 0, "Pillar: Engage; What to do: Talk early"),
        ("table_row", 0, "Pillar: Future-proof; What to do: Plan the money; Note: now"),
        ("heading", 2, "Next"),
        ("paragraph", 0, "A quotation."),
        ("paragraph", 0, "Some HTML."),
    ]


def test_lists_keep_their_lead_ins() -> None:
    document = read_document(SAMPLE.encode(), "a.md")
    for text in ("Time", "It takes years.", "Money, that is:", "People"):
        assert lead_in_of(document, block_with(document, text)) == "Three things:"
    assert lead_in_of(document, block_with(document, "from a fund")) == "Money, that is:"
    assert lead_in_of(document, block_with(document, "another list")) is None
    assert block_with(document, "another list").list_id != block_with(document, "People").list_id


def test_several_top_headings_leave_one_title() -> None:
    document = read_document(b"# One\n\nA.\n\n# Two\n\n## Three\n\nB.\n", "a.md")
    assert [block.level for block in document.blocks if block.kind == "heading"] == [1, 2, 3]


def test_title_falls_back_to_the_file_name() -> None:
    document = read_document(b"Only a sentence.\n", "sub/spread_of-innovation.md")
    assert document.metadata.title == "spread of innovation"
    assert document.source_id == "sub-spread-of-innovation"
    assert texts(document) == ["Only a sentence."]


NOTED = """Scaling up
==========

Of 48 pilots, 31 had stopped.[^1] Staff named causes.

The causes were[^long]:

- no owner[^1]
- no money, since:
    - savings fell elsewhere
    - the tariff did not pay

A sum.^[In prices of 2019.]

[^1]: Funding ended by 2019.

    It was not renewed.
[^long]: As coded by *two* people.

Results
-------
<!-- a comment
over lines -->
Text <!-- inside --> goes on.

| Trust | What it did |
|:--|--:|
| Leeds | - asked staff<br>- cut a list |
| York | waited<br>until May[^tab] |

[^tab]: May 2018.
"""


def test_footnotes_follow_what_refers_to_them_and_never_part_a_list_from_its_lead_in() -> None:
    document = read_document(NOTED.encode(), "a.md")
    assert_exact(document)
    assert [(block.kind.value, block.level, text_of(document, block)) for block in document.blocks] == [
        ("heading", 1, "Scaling up"),
        ("paragraph", 0, "Of 48 pilots, 31 had stopped. Staff named causes."),
        ("paragraph", 0, "Note 1: Funding ended by 2019. It was not renewed."),
        ("paragraph", 0, "The causes were:"),
        ("list_item", 1, "no owner"),
        ("list_item", 1, "no money, since:"),
        ("list_item", 2, "savings fell elsewhere"),
        ("list_item", 2, "the tariff did not pay"),
        ("paragraph", 0, "Note 2: As coded by two people."),
        ("paragraph", 0, "A sum."),
        ("paragraph", 0, "Note 3: In prices of 2019."),
        ("heading", 2, "Results"),
        ("paragraph", 0, "Text goes on."),
        ("table_row", 0, "Trust: Leeds; What it did: asked staff, cut a list"),
        ("table_row", 0, "Trust: York; What it did: waited until May"),
        ("paragraph", 0, "Note 4: May 2018."),
    ]
    assert lead_in_of(document, block_with(document, "no owner")) == "The causes were:"
    assert lead_in_of(document, block_with(document, "the tariff did not pay")) == "no money, since:"
