"""How much of a file, and how much of the machine, reading one report may take."""

from __future__ import annotations

from dataclasses import dataclass

MEGABYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class IngestLimits:
    """Bounds on untrusted files; reports of NHS bodies stay far below every default.

    ``file_bytes`` is the largest file that is read. ``pdf_pages``, ``pdf_seconds`` and ``pdf_memory_bytes`` bound
    one PDF, which is read in a process of its own. ``ocr_pages`` is how many of its pages are read by text recognition
    at most (0 switches that off), and ``ocr_seconds`` bounds the time for each. ``docx_bytes`` bounds a Word file once
    it is unpacked.
    """

    file_bytes: int = 25 * MEGABYTE
    pdf_pages: int = 1000
    pdf_seconds: float = 180.0
    pdf_memory_bytes: int = 1024 * MEGABYTE
    ocr_pages: int = 100
    ocr_seconds: float = 60.0
    docx_bytes: int = 200 * MEGABYTE
