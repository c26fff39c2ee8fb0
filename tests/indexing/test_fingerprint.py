"""What changes the fingerprint of an index, and what does not."""

import pytest

from spreadguide.indexing import fingerprint as module
from spreadguide.indexing.fingerprint import fingerprint
from spreadguide.protocols import EXACT

DOCUMENTS = [("a.md", "a", "1" * 64), ("b.md", "b", "2" * 64)]


def _of(documents, embedder_id="words@1"):
    return fingerprint(documents, embedder_id=embedder_id)


def test_it_is_sixteen_hexadecimal_digits_and_the_order_of_documents_does_not_matter():
    assert _of(DOCUMENTS) == _of(DOCUMENTS[::-1])
    assert len(_of(DOCUMENTS)) == 16
    assert int(_of(DOCUMENTS), 16) >= 0


@pytest.mark.parametrize("change", [("moved.md", "a", "1" * 64), ("a.md", "a-md", "1" * 64), ("a.md", "a", "3" * 64)])
def test_any_change_of_a_document_changes_it(change):
    assert _of([change, DOCUMENTS[1]]) != _of(DOCUMENTS)
    assert _of(DOCUMENTS[:1]) != _of(DOCUMENTS)


def test_search_by_meaning_changes_it_only_where_it_is_not_exact():
    exact = fingerprint(DOCUMENTS, embedder_id="words@1", dense=EXACT)
    by_lists = [fingerprint(DOCUMENTS, embedder_id="words@1", dense=recipe) for recipe in ("lists 1", "lists 2")]
    assert exact == _of(DOCUMENTS)
    assert len({exact, *by_lists}) == 3


def test_the_embedder_and_the_versions_change_it(monkeypatch):
    before = _of(DOCUMENTS)
    assert _of(DOCUMENTS, "words@2") != before
    monkeypatch.setattr(module, "CHUNKER_VERSION", "another")
    other_chunker = _of(DOCUMENTS)
    monkeypatch.setattr(module, "FORMAT_VERSION", 99)
    assert len({before, other_chunker, _of(DOCUMENTS)}) == 3
