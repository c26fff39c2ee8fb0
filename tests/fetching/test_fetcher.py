"""Fetching from a real server: what arrives, what is refused, and what goes on where it stopped."""

from __future__ import annotations

import gzip
import os
import re
import threading
import time
import zlib

import pytest
from fetch_samples import make_pdf
from filelock import FileLock
from web_server import Page

from spreadguide.errors import FetchFailed
from spreadguide.fetching.partial import KEEP_SECONDS
from spreadguide.fetching.receiving import MEGABYTE

OLD = "Tue, 01 Sep 2026 10:00:00 GMT"


def waiting(parts):
    """Return the sizes of the parts that wait to be completed."""
    return [file.stat().st_size for file in parts.glob("*.part")]


@pytest.mark.parametrize(
    ("address", "kind", "name"),
    [
        ("/a/report.pdf", "pdf", "report.pdf"),
        ("/a/report", "pdf", "report.pdf"),
        ("/a/report.html", "pdf", "report.pdf"),
        ("/a/report.docx", "word", "report.docx"),
        ("/download.php", "word", "download.php.docx"),
        ("/deck", "slides", "deck.pptx"),
        ("/long-read/", "page", "long-read.html"),
        ("/long-read.htm", "page", "long-read.htm"),
        ("/page.aspx", "page", "page.aspx.html"),
    ],
)
def test_each_kind_arrives_under_a_name_that_fits_its_content(
    site, fetcher, place, parts, request, address, kind, name
):
    body = request.getfixturevalue(kind)
    site.pages[address] = Page(body, headers={"Content-Type": "application/octet-stream"})
    file = fetcher()(site.url + address, place)
    assert file == place / name
    assert file.read_bytes() == body
    assert waiting(parts) == []


def test_text_keeps_the_ending_of_markdown(site, fetcher, place):
    site.pages["/notes.md"] = site.pages["/notes"] = Page(b"# Rapid hubs\n\nText.\n")
    assert fetcher()(f"{site.url}/notes.md", place).name == "notes.md"
    assert fetcher()(f"{site.url}/notes", place).name == "notes.txt"


def test_the_servers_name_for_the_file_is_used_without_its_path(site, fetcher, place, pdf):
    header = 'attachment; filename="../../../.ssh/authorized_keys.pdf"'
    site.pages["/get"] = Page(pdf, headers={"Content-Disposition": header})
    assert fetcher()(f"{site.url}/get?id=7", place) == place / "authorized_keys.pdf"


def test_progress_counts_every_byte_once(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=40_000)
    steps = []
    fetcher(progress=lambda *step: steps.append(step))(f"{site.url}/report.pdf?key=secret", place)
    assert {(step, items) for step, items, _ in steps} == {(f"Fetching {site.url}/report.pdf", len(pdf))}
    assert sum(done for _, _, done in steps) == len(pdf)


def test_progress_without_a_known_size(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, length=-1)
    steps = []
    fetcher(progress=lambda *step: steps.append(step))(f"{site.url}/report.pdf", place)
    assert sum(done for _, _, done in steps) == len(pdf)
    assert steps[-1][1] == len(pdf)


def test_redirects_are_followed_and_the_last_address_names_the_file(site, fetcher, place, pdf):
    for number in range(6):
        site.pages[f"/{number}"] = Page(
            status=(301, 302, 303, 307, 308)[number % 5], headers={"Location": f"{number + 1}"}
        )
    site.pages["/6"] = Page(status=302, headers={"Location": "/files/hubs.pdf"})
    site.pages["/files/hubs.pdf"] = Page(pdf)
    assert fetcher()(f"{site.url}/0", place).name == "hubs.pdf"


def test_a_circle_of_redirects_ends(site, fetcher, place):
    site.pages["/a"] = Page(status=302, headers={"Location": "/b"})
    site.pages["/b"] = Page(status=302, headers={"Location": "/a"})
    with pytest.raises(FetchFailed, match="more than 8 times"):
        fetcher()(f"{site.url}/a", place)
    assert len(site.requests) == 9


@pytest.mark.parametrize(
    ("status", "message", "hint"),
    [
        (401, "asks for a log-in", "browser"),
        (403, "refuses to send the document", "browser"),
        (404, "has no document at this address", "Check the address"),
        (410, "no longer has the document", "new address"),
        (429, "is too busy", "later"),
        (451, "cannot send the document", "browser"),
        (500, "cannot send the document", "later"),
        (503, "is too busy", "later"),
        (206, "cannot send the document", "browser"),
        (204, "cannot send the document", "browser"),
    ],
)
def test_refusals_are_in_plain_words(site, fetcher, place, parts, status, message, hint):
    site.pages["/report"] = Page(status=status)
    with pytest.raises(FetchFailed, match=re.escape(message)) as caught:
        fetcher()(f"{site.url}/report?token=secret", place)
    assert str(status) in caught.value.message
    assert hint in caught.value.hint
    assert "secret" not in caught.value.message
    assert waiting(parts) == []


def test_a_page_in_place_of_a_file_is_said_so(site, fetcher, place, parts, page):
    site.pages["/report.pdf"] = Page(page, headers={"Content-Type": "application/pdf"})
    with pytest.raises(FetchFailed, match=r"/report\.pdf gave a web page, not a PDF") as caught:
        fetcher()(f"{site.url}/report.pdf", place)
    assert "log-in" in caught.value.hint
    assert waiting(parts) == []


def test_what_is_wanted_must_come(site, fetcher, place, pdf, page):
    site.pages["/x"] = Page(pdf)
    with pytest.raises(FetchFailed, match="gave a PDF, not a web page") as caught:
        fetcher()(f"{site.url}/x", place, ".html")
    assert "end in .pdf" in caught.value.hint
    assert fetcher()(f"{site.url}/x", place, ".pdf").name == "x.pdf"
    site.pages["/y"] = Page(page)
    assert fetcher()(f"{site.url}/y.html".replace(".html", ""), place, ".htm").name == "y.htm"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"\x89PNG\r\n\x1a\n" + bytes(3 * MEGABYTE), "a picture"),
        (b"MZ" + bytes(100), "not known"),
        (b"PK\x03\x04" + bytes(100), "damaged archive"),
        (b'{"error": "no such report"}', "JSON"),
        (b"", "nothing"),
    ],
)
def test_what_cannot_be_read_is_named_and_not_kept(site, fetcher, place, parts, body, words):
    site.pages["/report.pdf"] = Page(body)
    with pytest.raises(FetchFailed, match=words):
        fetcher()(f"{site.url}/report.pdf", place)
    assert waiting(parts) == []
    assert list(place.iterdir()) == []


def test_a_film_is_refused_by_its_first_bytes(site, fetcher, place, parts):
    film = b"\x00\x00\x00\x18ftypmp42" + bytes(100_000)
    site.pages["/report.pdf"] = Page(film, length=2**24, cut=len(film), wait=threading.Event())
    with pytest.raises(FetchFailed, match="a film"):  # the rest never comes
        fetcher(stall_seconds=30)(f"{site.url}/report.pdf", place)
    assert waiting(parts) == []


def test_too_large_by_its_own_word_is_not_even_begun(site, fetcher, place, parts, pdf):
    site.pages["/report.pdf"] = Page(pdf, length=26 * MEGABYTE, cut=0, wait=threading.Event())
    with pytest.raises(FetchFailed, match=r"larger than 25\.0 MB") as caught:
        fetcher()(f"{site.url}/report.pdf", place)
    assert "max_file_megabytes" in caught.value.hint
    assert waiting(parts) == []


@pytest.mark.parametrize("length", [-1, 1000])
def test_too_large_is_noticed_while_it_comes(site, fetcher, place, parts, pdf, length):
    site.pages["/report.pdf"] = Page(pdf, length=length)
    limit = len(pdf) - 1 if length < 0 else 999
    with pytest.raises(FetchFailed, match="larger than"):
        fetcher(file_bytes=limit)(f"{site.url}/report.pdf", place)
    assert waiting(parts) == []


def test_exactly_the_limit_is_allowed(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, length=-1)
    assert fetcher(file_bytes=len(pdf))(f"{site.url}/report.pdf", place).read_bytes() == pdf


def test_a_rest_that_is_too_large_is_refused(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=60_000)
    with pytest.raises(FetchFailed, match="larger than"):
        fetcher(file_bytes=100_000)(f"{site.url}/report.pdf", place)


def test_a_document_shorter_than_announced_counts_as_broken(site, fetcher, place, parts, pdf):
    site.pages["/report.pdf"] = Page(pdf, length=len(pdf) + 1)
    with pytest.raises(FetchFailed, match="broke") as caught:
        fetcher()(f"{site.url}/report.pdf", place)
    assert "kept" in caught.value.hint
    assert waiting(parts) == [len(pdf)]
    assert list(place.iterdir()) == []


def test_a_broken_connection_is_taken_up_where_it_stopped(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=40_000)
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf
    assert site.asked("range")[:3] == [None, "bytes=40000-", "bytes=80000-"]
    assert set(site.asked("if-range")[1:]) == {'"1"'}


def test_a_later_run_goes_on_where_the_first_stopped(site, fetcher, place, parts, pdf):
    page = site.pages["/report.pdf"] = Page(pdf, headers={"Last-Modified": OLD}, ranges=True, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    assert waiting(parts) == [40_000]  # four attempts
    page.cut = None
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf
    assert site.asked("range")[-1] == "bytes=40000-"
    assert site.asked("if-range")[-1] == OLD


def test_a_server_that_cannot_send_parts_is_asked_for_the_whole_again(site, fetcher, place, pdf):
    page = site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    page.cut = None
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf


@pytest.mark.parametrize("headers", [{}, {"ETag": 'W/"1"'}, {"Last-Modified": "yesterday"}, {"ETag": "1"}])
def test_without_a_firm_mark_of_the_version_nothing_is_joined(site, fetcher, place, pdf, headers):
    page = site.pages["/report.pdf"] = Page(pdf, headers=headers, ranges=True, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    page.cut = None
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf
    assert set(site.asked("range")) == {None}


@pytest.mark.parametrize("blind", [False, True])
@pytest.mark.parametrize(
    ("old", "new"),
    [({"ETag": '"1"'}, {"ETag": '"2"'}), ({"Last-Modified": OLD}, {"Last-Modified": OLD.replace("10:", "11:")})],
)
def test_a_document_that_changed_meanwhile_is_fetched_afresh(site, fetcher, place, pdf, old, new, blind):
    site.pages["/report.pdf"] = Page(pdf, headers=old, ranges=True, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    changed = make_pdf("The hubs were closed.")
    site.pages["/report.pdf"] = Page(changed, headers=new, ranges=True, blind=blind)
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == changed


def test_a_document_that_shrank_meanwhile_is_fetched_afresh(site, fetcher, place, pdf, page):
    site.pages["/report"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report", place)
    site.pages["/report"] = Page(status=416, headers={"Content-Range": "bytes */10"})
    with pytest.raises(FetchFailed, match="status 416"):
        fetcher()(f"{site.url}/report", place)
    site.pages["/report"] = Page(page)
    assert fetcher()(f"{site.url}/report", place).read_bytes() == page


def test_another_piece_than_was_asked_for_is_not_joined(site, fetcher, place, pdf):
    site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    site.pages["/report.pdf"] = Page(
        b"X" * 100, status=206, headers={"ETag": '"1"', "Content-Range": "bytes 5-104/900"}
    )
    with pytest.raises(FetchFailed, match="status 206"):
        fetcher()(f"{site.url}/report.pdf", place)


def test_a_damaged_note_beside_a_part_means_starting_over(site, fetcher, place, parts, pdf):
    page = site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, ranges=True, cut=10_000)
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    (note,) = parts.glob("*.json")
    note.write_text('{"mark": ["evil\\r\\nX: y"]}')
    page.cut = None
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf
    assert site.asked("range")[-1] is None


def test_silence_ends_the_fetch_and_keeps_what_came(site, fetcher, place, parts, pdf):
    site.pages["/report.pdf"] = Page(pdf, headers={"ETag": '"1"'}, cut=10_000, wait=threading.Event())
    with pytest.raises(FetchFailed, match="sent nothing for") as caught:
        fetcher(stall_seconds=0.2)(f"{site.url}/report.pdf", place)
    assert "later" in caught.value.hint
    assert waiting(parts) == [10_000]


@pytest.mark.parametrize("body", [b"%PDF-1.7 " * 1000, b"<html>" + b"x" * 1000])
def test_a_server_that_drips_is_left_in_the_end(site, fetcher, place, body):
    site.pages["/report"] = Page(body, drip=True)
    began = time.monotonic()
    with pytest.raises(FetchFailed, match="stopped after"):
        fetcher(whole_seconds=0.6)(f"{site.url}/report", place)
    assert time.monotonic() - began < 10


def test_nobody_there(fetcher, serve, place):
    port = serve().port
    with pytest.raises(FetchFailed, match="cannot be reached"):
        fetcher(permits=lambda _: True)(f"http://127.0.0.9:{port}/", place)


@pytest.mark.parametrize(
    ("encoding", "pack"),
    [
        ("gzip", gzip.compress),
        ("GZip", gzip.compress),
        ("x-gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("deflate", lambda data: zlib.compress(data, wbits=-15)),
        ("identity", bytes),
    ],
)
def test_what_was_packed_unasked_is_unpacked(site, fetcher, place, pdf, encoding, pack):
    site.pages["/report.pdf"] = Page(pack(pdf), headers={"Content-Encoding": encoding, "ETag": '"1"'}, ranges=True)
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf


@pytest.mark.parametrize(("encoding", "wbits"), [("gzip", 31), ("deflate", 15)])
def test_a_bomb_stops_at_the_limit(site, fetcher, place, parts, encoding, wbits):
    packer = zlib.compressobj(9, wbits=wbits)
    zeros = bytes(MEGABYTE)
    bomb = packer.compress(b"%PDF-1.7\n") + b"".join(packer.compress(zeros) for _ in range(60)) + packer.flush()
    assert len(bomb) < MEGABYTE // 10
    site.pages["/report.pdf"] = Page(bomb, headers={"Content-Encoding": encoding})
    steps = []
    with pytest.raises(FetchFailed, match=r"larger than 5\.0 MB"):
        fetcher(file_bytes=5 * MEGABYTE, progress=lambda *step: steps.append(step[2]))(f"{site.url}/report.pdf", place)
    assert sum(steps) <= 5 * MEGABYTE
    assert max(steps) <= 1 << 16
    assert waiting(parts) == []


@pytest.mark.parametrize("spoil", [lambda data: data[:-20], lambda data: data + b"more", lambda data: b"??" + data])
def test_damaged_packing_is_said_so(site, fetcher, place, pdf, spoil):
    site.pages["/report.pdf"] = Page(spoil(gzip.compress(pdf)), headers={"Content-Encoding": "gzip"})
    with pytest.raises(FetchFailed, match="packing is damaged"):
        fetcher()(f"{site.url}/report.pdf", place)


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip"])
def test_other_packing_is_refused(site, fetcher, place, pdf, encoding):
    site.pages["/report.pdf"] = Page(pdf, headers={"Content-Encoding": encoding})
    with pytest.raises(FetchFailed, match="not asked for"):
        fetcher()(f"{site.url}/report.pdf", place)


def test_what_came_packed_is_never_joined(site, fetcher, place, pdf):
    packed = gzip.compress(pdf, mtime=0)
    page = site.pages["/report.pdf"] = Page(
        packed, headers={"Content-Encoding": "gzip", "ETag": '"1"'}, ranges=True, cut=1500
    )
    with pytest.raises(FetchFailed, match="broke"):
        fetcher()(f"{site.url}/report.pdf", place)
    page.cut = None
    assert fetcher()(f"{site.url}/report.pdf", place).read_bytes() == pdf
    assert set(site.asked("range")) == {None}


def test_two_commands_do_not_write_the_same_part(site, fetcher, place, parts, page):
    site.pages["/report"] = Page(page)
    parts.mkdir()
    with FileLock(parts / "lock"), pytest.raises(FetchFailed, match="Another command"):
        fetcher()(f"{site.url}/report", place)
    assert fetcher()(f"{site.url}/report", place).read_bytes() == page


def test_parts_that_nobody_came_back_for_are_removed(site, fetcher, place, parts, page):
    site.pages["/report"] = Page(page)
    parts.mkdir()
    old, new = parts / "a.part", parts / "b.part"
    for file, age in ((old, KEEP_SECONDS + 60), (new, KEEP_SECONDS - 3600)):
        file.write_bytes(b"x")
        os.utime(file, (time.time() - age,) * 2)
    fetcher()(f"{site.url}/report", place)
    assert not old.exists()
    assert new.exists()
