"""What Word and PowerPoint files have in common: a zip archive of XML parts, which may be hostile or damaged."""

from __future__ import annotations

import io
import zipfile

from docx.opc.exceptions import OpcError
from docx.oxml.exceptions import InvalidXmlError

from spreadguide.errors import UnreadableDocument
from spreadguide.ingest.limits import MEGABYTE, IngestLimits

MOST_PARTS = 10_000
"""A Word file has tens of parts, a long slide deck some thousands with its pictures and notes."""

DAMAGE = (
    OpcError,
    InvalidXmlError,
    SyntaxError,
    zipfile.BadZipFile,
    zipfile.LargeZipFile,
    OSError,
    EOFError,
    KeyError,
    ValueError,
    IndexError,
    AttributeError,
    TypeError,
    NotImplementedError,
    RuntimeError,
)
"""What python-docx, python-pptx, lxml (its XML errors are syntax errors) and zipfile raise on files that are not what
they claim."""

_OLE_MARK = b"\xd0\xcf\x11\xe0"
"""First bytes of Microsoft's older container: an encrypted file, or one of the old kind."""


def check_package(data: bytes, path: str, limits: IngestLimits, program: str, ending: str) -> None:
    """Refuse a file that is encrypted, is no archive, or unpacks to more than the limit, before it is unpacked.

    The sizes in the archive's directory can be trusted: zipfile stops with an error where a part is longer.
    ``program`` and ``ending`` are for messages. Raises `UnreadableDocument`.
    """
    if data.startswith(_OLE_MARK):
        raise UnreadableDocument(
            f"{path} is protected by a password, or is an old {program} file.",
            hint=f"Open it in {program} and save it as {ending} without a password.",
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            parts = archive.infolist()
    except DAMAGE as error:
        raise damaged(path, program) from error
    size = sum(part.file_size for part in parts)
    if size > limits.docx_bytes or len(parts) > MOST_PARTS:
        raise UnreadableDocument(
            f"{path} unpacks to {size / MEGABYTE:.0f} MB in {len(parts)} parts; "
            f"the limit is {limits.docx_bytes / MEGABYTE:.0f} MB in {MOST_PARTS} parts.",
            hint="Check where the file comes from, or raise the limit (docx_bytes).",
        )


def damaged(path: str, program: str) -> UnreadableDocument:
    """Return the error for a file that cannot be opened as what its name says."""
    return UnreadableDocument(
        f"{path} is damaged, or not a {program} file.",
        hint=f"Open it in {program} and save it again, or remove it.",
    )
