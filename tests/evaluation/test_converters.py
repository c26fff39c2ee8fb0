"""Public sets brought into our form: on copies of a few rows made up here, and on the sets where they are at hand."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from spreadguide.errors import EvaluationError
from spreadguide.evaluation.converters import CONVERTERS, PARAGRAPH_WORDS, convert
from spreadguide.evaluation.sets import (
    ClaimRow,
    PairRow,
    QueryRow,
    SetKind,
    TextRow,
    TurnRow,
    judgements,
    open_set,
    rows,
)

PUBLIC = Path(__file__).resolve().parents[3] / "shared" / "eval"
HEADER = "query-id\tcorpus-id\tscore\n"

FIRST = "Wards and teams. " * (PARAGRAPH_WORDS // 3)
PAPER = f"{FIRST}\nThe answer is forty. It is known.\nIt ends here.\n"
"""A paper of two parts, of which the second holds the answer."""

ABSTRACTS = [{"_id": "7", "title": "Wards", "text": "Wards met.", "metadata": {}}, {"_id": "8", "text": "Homes met."}]
SPLITS = {
    name: [{"_id": f"{name}1", "text": "Wards meet.", "evidence": []}, {"_id": f"{name}2", "text": "Homes meet."}]
    for name in ("test", "train")
}
TALK = {"lastturn": "And now?", "rewrite": "What of wards now?", "questions": "What of wards?\n\nAnd homes?\nAnd now?"}

FORMS: dict[str, dict[str, list[dict] | str]] = {
    "scifact": {
        "corpus.jsonl.gz": ABSTRACTS,
        "claims_test.jsonl.gz": SPLITS["test"],
        "qrels_test.tsv": HEADER + "test1\t7\t1\ntest2\t8\t2\n",
    },
    "scifact_train": {
        "corpus.jsonl.gz": ABSTRACTS,
        "claims_train.jsonl.gz": SPLITS["train"],
        "qrels_train.tsv": HEADER + "train1\t7\t1\n",
    },
    "mtrag_human": {
        "pool.jsonl.gz": [{"_id": "p1", "title": "", "text": "Wards.", "collection": "x"}],
        "queries.jsonl": [{"_id": "a<::>3", **TALK}, {"_id": "b<::>1", **TALK, "questions": "And now?"}],
        "qrels.tsv": HEADER + "a<::>3\tp1\t1\n",
    },
    "clapnq": {
        "dev_a.jsonl.gz": [
            {"id": "-1", "question": "who", "answerable": True, "passage": "Nurses .", "answer": "Nurses"},
            {"id": "2", "question": "when", "answerable": False, "passage": "Nurses ."},
        ]
    },
    "wice": {
        "dev.jsonl.gz": [
            {"id": label, "claim": "Nurses led.", "label": label, "evidence_sentences": lines}
            for label, lines in {
                "supported": ["(meta data) TITLE: The wards", "Nurses led it."],
                "partially_supported": ["Nurses were there."],
                "not_supported": ["A TITLE: none"],
            }.items()
        ]
    },
    "attributionbench": {
        "dev.jsonl.gz": [
            {"id": "A", "claim": "It ran.", "references": ["Title: Wards\n\nIt ran. It ended."], "label": 1},
            {"id": "B", "claim": "It ran.", "references": [], "label": 0},
        ]
    },
    "expertqa": {
        "claims.jsonl.gz": [
            {"claim": "It ran.", "evidence": ["[1] It ran. It ended."], "support": "Complete"},
            {"claim": "It ran.", "evidence": [], "support": "Missing"},
            {"claim": " ", "evidence": ["It ran."], "support": "Complete"},
            {"claim": "It ended.", "evidence": ["It ran."], "support": "Partial"},
        ]
    },
    "covidqa": {
        "corpus.jsonl.gz": [{"_id": "630", "text": PAPER}],
        "queries.jsonl.gz": [
            {
                "id": "262",
                "doc_id": "630",
                "question": "How many?",
                "answers": [{"text": "forty", "start": PAPER.index("forty")}],
            },
            {
                "id": "263",
                "doc_id": "630",
                "question": "Who?",
                "answers": [{"text": "Wards", "start": 0}, {"text": "teams", "start": PAPER.index("teams")}],
            },
            {"id": "264", "doc_id": "630", "question": "Why?", "answers": []},
        ],
    },
}
"""A few rows in the form of each public set; all wording is made up."""


def publish(folder: Path, form: dict[str, list[dict] | str]) -> Path:
    """Write the files of a public set into ``folder``."""
    folder.mkdir()
    for name, found in form.items():
        text = found if isinstance(found, str) else "".join(json.dumps(row) + "\n" for row in found)
        (folder / name).write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
    return folder


@pytest.fixture
def converted(tmp_path):
    """Return what converts the small copy of a set, into a folder beside it."""

    def run(name: str) -> Path:
        target = tmp_path / "ours"
        convert(name, publish(tmp_path / "theirs", FORMS[name]), target)
        return target

    return run


def test_every_converter_is_tried_here():
    assert FORMS.keys() == CONVERTERS.keys()


@pytest.mark.parametrize("split", ["test", "train"])
def test_scifact(converted, split):
    target = converted("scifact" if split == "test" else "scifact_train")
    assert open_set(target).kind is SetKind.RETRIEVAL
    assert [(row.id, row.title, row.text) for row in rows(target, "corpus.jsonl", TextRow)] == [
        ("7", "Wards", "Wards met."),
        ("8", "", "Homes met."),
    ]
    assert [(row.id, row.text) for row in rows(target, "queries.jsonl", QueryRow)] == [
        (f"{split}1", "Wards meet."),
        (f"{split}2", "Homes meet."),
    ]
    wanted = {"test1": {"7": 1}, "test2": {"8": 2}} if split == "test" else {"train1": {"7": 1}}
    assert judgements(target) == wanted


def test_mtrag_keeps_the_users_earlier_turns_of_judged_questions(converted):
    target = converted("mtrag_human")
    assert open_set(target).kind is SetKind.RETRIEVAL
    (query,) = rows(target, "queries.jsonl", QueryRow)
    assert (query.id, query.text) == ("a<::>3", "And now?")
    assert query.history == (
        TurnRow(role="user", content="What of wards?"),
        TurnRow(role="user", content="And homes?"),
    )
    assert judgements(target) == {"a<::>3": {"p1": 1}}
    assert [row.id for row in rows(target, "corpus.jsonl", TextRow)] == ["p1"]


def test_clapnq(converted):
    target = converted("clapnq")
    assert open_set(target).kind is SetKind.ANSWERABLE
    assert rows(target, "pairs.jsonl", PairRow) == [
        PairRow(id="-1", question="who", passage="Nurses .", answerable=True),
        PairRow(id="2", question="when", passage="Nurses .", answerable=False),
    ]


def test_wice_counts_partly_supported_as_not(converted):
    target = converted("wice")
    assert open_set(target).kind is SetKind.CLAIMS
    assert [(row.id, row.supported, row.evidence) for row in rows(target, "claims.jsonl", ClaimRow)] == [
        ("supported", True, ("The wards", "Nurses led it.")),
        ("partially_supported", False, ("Nurses were there.",)),
        ("not_supported", False, ("A TITLE: none",)),
    ]


def test_attributionbench_is_cut_into_sentences(converted):
    target = converted("attributionbench")
    assert [(row.id, row.supported, row.evidence) for row in rows(target, "claims.jsonl", ClaimRow)] == [
        ("A", True, ("Title: Wards", "It ran.", "It ended.")),
        ("B", False, ()),
    ]


def test_expertqa_keeps_claims_that_have_evidence(converted):
    target = converted("expertqa")
    found = rows(target, "claims.jsonl", ClaimRow)
    assert [(row.claim, row.supported) for row in found] == [("It ran.", True), ("It ended.", False)]
    assert found[0].evidence[-1] == "It ended."


def test_covidqa_is_cut_into_parts_and_answers_are_placed(converted):
    """The first part is long enough at the end of its line; the second is what is left."""
    target = converted("covidqa")
    texts = rows(target, "corpus.jsonl", TextRow)
    assert [row.id for row in texts] == ["630-0", "630-1"]
    assert "".join(row.text for row in texts) == PAPER
    assert "forty" in texts[1].text
    assert judgements(target) == {"262": {"630-1": 1}, "263": {"630-0": 1}}
    assert [row.id for row in rows(target, "queries.jsonl", QueryRow)] == ["262", "263"]


def test_an_unknown_name_is_refused_with_those_that_are_known(tmp_path):
    with pytest.raises(EvaluationError, match="no converter for 'squad'") as caught:
        convert("squad", tmp_path, tmp_path / "ours")
    assert all(name in caught.value.hint for name in CONVERTERS)
    assert list(tmp_path.iterdir()) == []


def test_an_empty_folder_may_be_the_target(tmp_path):
    (tmp_path / "ours").mkdir()
    convert("clapnq", publish(tmp_path / "theirs", FORMS["clapnq"]), tmp_path / "ours")
    assert open_set(tmp_path / "ours").kind is SetKind.ANSWERABLE


def test_a_target_that_holds_something_is_left_as_it_is(tmp_path):
    source = publish(tmp_path / "theirs", FORMS["clapnq"])
    folder, file = tmp_path / "full", tmp_path / "file"
    folder.mkdir()
    for kept in (folder / "notes.txt", file):
        kept.write_text("mine")
    for target in (folder, file):
        with pytest.raises(EvaluationError, match="not an empty folder"):
            convert("clapnq", source, target)
    assert [path.name for path in folder.iterdir()] == ["notes.txt"]
    assert file.read_text() == "mine"


def fails(name: str, source: Path, target: Path) -> EvaluationError:
    """Convert what cannot be converted; nothing may be left beside ``source``."""
    with pytest.raises(EvaluationError) as caught:
        convert(name, source, target)
    assert not caught.value.message.startswith("None"), "no file is named"
    assert caught.value.hint.endswith(".")
    assert [path.name for path in target.parent.iterdir()] == ([source.name] if source.exists() else [])
    return caught.value


@pytest.mark.parametrize("name", list(FORMS))
def test_a_file_that_is_missing_is_named_and_nothing_left_behind(tmp_path, name):
    form = dict(FORMS[name])
    gone = list(form)[-1]
    del form[gone]
    assert gone in fails(name, publish(tmp_path / "theirs", form), tmp_path / "ours").message


def test_a_source_that_is_not_there_is_named(tmp_path):
    assert "gone" in fails("wice", tmp_path / "gone", tmp_path / "ours").message


@pytest.mark.parametrize("name", list(FORMS))
def test_rows_of_another_form_are_refused(tmp_path, name):
    form = {file: [{"another": "form"}] if isinstance(found, list) else found for file, found in FORMS[name].items()}
    if name.startswith("scifact"):
        # Abstracts are passed on as they are, so it is the claims that tell.
        form["corpus.jsonl.gz"] = ABSTRACTS
    message = fails(name, publish(tmp_path / "theirs", form), tmp_path / "ours").message
    assert f"not in the form in which {name} is published" in message


WRONG = {
    "no JSON": ("clapnq", "dev_a.jsonl.gz", "{"),
    "no object": ("clapnq", "dev_a.jsonl.gz", "[1]"),
    "too few cells": ("scifact", "qrels_test.tsv", HEADER + "test1\t7\n"),
    "no number": ("scifact", "qrels_test.tsv", HEADER + "test1\t7\tgood\n"),
    "no header": ("scifact", "qrels_test.tsv", ""),
    "an unknown paper": ("covidqa", "corpus.jsonl.gz", [{"_id": "1", "text": PAPER}]),
    "no text": ("covidqa", "corpus.jsonl.gz", [{"_id": "630", "text": None}]),
    "no claim": ("expertqa", "claims.jsonl.gz", [{"claim": None, "evidence": ["It ran."], "support": "Complete"}]),
    "one text for several": (
        "attributionbench",
        "dev.jsonl.gz",
        [{"id": "A", "claim": "It ran.", "references": "It ran.", "label": 1}],
    ),
    "a list for text": ("mtrag_human", "queries.jsonl", [{"_id": "a<::>3", **TALK, "questions": ["What?"]}]),
}


@pytest.mark.parametrize("wrong", list(WRONG))
def test_a_wrong_form_is_refused_and_nothing_left_behind(tmp_path, wrong):
    name, file, content = WRONG[wrong]
    source = publish(tmp_path / "theirs", FORMS[name] | {file: content})
    assert name in fails(name, source, tmp_path / "ours").message


@pytest.mark.parametrize("how", ["cut", "plain", "bytes"])
def test_a_damaged_gzip_file_is_refused(tmp_path, how):
    source = publish(tmp_path / "theirs", FORMS["wice"])
    whole = gzip.compress(gzip.decompress((source / "dev.jsonl.gz").read_bytes()) * 50)
    broken = {"cut": whole[: len(whole) // 2], "plain": b"{}", "bytes": whole[:14] + b"\xff" * 8 + whole[22:]}
    (source / "dev.jsonl.gz").write_bytes(broken[how])
    fails("wice", source, tmp_path / "ours")


def test_a_failure_leaves_an_empty_target_empty(tmp_path):
    target = tmp_path / "ours"
    target.mkdir()
    with pytest.raises(EvaluationError):
        convert("wice", tmp_path / "gone", target)
    assert [path.name for path in tmp_path.iterdir()] == ["ours"]
    assert list(target.iterdir()) == []


def public(name: str) -> Path:
    folder = PUBLIC / name
    if not folder.is_dir():
        pytest.skip(f"the public set {name} (../shared/eval) is not on this machine")
    return folder


@pytest.mark.parametrize(
    ("name", "texts", "queries", "judged"),
    [
        ("covidqa", None, 1380, 1380),
        ("mtrag_human", 1488, 179, 455),
        ("scifact", 5183, 300, 339),
        ("scifact_train", 5183, 809, 919),
    ],
)
def test_a_public_set_for_retrieval_is_converted_whole(tmp_path, name, texts, queries, judged):
    """The numbers are those that the sets are published with; papers of COVID-QA are cut into parts."""
    convert(name, public(name.removesuffix("_train")), tmp_path / "ours")
    held = {row.id for row in rows(tmp_path / "ours", "corpus.jsonl", TextRow)}
    asked = {row.id for row in rows(tmp_path / "ours", "queries.jsonl", QueryRow)}
    grades = judgements(tmp_path / "ours")
    assert texts is None or len(held) == texts
    assert len(asked) == queries
    assert sum(map(len, grades.values())) == judged
    assert grades.keys() <= asked
    assert {text for found in grades.values() for text in found} <= held


@pytest.mark.parametrize(
    ("name", "file", "form", "count", "yes"),
    [
        ("attributionbench", "claims.jsonl", ClaimRow, 1198, 599),
        ("clapnq", "pairs.jsonl", PairRow, 300, 150),
        ("expertqa", "claims.jsonl", ClaimRow, 2303, 1587),
        ("wice", "claims.jsonl", ClaimRow, 349, 115),
    ],
)
def test_a_public_set_of_decisions_is_converted_whole(tmp_path, name, file, form, count, yes):
    """Of ExpertQA, 2,303 of 2,788 claims have evidence."""
    convert(name, public(name), tmp_path / "ours")
    found = rows(tmp_path / "ours", file, form)
    assert len(found) == count
    assert sum(row.answerable if form is PairRow else row.supported for row in found) == yes
