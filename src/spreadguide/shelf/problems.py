"""What is wrong with a folder of reports: one value for every finding."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Problem:
    """One finding about a file of the folder.

    ``path`` is relative to the folder, empty where the finding is about the folder as a whole; ``line`` counts from 1.
    ``cure`` says what to do. A ``note`` is worth knowing, but nothing has to be done.
    """

    path: str
    what: str
    cure: str = ""
    line: int | None = None
    note: bool = False

    @property
    def place(self) -> str:
        """The file, and the line where it is known, as "report.md:12"."""
        return f"{self.path}:{self.line}" if self.line else self.path
