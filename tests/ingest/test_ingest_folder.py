"""The walk: order, names, links, copies, and files that cannot be read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from ingest_samples import make_pdf

from spreadguide.errors import EmptyCorpus, UnreadableDocument
from spreadguide.ingest import IngestLimits, read_corpus, scan_corpus

TEXT = "The title\n\nA sentence about {} stands here.\n"


def write(folder: Path, *names: str) -> None:
    for name in names:
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(TEXT.format(name))


def test_order_ids_and_what_is_passed_over(tmp_path: Path) -> None:
    write(
        tmp_path, "b.txt", "a/z.md", "a/README.md", "README.md", ".hidden.txt", ".git/x.txt", "Über uns.txt", "~$b.docx"
    )
    (tmp_path / "sources.toml").write_text("")
    corpus = read_corpus(tmp_path)
    assert [document.path for document in corpus.documents] == ["a/README.md", "a/z.md", "b.txt", "Über uns.txt"]
    assert [document.source_id for document in corpus.documents] == ["a-readme", "a-z", "b", "uber-uns"]
    assert corpus.warnings == ()


def test_clashing_names_get_different_ids_whatever_else_is_there(tmp_path: Path) -> None:
    write(tmp_path, "a b.txt", "a-b.md", "a_b.txt", "日本.txt", "本日.txt")
    ids = {document.path: document.source_id for document in read_corpus(tmp_path).documents}
    assert len(set(ids.values())) == 5
    assert ids["a-b.md"] == "a-b-md"
    (tmp_path / "本日.txt").unlink()
    assert {document.source_id for document in read_corpus(tmp_path).documents} < set(ids.values())


def test_unsupported_endings_are_one_warning(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.xyz", "c.jpeg")
    (warning,) = read_corpus(tmp_path).warnings
    assert "b.xyz, c.jpeg" in warning
    assert ".docx" in warning


def test_copies_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(TEXT)
    (tmp_path / "b.txt").write_text(TEXT)
    corpus = read_corpus(tmp_path)
    assert len(corpus.documents) == 1
    assert "b.txt was skipped: it is the same file as a.txt" in corpus.warnings[0]


def test_links_that_lead_outside_are_skipped(tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    write(outside, "secret.txt")
    inside = tmp_path / "reports"
    write(inside, "a.txt")
    (inside / "link.txt").symlink_to(outside / "secret.txt")
    (inside / "folder").symlink_to(outside)
    (inside / "loop").symlink_to(inside)
    corpus = read_corpus(inside)
    assert [document.path for document in corpus.documents] == ["a.txt"]
    assert sorted(warning.split(" ")[0] for warning in corpus.warnings) == ["folder", "link.txt"]


def test_a_large_file_is_a_warning_with_size_and_setting(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    with (tmp_path / "big.txt").open("wb") as file:
        file.truncate(50 * 1024 * 1024)
    (warning,) = read_corpus(tmp_path).warnings
    assert "big.txt is 50.0 MB; the limit is 25.0 MB" in warning
    assert "max_file_megabytes" in warning


def test_bad_files_are_warnings_and_nothing_else_is_lost(tmp_path: Path) -> None:
    write(tmp_path, "good.txt")
    (tmp_path / "zero.pdf").write_bytes(b"")
    (tmp_path / "corrupt.pdf").write_bytes(make_pdf([[("Words", 72, 700, "Helvetica", 11)]])[:300])
    (tmp_path / "binary.txt").write_bytes(bytes(range(256)) * 9)
    (tmp_path / "no.docx").write_bytes(b"PK")
    corpus = read_corpus(tmp_path)
    assert [document.path for document in corpus.documents] == ["good.txt"]
    assert [warning.split(" ")[0] for warning in corpus.warnings] == [
        "binary.txt",
        "corrupt.pdf",
        "no.docx",
        "zero.pdf",
    ]


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read every file")
def test_a_file_that_may_not_be_read_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    (tmp_path / "b.txt").chmod(0)
    (warning,) = read_corpus(tmp_path).warnings
    assert warning.startswith("b.txt could not be opened")


def test_a_name_that_is_no_text_is_a_warning(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    (tmp_path / os.fsdecode(b"b\xff.txt")).write_text(TEXT)
    corpus = read_corpus(tmp_path)
    assert len(corpus.documents) == 1
    assert "Rename the file" in corpus.warnings[0]
    corpus.warnings[0].encode()


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    os.mkfifo(tmp_path / "b.txt")
    assert len(read_corpus(tmp_path).documents) == 1


def test_nothing_to_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(EmptyCorpus, match="No report could be read") as caught:
        read_corpus(tmp_path)
    assert "Put reports" in caught.value.hint
    (tmp_path / "a.pdf").write_bytes(b"")
    with pytest.raises(EmptyCorpus) as caught:
        read_corpus(tmp_path)
    assert "a.pdf is empty" in caught.value.hint
    with pytest.raises(EmptyCorpus, match="no report folder"):
        read_corpus(tmp_path / "missing")


def test_progress_and_limits_are_passed_on(tmp_path: Path) -> None:
    write(tmp_path, "a.txt", "b.txt")
    told: list[tuple[str, int, int]] = []
    corpus = read_corpus(tmp_path, limits=IngestLimits(file_bytes=10_000), progress=lambda *report: told.append(report))
    assert told == [("Reading reports", 2, 1)] * 2
    assert len(corpus.documents) == 2


def test_a_file_that_changes_while_the_index_is_built_is_not_read_under_its_old_key(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")
    (file,) = scan_corpus(tmp_path).files
    (tmp_path / "a.txt").write_text("Something else\n\nIt was changed meanwhile.\n")
    with pytest.raises(UnreadableDocument, match="was changed while") as caught:
        file.read()
    assert "again" in caught.value.hint


def test_the_key_stands_for_everything_that_decides_what_is_read(tmp_path: Path) -> None:
    write(tmp_path, "a.txt")

    def key(limits: IngestLimits | None = None) -> str:
        return scan_corpus(tmp_path, limits=limits).files[0].key

    keys = [key(), key(IngestLimits(pdf_pages=3))]
    (tmp_path / "sources.toml").write_text('["a.txt"]\ntitle = "Another"\n')
    keys.append(key())
    (tmp_path / "a.txt").write_text("Another text\n\nIt says more.\n")
    keys.append(key())
    assert len(set(keys)) == 4
    assert keys[-1] == key()
    (tmp_path / "a.txt").rename(tmp_path / "b.txt")
    (tmp_path / "sources.toml").write_text('["b.txt"]\ntitle = "Another"\n')
    assert keys[-1] == key()


def test_two_files_that_are_too_large_are_not_taken_for_the_same(tmp_path: Path) -> None:
    write(tmp_path, "ok.txt")
    for name in ("a.txt", "b.txt"):
        (tmp_path / name).write_text("x" * 2000)
    warnings = read_corpus(tmp_path, limits=IngestLimits(file_bytes=1000)).warnings
    assert [warning.split(" ")[0] for warning in warnings] == ["a.txt", "b.txt"]
    assert all("limit" in warning for warning in warnings)
