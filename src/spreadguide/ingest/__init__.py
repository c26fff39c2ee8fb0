"""Bytes to `Document`: the catalogue, one reader per format, cleaning, and the walk through a folder."""

from spreadguide.ingest.assemble import READERS, read_document
from spreadguide.ingest.builder import DocumentBuilder, Piece
from spreadguide.ingest.catalogue import Catalogue, Entry, read_catalogue
from spreadguide.ingest.folder import Corpus, CorpusFile, Scan, read_corpus, scan_corpus
from spreadguide.ingest.limits import IngestLimits

__all__ = [
    "READERS",
    "Catalogue",
    "Corpus",
    "CorpusFile",
    "DocumentBuilder",
    "Entry",
    "IngestLimits",
    "Piece",
    "Scan",
    "read_catalogue",
    "read_corpus",
    "read_document",
    "scan_corpus",
]
