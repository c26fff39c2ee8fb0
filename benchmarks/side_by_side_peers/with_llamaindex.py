"""LlamaIndex as its pages on `CitationQueryEngine` and `LlamaCPP` set it up: files of a folder, an index with defaults,
three hits, citation chunks of 512 tokens, the model's own chat format.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from line_protocol import MARKERS, Answering, answer_of, reports, serve
from llama_cpp.llama_chat_format import Jinja2ChatFormatter
from llama_index.core import Settings, SimpleDirectoryReader, VectorStoreIndex
from llama_index.core.llms import ChatMessage
from llama_index.core.query_engine import CitationQueryEngine
from llama_index.embeddings.huggingface import HuggingFaceEmbedding
from llama_index.llms.llama_cpp import LlamaCPP

HITS = 3
CHUNK_TOKENS = 512
PACKAGES = ("llama-index-core", "llama-index-llms-llama-cpp", "llama-index-embeddings-huggingface", "llama-cpp-python")


class ChatFormat:
    """Sets prompts in the chat format that the model file carries, which the page does with the model's tokenizer."""

    def __init__(self) -> None:
        self._formatter: Jinja2ChatFormatter | None = None

    def take_from(self, model: Any) -> None:
        """Read the format from a loaded model."""
        eos, bos = (model._model.token_get_text(token) for token in (model.token_eos(), model.token_bos()))
        template = model.metadata["tokenizer.chat_template"]
        self._formatter = Jinja2ChatFormatter(template=template, eos_token=eos, bos_token=bos)

    def messages(self, messages: Sequence[ChatMessage]) -> str:
        """Return the prompt for messages."""
        if self._formatter is None:
            raise RuntimeError("The format was not read from a model yet.")
        said: Any = [{"role": message.role.value, "content": message.content} for message in messages]
        return str(self._formatter(messages=said).prompt)

    def completion(self, text: str) -> str:
        """Return the prompt for one text."""
        return self.messages([ChatMessage(role="user", content=text)])


def build(given: dict[str, Any]) -> Answering:
    """Index the reports and load the model."""
    form = ChatFormat()
    Settings.embed_model = HuggingFaceEmbedding(model_name=given["embedder"])
    Settings.llm = LlamaCPP(
        model_path=given["model"],
        temperature=0.0,
        max_new_tokens=given["max_tokens"],
        context_window=given["context"],
        model_kwargs={"n_threads": given["threads"], "n_threads_batch": given["threads"]},
        messages_to_prompt=form.messages,
        completion_to_prompt=form.completion,
        verbose=False,
    )
    form.take_from(Settings.llm._model)
    documents = SimpleDirectoryReader(input_files=reports(given["corpus"])).load_data()
    index = VectorStoreIndex.from_documents(documents)
    engine = CitationQueryEngine.from_args(
        index, similarity_top_k=HITS, citation_chunk_size=CHUNK_TOKENS, streaming=True
    )

    def answering(question: str, first: Callable[[], None]) -> dict[str, Any]:
        response = engine.query(question)
        pieces = []
        for piece in response.response_gen:
            pieces.append(piece)
            if piece.strip():
                first()
        sources = [found.node.metadata["file_name"] for found in response.source_nodes]
        return answer_of("".join(pieces).strip(), sources, MARKERS)

    return answering


if __name__ == "__main__":
    serve(build, PACKAGES)
