"""What changes the fingerprint of an index, and what does not."""

from dataclasses import replace

import pytest
from index_samples import reports

from spreadguide.indexing import fingerprint as module
from spreadguide.indexing.fingerprint import fingerprint


def _of(documents, embedder_id="words@1"):
    return fingerprint(documents, embedder_id=embedder_id)


def test_it_is_sixteen_hexadecimal_digits_and_the_order_of_documents_does_not_matter():
    assert _of(reports()) == _of(reports()[::-1])
    assert len(_of(reports())) == 16
    assert int(_of(reports()), 16) >= 0


@pytest.mark.parametrize(
    "change",
    [
        lambda report: replace(report, path="moved.md"),
        lambda report: replace(report, sha256="0" * 64),
        lambda report: replace(report, text=report.text.upper()),
        lambda report: replace(report, metadata=replace(report.metadata, year=2021)),
        lambda report: replace(report, blocks=report.blocks[:-1]),
    ],
)
def test_any_change_of_a_document_changes_it(change):
    first, *rest = reports()
    assert _of([change(first), *rest]) != _of([first, *rest])


def test_the_embedder_and_the_versions_change_it(monkeypatch):
    before = _of(reports())
    assert _of(reports(), "words@2") != before
    monkeypatch.setattr(module, "CHUNKER_VERSION", "another")
    other_chunker = _of(reports())
    monkeypatch.setattr(module, "FORMAT_VERSION", 99)
    assert len({before, other_chunker, _of(reports())}) == 3
