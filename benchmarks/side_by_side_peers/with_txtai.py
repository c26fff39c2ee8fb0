"""txtai as its guide to retrieval and citations sets it up: one row per paragraph, a content database, the pipeline
`RAG` with that guide's prompt and ``output="reference"``. The reference is known when the answer is whole, so nothing
is streamed: the first words come with the last.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from line_protocol import WHOLE, Answering, answer_of, reports, serve
from txtai import RAG, Embeddings
from txtai.pipeline import Textractor

PACKAGES = ("txtai", "llama-cpp-python")

TEMPLATE = """
  Answer the following question using the provided context.

  Question:
  {question}

  Context:
  {context}
"""


def rows(corpus: str) -> Iterator[tuple[str, str]]:
    """Yield each paragraph of each report with an id that begins with the file's name."""
    textractor = Textractor(paragraphs=True)
    for path in reports(corpus):
        for number, paragraph in enumerate(textractor(path)):
            yield f"{Path(path).name}#{number}", paragraph


def build(given: dict[str, Any]) -> Answering:
    """Index the reports and load the model."""
    embeddings = Embeddings(content=True, path=given["embedder"])
    embeddings.index(rows(given["corpus"]))
    rag = RAG(
        embeddings,
        given["model"],
        template=TEMPLATE,
        output="reference",
        n_ctx=given["context"],
        n_threads=given["threads"],
        n_threads_batch=given["threads"],
    )

    def answering(question: str, first: Callable[[], None]) -> dict[str, Any]:
        del first
        found = rag(question, maxlength=given["max_tokens"], temperature=0.0)
        reference = found["reference"]
        return answer_of(found["answer"].strip(), [reference.partition("#")[0]] if reference else [], WHOLE)

    return answering


if __name__ == "__main__":
    serve(build, PACKAGES)
