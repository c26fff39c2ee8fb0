"""The shapes of the contract, and how to read what the API sends."""

from __future__ import annotations

import json
from typing import Any

from spreadguide.protocols import PassageStore

NONE = type(None)

HIT = {
    "passage_id": str,
    "source_id": str,
    "path": str,
    "title": str,
    "heading": str,
    "page": (int, NONE),
    "text": str,
    "start": int,
    "end": int,
    "score": float,
    "ranks": dict,
    "page_label": (str, NONE),
    "status": str,
    "also_in": [{"source_id": str, "path": str, "title": str}],
}
CITATION = {"marker": int, "passage_id": str, "quote": str, "start": int, "end": int}
CLAIM = {
    "text": str,
    "support": str,
    "score": float,
    "citations": [CITATION],
    "reasons": list,
    "layout": str,
    "section": str,
}
SOURCE = {
    "marker": int,
    "source_id": str,
    "title": str,
    "publisher": (str, NONE),
    "year": (int, NONE),
    "url": (str, NONE),
    "page": (int, NONE),
    "heading": str,
    "passage_id": str,
    "path": str,
    "page_label": (str, NONE),
    "kind": (str, NONE),
    "setting": (str, NONE),
    "also_in": [str],
}
ANSWER = {
    "id": str,
    "question": str,
    "standalone_question": str,
    "status": str,
    "text": str,
    "claims": [CLAIM],
    "sources": [SOURCE],
    "evidence": [HIT],
    "missing": (str, NONE),
    "suggestions": list,
    "warnings": list,
    "timings_ms": {
        "retrieve": int,
        "first_evidence": (int, NONE),
        "first_token": (int, NONE),
        "total": int,
    },
    "trace": {
        "model": (str, NONE),
        "index_fingerprint": str,
        "prompt_tokens": int,
        "completion_tokens": int,
        "cached": bool,
        "reused_tokens": int,
    },
}
PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "hint": str}


def check(value: Any, shape: Any, place: str = "answer") -> None:
    """Fail unless ``value`` has exactly the keys and types of ``shape``, all the way down."""
    if isinstance(shape, dict):
        assert isinstance(value, dict), place
        assert value.keys() == shape.keys(), place
        for key, inner in shape.items():
            check(value[key], inner, f"{place}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), place
        for item in value:
            check(item, shape[0], f"{place}[]")
    else:
        assert isinstance(value, shape), f"{place} is {value!r}"


def check_quotes(answer: dict[str, Any], store: PassageStore) -> int:
    """Fail unless every citation and hit is verbatim at its place and every marker has its source; count citations."""
    passages = {source["marker"]: source["passage_id"] for source in answer["sources"]}
    citations = [citation for claim in answer["claims"] for citation in claim["citations"]]
    for citation in citations:
        passage = store.passage(citation["passage_id"])
        text = store.document_text(passage.source_id)
        assert text[citation["start"] : citation["end"]] == citation["quote"]
        assert passage.start <= citation["start"] < citation["end"] <= passage.end
        assert passages[citation["marker"]] == citation["passage_id"]
    for hit in answer["evidence"]:
        assert store.document_text(hit["source_id"])[hit["start"] : hit["end"]] == hit["text"]
    return len(citations)


def check_problem(response: Any, status: int) -> dict[str, Any]:
    """Fail unless the response is an error as problem details that says what to do; return them."""
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = response.json()
    check(problem, PROBLEM, "problem")
    assert problem["status"] == status
    assert problem["detail"]
    assert problem["hint"].endswith(".")
    assert "Traceback" not in response.text
    assert ".py" not in response.text
    return problem


def events(stream: str) -> list[tuple[str, dict[str, Any]]]:
    """Read server-sent events as pairs of name and data."""
    found = []
    for block in stream.replace("\r\n", "\n").split("\n\n"):
        fields = dict(line.split(": ", 1) for line in block.splitlines() if ": " in line)
        if fields:
            found.append((fields["event"], json.loads(fields["data"])))
    return found
