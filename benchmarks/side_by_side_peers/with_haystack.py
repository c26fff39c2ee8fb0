"""Haystack as its page on `LlamaCppChatGenerator` sets up retrieval and answers: cosine, three hits, the prompt of that
page, batches of 128. The reports are read and cut as its page on `DocumentSplitter` does, by that component's defaults.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from haystack import Pipeline
from haystack.components.builders import ChatPromptBuilder
from haystack.components.builders.answer_builder import AnswerBuilder
from haystack.components.converters import TextFileToDocument
from haystack.components.preprocessors import DocumentCleaner, DocumentSplitter
from haystack.components.retrievers.in_memory import InMemoryEmbeddingRetriever
from haystack.components.writers import DocumentWriter
from haystack.dataclasses import ChatMessage, StreamingChunk
from haystack.document_stores.in_memory import InMemoryDocumentStore
from haystack_integrations.components.embedders.sentence_transformers import (
    SentenceTransformersDocumentEmbedder,
    SentenceTransformersTextEmbedder,
)
from haystack_integrations.components.generators.llama_cpp import LlamaCppChatGenerator
from line_protocol import WHOLE, Answering, answer_of, reports, serve

HITS = 3
BATCH = 128
PACKAGES = ("haystack-ai", "llama-cpp-haystack", "sentence-transformers-haystack", "llama-cpp-python")

TEMPLATE = [
    ChatMessage.from_system(
        "Answer the question using the provided context.\n"
        "Context:\n"
        "{% for doc in documents %}\n    {{ doc.content }}\n{% endfor %}"
    ),
    ChatMessage.from_user("Question: {{question}}"),
    ChatMessage.from_assistant("Answer: "),
]


def index(given: dict[str, Any]) -> InMemoryDocumentStore:
    """Read, cut and embed the reports."""
    store = InMemoryDocumentStore(embedding_similarity_function="cosine")
    pipeline = Pipeline()
    pipeline.add_component("converter", TextFileToDocument())
    pipeline.add_component("cleaner", DocumentCleaner())
    pipeline.add_component("splitter", DocumentSplitter())
    pipeline.add_component("embedder", SentenceTransformersDocumentEmbedder(model=given["embedder"]))
    pipeline.add_component("writer", DocumentWriter(document_store=store))
    for one, other in (("converter", "cleaner"), ("cleaner", "splitter"), ("splitter", "embedder")):
        pipeline.connect(one, other)
    pipeline.connect("embedder", "writer")
    pipeline.run({"converter": {"sources": reports(given["corpus"])}})
    return store


def build(given: dict[str, Any]) -> Answering:
    """Index the reports and load the model."""
    store = index(given)
    begun: list[Callable[[], None]] = []

    def streamed(chunk: StreamingChunk) -> None:
        if chunk.content and chunk.content.strip():
            begun[-1]()

    generator = LlamaCppChatGenerator(
        model=given["model"],
        n_ctx=given["context"],
        n_batch=BATCH,
        model_kwargs={"n_threads": given["threads"], "n_threads_batch": given["threads"], "verbose": False},
        streaming_callback=streamed,
    )
    pipeline = Pipeline()
    pipeline.add_component("text_embedder", SentenceTransformersTextEmbedder(model=given["embedder"]))
    pipeline.add_component("retriever", InMemoryEmbeddingRetriever(document_store=store, top_k=HITS))
    pipeline.add_component("prompt_builder", ChatPromptBuilder(template=TEMPLATE, required_variables="*"))
    pipeline.add_component("llm", generator)
    pipeline.add_component("answer_builder", AnswerBuilder())
    pipeline.connect("text_embedder", "retriever")
    pipeline.connect("retriever", "prompt_builder.documents")
    pipeline.connect("prompt_builder", "llm")
    pipeline.connect("llm", "answer_builder")
    pipeline.connect("retriever", "answer_builder.documents")
    pipeline.warm_up()

    def answering(question: str, first: Callable[[], None]) -> dict[str, Any]:
        begun.append(first)
        done = pipeline.run(
            {
                "text_embedder": {"text": question},
                "prompt_builder": {"question": question},
                "llm": {"generation_kwargs": {"max_tokens": given["max_tokens"], "temperature": 0.0}},
                "answer_builder": {"query": question},
            }
        )
        answer = done["answer_builder"]["answers"][0]
        return answer_of(answer.data.strip(), [one.meta["file_path"] for one in answer.documents], WHOLE)

    return answering


if __name__ == "__main__":
    serve(build, PACKAGES)
