"""What a file is, by its content."""

from __future__ import annotations

import gzip
import io
import zipfile

import pytest

from spreadguide.fetching.kinds import PAGE, PDF, SLIDES, TEXT, WORD, kind_of, kind_of_ending


def _zipped(**parts: str) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for name, text in parts.items():
            archive.writestr(name, text)
    return stream.getvalue()


@pytest.fixture
def judge(tmp_path):
    def judge(data: bytes):
        file = tmp_path / "file"
        file.write_bytes(data)
        return kind_of(file)

    return judge


def test_real_documents_are_known(judge, pdf, word, slides, page):
    assert [judge(data) for data in (pdf, word, slides, page)] == [PDF, WORD, SLIDES, PAGE]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"\r\n\r\n%PDF-1.7\n", PDF),
        (b"  \n<!-- saved -->\n<!-- twice --><!DOCTYPE HTML PUBLIC 'x'><html>", PAGE),
        (b'<?xml version="1.0"?>\n<!DOCTYPE html><html xmlns="x">', PAGE),
        (b"\xef\xbb\xbf<html lang='en'>", PAGE),
        ("<html><body>Hi".encode("utf-16"), PAGE),
        (b"<div class='x'>Part of a page</div>", PAGE),
        (b"BMJ Quality & Safety 2017\n\nCan patients help?", TEXT),
        (b"# Rapid hubs\n\n- one\n- two\n", TEXT),
        (b"<!-- a note -->\n# Rapid hubs\n", TEXT),
        ("Plain text, in Windows spelling: \u2019".encode("cp1252"), TEXT),
        ("Text".encode("utf-16"), TEXT),
        (b"A < b, and a <bold> claim", TEXT),
    ],
)
def test_texts_and_pages_are_told_apart(judge, data, kind):
    assert judge(data) is kind


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "nothing"),
        (b" \n ", "nothing"),
        (b"\x89PNG\r\n\x1a\n" + bytes(60), "a picture"),
        (b"\x00\x00\x00\x18ftypmp42" + bytes(60), "a film"),
        (b"ID3\x03" + bytes(60), "a sound recording"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "an Office file of the old kind, or one with a password"),
        (gzip.compress(b"x" * 100), "a packed archive"),
        (_zipped(readme="hello"), "a ZIP archive"),
        (_zipped(**{"xl/workbook.xml": "<x/>"}), "an Excel file"),
        (b"PK\x03\x04" + bytes(50), "a damaged archive"),
        (b"MZ" + bytes(600), "a kind of file that is not known here"),
        (bytes(range(256)), "a kind of file that is not known here"),
        (b"{\\rtf1\\ansi Hello}", "an RTF file"),
        (b'{"error": "log in"}', "data for programs (JSON)"),
        (b'[{"id": 1}]', "data for programs (JSON)"),
        (b'<?xml version="1.0"?><rss></rss>', "data for programs (XML)"),
    ],
)
def test_what_cannot_be_read_is_named(judge, data, words):
    kind = judge(data)
    assert kind.words == words
    assert kind.endings == ()


def test_every_ending_of_the_readers_has_a_kind():
    from spreadguide.ingest import READERS

    assert all(kind_of_ending(ending) for ending in READERS)
    assert kind_of_ending(".exe") is None
