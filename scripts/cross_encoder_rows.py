"""Rows that the cross-encoder is trained on: pairs of a question and a passage, and of a claim and its evidence.

The public sets are read as they lie in ``--train`` and ``--eval`` (see docs/model-card.md for names, sizes and
licences). Only splits that may train shipped weights are used, and every row whose question or claim occurs in a set
that results are reported on is dropped. Long texts are cut to the part that matters, as they are when answering.

Training goes in three parts. The first is broad: `Source.relevance` and `Source.claims`. The second is nearer to what
the model is for: `Source.relevance_again` and `Source.claims_again`, with more rows of our own, some about papers.
The third is in listed_rows.py.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any
from zlib import crc32

from spreadguide.text import sentences, terms

OWN = Path(__file__).parent / "training"
CORPUS = Path(__file__).parent.parent / "corpus"
SEED = 20261122
PASSAGE_WORDS = 90
"""Words of the longest passage of a question: training time grows with length."""
EVIDENCE_WORDS = 110
"""Words of the longest evidence of a claim."""
_TURNED = """
increase decrease; increased decreased|halved; increases decreases; increasing decreasing; rise fall; rose fell; rising
falling; risen fallen; grew shrank; grown shrunk; higher lower; highest lowest; more fewer|less; better worse; improved
worsened; improves worsens; gained lost; larger smaller; largest smallest; longer shorter; faster slower; greater
smaller; above below; before after; earlier later; first last; early late; most few|all; many few|no; some all|no; few
most|many; several no|two; none some|all; every some|no; each no; always sometimes|never; often rarely|never; usually
rarely; never often; may will|must; might will; could will; can cannot; should need; likely certain|unlikely; suggests
proves; suggested proved; half third|all|quarter; quarter half; twice half; only also; with without; without with;
women men; men women; adults children; children adults; patients staff|doctors|managers; nurses doctors|managers; staff
patients; hospitals practices|homes; urban rural; rural urban; national local; local national; public private; public
commercial; positive negative; strong weak; weak strong; helped failed|refused; easier harder; harder easier; agreed
refused; accepted rejected; support oppose; cause follow; because although|despite; reduced raised|increased; reduces
raises; reduce raise; cut raised; old new; new old; short long; high low; low high; same different; different same
"""
TURNED: dict[str, str] = {}
"""A word that a claim turns on, and what may take its place, between bars. "Some" does not stand for "all": what is
true of all is true of some."""
for _pair in _TURNED.split(";"):
    _old, _new = _pair.split()
    TURNED.setdefault(_old, _new)

HELD_OUT = 8
"""One in so many groups (questions, articles) is left out of training, for choosing and calibrating."""


@dataclass(frozen=True, slots=True)
class Pair:
    """``first`` is a question or claim, ``second`` what is to answer or support it; ``group`` is never split."""

    first: str
    second: str
    label: int
    group: str

    @property
    def held_out(self) -> bool:
        """Whether the pair is kept for choosing and calibrating."""
        return crc32(self.group.encode()) % HELD_OUT == 0


def key(text: str) -> str:
    """Return ``text`` as it is compared between sets: letters and digits only."""
    return re.sub(r"\W+", " ", text.lower()).strip()


def rows(path: Path) -> list[dict[str, Any]]:
    """Return the rows of a file of JSON lines, compressed or not."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [json.loads(line) for line in content.decode("utf-8").split("\n") if line.strip()]


def window(about: str, text: str, most: int, must: Iterable[str] = ()) -> str:
    """Return the sentences of ``text`` that share most words with ``about``, in their order, ``most`` words at most.

    Sentences that hold one of ``must`` come first.
    """
    pieces = [text[span.start : span.end] for span in sentences(text)] or [text]
    wanted = set(terms(about))
    answers = [key(answer) for answer in must if key(answer)]

    def worth(place: int) -> tuple[bool, float, int]:
        piece = pieces[place]
        held = any(answer in key(piece) for answer in answers)
        own = set(terms(piece))
        return held, len(own & wanted) / (len(own) + 3) ** 0.5, -place

    chosen: list[int] = []
    size = 0
    for place in sorted(range(len(pieces)), key=worth, reverse=True):
        length = len(pieces[place].split())
        if chosen and size + length > most:
            continue
        chosen.append(place)
        size += length
    return " ".join(" ".join(pieces[place].split()[: most + 40]) for place in sorted(chosen))


def sharing(about: str, lines: Sequence[str]) -> list[str]:
    """Return the lines with those first that share most words with ``about``, for their length."""
    wanted = set(terms(about))

    def worth(line: str) -> float:
        own = known_terms(line)
        return len(set(own) & wanted) / (len(own) + 3) ** 0.5

    return sorted(lines, key=worth, reverse=True)


@cache
def known_terms(line: str) -> tuple[str, ...]:
    """Return the terms of a line, which is compared with many questions."""
    return tuple(terms(line))


class Source:
    """The folders that rows are read from, and what must not be trained on; ``again`` for the second part."""

    def __init__(self, train: Path, evaluation: Path, papers: Path, *, again: bool = False) -> None:
        self.train = train
        self.evaluation = evaluation
        self.random = random.Random(SEED + again)
        self.reported = self._reported()
        attribution = rows(evaluation / "attributionbench" / "dev.jsonl.gz")
        self.shared_questions = {key(row["question"]) for row in attribution}
        self._papers = {row["_id"]: row for row in rows(papers)}
        self.again = again
        self._briefs: dict[str, tuple[str, str]] = {}
        for path in sorted(CORPUS.glob("*.md")):
            if path.name != "README.md":
                _, front, body = path.read_text("utf-8").split("---\n", 2)
                title = re.search(r'^title: "?(.*?)"?$', front, re.MULTILINE)
                self._briefs[path.name] = (title[1] if title else "", body)

    def _reported(self) -> set[str]:
        found = {key(row["claim"]) for row in rows(self.evaluation / "attributionbench" / "dev.jsonl.gz")}
        found |= {key(row["question"]) for row in rows(self.evaluation / "clapnq" / "dev_a.jsonl.gz")}
        found |= {key(row["claim"]) for row in rows(self.evaluation / "wice" / "dev.jsonl.gz")}
        found |= {key(row["text"]) for row in rows(self.evaluation / "scifact" / "claims_test.jsonl.gz")}
        for row in rows(self.evaluation / "mtrag_human" / "queries.jsonl"):
            found.add(key(row["lastturn"]))
        return found

    def take(self, pairs: Iterable[Pair], most: int | None = None) -> list[Pair]:
        """Return at most ``most`` of the pairs, chosen at random, without those of reported sets."""
        kept = [pair for pair in pairs if key(pair.first) not in self.reported and len(pair.second.split()) > 3]
        self.random.shuffle(kept)
        return kept[:most]

    def relevance(self) -> dict[str, list[Pair]]:
        """Return pairs of question and passage by set; label 1 says that the passage answers the question."""
        folder = self.train / "relevance"
        squad = rows(folder / "squad_dev.jsonl.gz")
        return {
            "squad_answered": self.take(self._answered(squad), 2000),
            "squad_unanswerable": self.take(self._unanswerable(squad), 2000),
            "squad_negatives": self.take(self._negatives(squad, 1), 800),
            "squad_sentences": self.take(self._answered(rows(folder / "squad_sent_nqg.jsonl.gz")), 1500),
            "squad_sentence_negatives": self.take(self._negatives(rows(folder / "squad_sent_nqg.jsonl.gz"), 1), 1500),
            "qnli": self.take(self._judged(rows(folder / "qnli_dev.jsonl.gz")), 2000),
            "boolq": self.take(self._answered(rows(folder / "boolq_olora.jsonl.gz")), 600),
            "boolq_negatives": self.take(self._negatives(rows(folder / "boolq_olora.jsonl.gz"), 1), 600),
            "nq": self.take(self._answered(rows(folder / "qed_nq_dev.jsonl.gz"))),
            "nq_negatives": self.take(self._negatives(rows(folder / "qed_nq_dev.jsonl.gz"), 1)),
            "doc2dial": self.take(self._answered(rows(folder / "doc2dial_val.jsonl.gz")), 600),
            "doc2dial_negatives": self.take(self._negatives(rows(folder / "doc2dial_val.jsonl.gz"), 1), 600),
            "covidqa": self.take(self._covidqa(), 1500),
            "scifact": self.take(self._scifact_abstracts()),
            "own_questions": self.take(self._own_questions()),
        }

    def _answered(self, found: list[dict[str, Any]]) -> Iterator[Pair]:
        for row in found:
            if row["label"] == 1:
                text = window(row["question"], row["passage"], PASSAGE_WORDS, row.get("answers") or ())
                yield Pair(row["question"], text, 1, str(row.get("title") or row["passage"][:80]))

    def _judged(self, found: list[dict[str, Any]]) -> Iterator[Pair]:
        for row in found:
            yield Pair(row["question"], row["passage"], row["label"], row["passage"][:80])

    def _unanswerable(self, found: list[dict[str, Any]]) -> Iterator[Pair]:
        for row in found:
            if row["label"] == 0:
                text = window(row["question"], row["passage"], PASSAGE_WORDS, row.get("answers") or ())
                yield Pair(row["question"], text, 0, str(row["title"]))

    def _negatives(self, found: list[dict[str, Any]], each: int) -> Iterator[Pair]:
        """Passages that share words with a question; those that hold its answer are left out."""
        for row in found:
            answers = [key(answer) for answer in row.get("answers") or () if key(answer)]
            for text in (row.get("negatives") or [])[:each]:
                if row["label"] == 1 and not any(answer in key(text) for answer in answers):
                    group = str(row.get("title") or row["passage"][:80])
                    yield Pair(row["question"], window(row["question"], text, PASSAGE_WORDS), 0, group)

    def _covidqa(self) -> Iterator[Pair]:
        papers = {
            row["_id"]: [row["text"][span.start : span.end] for span in sentences(row["text"])]
            for row in rows(self.evaluation / "covidqa" / "corpus.jsonl.gz")
        }
        for row in rows(self.evaluation / "covidqa" / "queries.jsonl.gz"):
            if not row["answers"]:
                continue
            answer = row["answers"][0]["text"]
            lines = papers[row["doc_id"]]
            place = next((n for n, line in enumerate(lines) if key(answer)[:60] in key(line)), None)
            if place is None:
                continue
            near = " ".join(lines[max(0, place - 1) : place + 2])
            yield Pair(row["question"], window(row["question"], near, PASSAGE_WORDS, [answer]), 1, row["doc_id"])
            far = [line for n, line in enumerate(lines) if abs(n - place) > 2 and len(line.split()) > 6]
            for line in sharing(row["question"], far)[1:3]:
                yield Pair(row["question"], line, 0, row["doc_id"])

    def _scifact_abstracts(self) -> Iterator[Pair]:
        """Claims of the training split with their abstracts, and with abstracts that share most words with them."""
        import bm25s

        corpus = rows(self.evaluation / "scifact" / "corpus.jsonl.gz")
        texts = {row["_id"]: f"{row['title']}. {row['text']}" for row in corpus}
        ids = list(texts)
        index = bm25s.BM25()
        index.index([terms(text) for text in texts.values()], show_progress=False)
        right: dict[str, set[str]] = {}
        for line in (self.evaluation / "scifact" / "qrels_train.tsv").read_text("utf-8").splitlines()[1:]:
            claim, document, _ = line.split("\t")
            right.setdefault(claim, set()).add(document)
        for row in rows(self.evaluation / "scifact" / "claims_train.jsonl.gz"):
            good = right.get(row["_id"], set())
            found, _ = index.retrieve([terms(row["text"])], k=30, show_progress=False)
            near = [ids[place] for place in found[0] if ids[place] not in good]
            for document in sorted(good):
                yield Pair(row["text"], window(row["text"], texts[document], 120), 1, row["_id"])
            for document in [near[0], self.random.choice(near[1:])]:
                yield Pair(row["text"], window(row["text"], texts[document], 120), 0, row["_id"])

    def relevance_again(self) -> dict[str, list[Pair]]:
        """Return pairs of question and passage for the second part of training."""
        folder = self.train / "relevance"
        squad = rows(folder / "squad_dev.jsonl.gz")
        return {
            "squad_answered": self.take(self._answered(squad), 700),
            "squad_unanswerable": self.take(self._unanswerable(squad), 900),
            "qnli": self.take(self._judged(rows(folder / "qnli_dev.jsonl.gz")), 900),
            "nq": self.take(self._answered(rows(folder / "qed_nq_dev.jsonl.gz")), 600),
            "nq_negatives": self.take(self._negatives(rows(folder / "qed_nq_dev.jsonl.gz"), 1), 600),
            "doc2dial": self.take(self._answered(rows(folder / "doc2dial_val.jsonl.gz")), 500),
            "doc2dial_negatives": self.take(self._negatives(rows(folder / "doc2dial_val.jsonl.gz"), 1), 500),
            "covidqa": self.take(self._covidqa(), 600),
            "scifact": self.take(self._scifact_abstracts(), 600),
            "own_questions": self.take(self._own_questions()),
            "more_questions": self.take(self._own_questions("more_questions.jsonl")),
            "paper_questions": self.take(self._paper_questions()),
        }

    def section(self, paper: str, number: int) -> dict[str, str]:
        """Return a section of a paper: its ``head`` and its ``text``."""
        found: dict[str, str] = self._papers[paper]["sections"][number]
        return found

    def excerpt(self, row: dict[str, Any]) -> str:
        """Return the words of a paper that one of our rows is about; the row says where they stand."""
        section = self.section(row["paper"], row["section"])
        return " ".join(section["text"][row["start"] : row["end"]].split())

    def paper_title(self, row: dict[str, Any]) -> str:
        """Return the title of the paper that one of our rows is about."""
        return str(self._papers[row["paper"]]["title"])

    def _paper_questions(self) -> Iterator[Pair]:
        """Our own questions on lines of papers: one that the line answers, one that it only seems to."""
        for row in rows(OWN / "paper_questions.jsonl"):
            yield Pair(
                row["question"], f"{self.paper_title(row)} {self.excerpt(row)}", int(row["answered"]), row["paper"]
            )

    def _paper_claims(self) -> Iterator[Pair]:
        """Our own claims on lines of papers."""
        for row in rows(OWN / "paper_claims.jsonl"):
            yield Pair(
                row["claim"], f"{self.paper_title(row)} {self.excerpt(row)}", int(row["supported"]), row["paper"]
            )

    def _own_questions(self, name: str = "questions.jsonl") -> Iterator[Pair]:
        """Our own questions on half of the briefs, with the lines that answer them and with lines that do not."""
        for row in rows(OWN / name):
            brief = row["brief"]
            near = sharing(row["question"], self.lines(brief))
            answer = row["answer"]
            if answer:
                yield Pair(row["question"], self.with_title(brief, answer), 1, row["question"])
                near = [line for line in near if key(line) not in key(answer) and key(answer) not in key(line)]
            for line in near[: 2 if answer else 3]:
                yield Pair(row["question"], self.with_title(brief, line), 0, row["question"])
            if answer:
                other = self.random.choice(sorted(self._briefs))
                line = self.with_title(other, self.random.choice(self.lines(other)))
                yield Pair(row["question"], line, 0, row["question"] if self.again else "other")

    def _own_claims(self, name: str = "claims.jsonl") -> Iterator[Pair]:
        """Our own claims on half of the briefs: paraphrases, and the same with one thing changed."""
        for row in rows(OWN / name):
            evidence = self.with_title(row["brief"], row["evidence"])
            yield Pair(row["claim"], evidence, int(row["supported"]), row["evidence"][:80])

    def title(self, brief: str, line: str) -> str:
        """Return title and heading of a line, as they stand before evidence when answering."""
        title, body = self._briefs[brief]
        place = key(body).find(key(line)[:60])
        heading = ""
        for match in re.finditer(r"^## (.+)$", body, re.MULTILINE):
            if len(key(body[: match.start()])) <= place:
                heading = match[1]
        return f"{title}. {heading}".strip()

    def with_title(self, brief: str, line: str) -> str:
        """Return a line of a brief with its title and heading before it."""
        return f"{self.title(brief, line)} {' '.join(line.split())}"

    def lines(self, brief: str) -> list[str]:
        """Return the paragraphs and lists of a brief, without headings and sources."""
        found = []
        lead = ""
        for block in re.split(r"\n\s*\n", self._briefs[brief][1]):
            block = block.strip()
            if not block or block.startswith(("#", "Source:")):
                lead = ""
                continue
            if block.startswith("- ") and lead:
                found.append(f"{lead} {block}")
            else:
                found += [block[span.start : span.end] for span in sentences(block)]
            lead = block if block.endswith(":") else ""
        return [line for line in found if len(line.split()) > 4]

    def claims_again(self) -> dict[str, list[Pair]]:
        """Return pairs of claim and evidence for the second part of training."""
        most = {
            "begin_wow_cmu": 800,
            "begin_topicalchat_cdla": 200,
            "snli_devtest": 500,
            "cad_nli": 1500,
            "fever_dev_rte": 3000,
            "hans_generated": 300,
            "help_conjdisj": 300,
            "mnli_olora": 3000,
            "semiauto_nli_wiki": 3000,
        }
        found = self._public_claims(most)
        found["expertqa"] = self.take(self._expertqa())
        found["scifact_claims"] = self.take(self._scifact_claims())
        found["own_claims"] = self.take(self._own_claims())
        found["more_claims"] = self.take(self._own_claims("more_claims.jsonl"))
        found["paper_claims"] = self.take(self._paper_claims())
        everything = [pair for pairs in found.values() for pair in pairs]
        found["other_numbers"] = self.take(self._other_numbers(everything), 500)
        found["other_words"] = self.take(self._other_words(everything), 1500)
        found["other_evidence"] = self.take(self._other_evidence(everything), 500)
        return found

    def claims(self) -> dict[str, list[Pair]]:
        """Return pairs of claim and evidence by set; label 1 says that the evidence supports the whole claim."""
        most = {
            "begin_wow_cmu": 2500,
            "snli_devtest": 2000,
            "cad_nli": 3000,
            "fever_dev_rte": 6000,
            "hans_generated": 800,
            "help_conjdisj": 800,
            "mnli_olora": 5000,
            "semiauto_nli_wiki": 4000,
        }
        found = self._public_claims(most)
        found["expertqa"] = self.take(self._expertqa())
        found["own_claims"] = self.take(self._own_claims())
        found["scifact_claims"] = self.take(self._scifact_claims())
        everything = [pair for pairs in found.values() for pair in pairs]
        found["other_numbers"] = self.take(self._other_numbers(everything), 1500)
        found["other_evidence"] = self.take(self._other_evidence(everything), 1500)
        return found

    def _public_claims(self, most: dict[str, int]) -> dict[str, list[Pair]]:
        found = {}
        for path in sorted((self.train / "claims").glob("*.jsonl.gz")):
            name = path.name.removesuffix(".jsonl.gz")
            pairs = [
                Pair(
                    row["claim"],
                    window(row["claim"], row["evidence"], EVIDENCE_WORDS),
                    int(row["label"] == "supported"),
                    row["evidence"][:80],
                )
                for row in rows(path)
            ]
            found[name] = self.take(pairs, most.get(name))
        return found

    def _expertqa(self) -> Iterator[Pair]:
        for row in rows(self.evaluation / "expertqa" / "claims.jsonl.gz"):
            evidence = "\n".join(row["evidence"]) if isinstance(row["evidence"], list) else row["evidence"]
            if self.again and key(row["question"]) in self.shared_questions:
                continue
            if evidence.strip() and row["claim"].strip():
                text = window(row["claim"], re.sub(r"https?://\S+", " ", evidence), EVIDENCE_WORDS + 30)
                yield Pair(row["claim"], text, int(row["support"] == "Complete"), row["question"])

    def _scifact_claims(self) -> Iterator[Pair]:
        corpus = {row["_id"]: row for row in rows(self.evaluation / "scifact" / "corpus.jsonl.gz")}
        for row in rows(self.evaluation / "scifact" / "claims_train.jsonl.gz"):
            for document in row["cited_doc_ids"][:1]:
                text = corpus[document]["text"]
                label = int(row["label"] in {"SUPPORT", "SUPPORTS"})
                yield Pair(row["text"], window(row["text"], text, EVIDENCE_WORDS), label, row["_id"])

    def _other_numbers(self, pairs: list[Pair]) -> Iterator[Pair]:
        """Supported claims in which one number is another: of the evidence where it has one, or near the right one."""
        for pair in pairs:
            found = re.findall(r"\b\d+(?:\.\d+)?\b", pair.first)
            if pair.label == 0 or not found:
                continue
            old = self.random.choice(found)
            others = [number for number in re.findall(r"\b\d+(?:\.\d+)?\b", pair.second) if number not in found]
            near = str(max(1, int(float(old)) + self.random.choice([-3, -2, -1, 1, 2, 3, 10])))
            new = self.random.choice([*others, near])
            if new != old:
                yield Pair(re.sub(rf"\b{re.escape(old)}\b", new, pair.first, count=1), pair.second, 0, pair.group)

    def _other_words(self, pairs: list[Pair]) -> Iterator[Pair]:
        """Supported claims in which one word that a claim turns on gives way to one that says another thing."""
        for pair in pairs:
            found = [word for word in re.findall(r"[A-Za-z]+", pair.first) if word in TURNED]
            if pair.label == 0 or not found:
                continue
            old = self.random.choice(found)
            new = self.random.choice(TURNED[old].split("|"))
            if not re.search(rf"\b{new}\b", pair.first):
                yield Pair(re.sub(rf"\b{old}\b", new, pair.first, count=1), pair.second, 0, pair.group)

    def _other_evidence(self, pairs: list[Pair]) -> Iterator[Pair]:
        """Supported claims with the evidence of another claim of the same words, where there is one."""
        by_word: dict[str, list[Pair]] = {}
        rare = Counter(term for pair in pairs for term in set(terms(pair.first)))
        for pair in pairs:
            for term in set(terms(pair.first)):
                if 2 <= rare[term] <= 40:
                    by_word.setdefault(term, []).append(pair)
        for pair in pairs:
            near = [other for term in set(terms(pair.first)) for other in by_word.get(term, ())]
            near = [other for other in near if other.group != pair.group]
            if pair.label == 1 and near:
                yield Pair(pair.first, self.random.choice(near).second, 0, pair.group)
