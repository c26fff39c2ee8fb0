"""What one browser tab remembers. It lives in the page itself: the server keeps no conversation."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from spreadguide.api.schemas import MAX_HISTORY_TURNS, MAX_TURN_CHARACTERS, AnswerOut, HistoryTurn
from spreadguide_ui.markup import plain


class Conversation(BaseModel):
    """Earlier messages, oldest first, and the question that is being answered now.

    It comes back from the browser with every question, so it is checked like any other input.
    """

    model_config = ConfigDict(extra="forbid")

    history: list[HistoryTurn] = Field(default_factory=list, max_length=MAX_HISTORY_TURNS)
    pending: str | None = None

    @classmethod
    def read(cls, value: object) -> Conversation:
        """Read what the browser sent; anything else than a conversation starts a new one."""
        try:
            return cls.model_validate(value if value is not None else {})
        except ValidationError:
            return cls()

    def asking(self, question: str) -> Conversation:
        """Return the conversation while ``question`` is being answered."""
        return Conversation(history=self.history, pending=question)

    def answered(self, answer: AnswerOut) -> Conversation:
        """Return the conversation with the answer added, cut to the newest messages that the API accepts."""
        added = [
            HistoryTurn(role="user", content=answer.question[:MAX_TURN_CHARACTERS]),
            HistoryTurn(role="assistant", content=plain(answer.text)[:MAX_TURN_CHARACTERS]),
        ]
        return Conversation(history=[*self.history, *added][-MAX_HISTORY_TURNS:])

    def given_up(self) -> Conversation:
        """Return the conversation without the question that was not answered."""
        return Conversation(history=self.history)
