"""Every error SpreadGuide raises on purpose, and what the reader can do about each.

SpreadGuideError
├── ConfigError                a setting, a settings file or a command-line value is wrong
├── QuestionError              the question cannot be asked as it stands (empty, too long)
├── IngestError
│   ├── UnreadableDocument     one file cannot be read: corrupt, encrypted, empty, of another kind
│   ├── EmptyCorpus            the folder holds no report that can be read
│   └── FetchFailed            a report could not be fetched from the web
├── IndexingError
│   ├── IndexMissing           no index has been built at that place
│   ├── IndexMismatch          the index was built by another embedder, chunker or format
│   ├── IndexCorrupt           a file of the index is damaged
│   └── IndexLocked            another build holds the lock
├── ModelError
│   ├── UnknownModel           no such id in the catalogue
│   ├── ModelMissing           the file is not on this machine
│   ├── ModelCorrupt           the file's size or SHA-256 differs from the catalogue's
│   ├── ModelFetchFailed       every source of the file failed
│   └── GeneratorUnavailable   the generator is loading, crashed, busy or out of memory
├── EvaluationError           an evaluation set or a stored run is not in the form it must have
├── NotFound                   no source or passage with that id
└── PortInUse                  something else listens on the port
"""


class SpreadGuideError(Exception):
    """Base of all deliberate errors.

    ``message`` says what went wrong and ``hint`` what to do next, both in plain English.
    """

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class ConfigError(SpreadGuideError):
    """A setting, a settings file or a command-line value is wrong."""


class QuestionError(SpreadGuideError):
    """The question cannot be asked as it stands."""


class IngestError(SpreadGuideError):
    """Something about the report folder is wrong."""


class UnreadableDocument(IngestError):
    """One file cannot be read; the rest of the folder still can."""


class EmptyCorpus(IngestError):
    """The folder holds no report that can be read."""


class FetchFailed(IngestError):
    """A report could not be fetched; nothing was added to the folder."""


class IndexingError(SpreadGuideError):
    """The index cannot be built or used."""


class IndexMissing(IndexingError):
    """No index has been built at that place."""


class IndexMismatch(IndexingError):
    """The index was built by another embedder, chunker or format version."""


class IndexCorrupt(IndexingError):
    """A file of the index is damaged or missing."""


class IndexLocked(IndexingError):
    """Another build of the same index is running."""


class ModelError(SpreadGuideError):
    """A model file or the process that runs it is not usable."""


class UnknownModel(ModelError):
    """No model with that id is in the catalogue."""


class ModelMissing(ModelError):
    """The model's file is not on this machine."""


class ModelCorrupt(ModelError):
    """The model's file differs in size or SHA-256 from the catalogue."""


class ModelFetchFailed(ModelError):
    """Every source of the model's file failed."""


class GeneratorUnavailable(ModelError):
    """The generator is loading, crashed, busy or out of memory."""


class EvaluationError(SpreadGuideError):
    """An evaluation set or a stored run is not in the form it must have."""


class NotFound(SpreadGuideError):
    """No source or passage has that id."""


class PortInUse(SpreadGuideError):
    """Something else already listens on the port."""
