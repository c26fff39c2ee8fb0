"""Every setting: an option, an environment variable SPREADGUIDE_…, a line in spreadguide.toml, in that order."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from platformdirs import user_data_path
from pydantic import AfterValidator, Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    TomlConfigSettingsSource,
)

from spreadguide.errors import ConfigError
from spreadguide.types import DenseKind

if TYPE_CHECKING:
    from spreadguide.ingest import IngestLimits

DEFAULT_MODEL = "qwen2.5-coder-1.5b-instruct"
DEFAULT_EMBEDDER = "all-MiniLM-L6-v2"
SETTINGS_FILE = "spreadguide.toml"
MEGABYTE = 1024 * 1024


def _default_corpus() -> Path:
    """The folder ``corpus`` where there is one here, else the briefs that came with the package."""
    here = Path("corpus")
    return here if here.is_dir() else Path(str(files("spreadguide") / "_corpus"))


def _default_index() -> Path:
    """The folder ``index`` beside a folder ``corpus`` here, else a folder of the user's own."""
    return Path("index") if Path("corpus").is_dir() else user_data_path("spreadguide", appauthor=False) / "index"


def _from_home(path: Path) -> Path:
    """Read a leading ``~`` as the user's own folder, as a shell does for options."""
    try:
        return path.expanduser()
    except RuntimeError as error:
        raise ValueError(str(error)) from error


Folder = Annotated[Path, AfterValidator(_from_home)]


class Settings(BaseSettings):
    """All settings with their defaults; an unknown key is an error, not a silence."""

    model_config = SettingsConfigDict(
        env_prefix="SPREADGUIDE_",
        env_ignore_empty=True,
        extra="forbid",
        hide_input_in_errors=True,
        toml_file=SETTINGS_FILE,
    )

    corpus_dir: Folder = Field(default_factory=_default_corpus, description="Folder of reports.")
    index_dir: Folder = Field(default_factory=_default_index, description="Folder of the built index.")
    host: str = Field("127.0.0.1", description="Address to serve on. The default is this machine only.")
    port: int = Field(8000, ge=1, le=65535, description="Port to serve on.")
    use_generator: bool = Field(True, description="Whether a model writes answers; without, they are quotes.")
    model: str = Field(DEFAULT_MODEL, description="Generator: an id of the catalogue, or a path to a GGUF file.")
    open_questions: Literal["quoted", "written"] = Field(
        "quoted",
        description="Questions that ask for no number, date or name: quoted from the reports, or written by the model.",
    )
    models_dir: Folder | None = Field(None, description="Folder of model files; by default in the user's cache.")
    evaluation_dir: Folder | None = Field(
        None,
        description="Folder of kept measurements and of the indexes of their sets; by default in the user's cache.",
    )
    embedder: str = Field(DEFAULT_EMBEDDER, description="Embedder: its id, or a sentence-transformers folder.")
    dense_index: DenseKind = Field(
        "auto",
        description="Search by meaning: auto (by size), exact (compare every passage) or ivf (a part of the passages).",
    )
    endpoint: str = Field(
        "", description="Address of an OpenAI-compatible server that writes instead; it is sent questions and evidence."
    )
    endpoint_model: str = Field("", description="The name that the endpoint gives its model.")
    endpoint_key: SecretStr = Field(SecretStr(""), description="The endpoint's key; never shown.")
    endpoint_requests: int = Field(4, ge=1, le=256, description="Requests that the endpoint gets at once.")
    endpoint_first_seconds: float = Field(30, gt=0, le=600, description="Longest wait for the endpoint's first words.")
    endpoint_seconds: float = Field(120, gt=0, le=3600, description="Longest time for one text by the endpoint.")
    threads: int = Field(0, ge=0, le=256, description="Most threads of the generator; 0 means one per core.")
    context: int = Field(4096, ge=1024, le=131072, description="Tokens of prompt and answer together.")
    max_queue: int = Field(4, ge=0, le=1000, description="Questions that may wait for the generator.")
    max_file_megabytes: int = Field(25, ge=1, description="Largest report file that is read.")
    pdf_pages: int = Field(1000, ge=1, description="Most pages read of one PDF.")
    pdf_seconds: float = Field(180, gt=0, description="Longest time for reading one PDF.")
    pdf_memory_megabytes: int = Field(1024, ge=128, description="Most memory for reading one PDF.")
    ocr_pages: int = Field(100, ge=0, description="Most pages of one PDF read by text recognition; 0 for none.")
    ocr_seconds: float = Field(60, gt=0, description="Longest time for recognising the text of one page.")
    docx_megabytes: int = Field(200, ge=1, description="Largest Word or PowerPoint file, unpacked.")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Options win over the environment, and that over the settings file; nothing else is read."""
        del dotenv_settings, file_secret_settings
        return init_settings, env_settings, TomlConfigSettingsSource(settings_cls)


def load_settings(**options: Any) -> Settings:
    """Read the settings; ``options`` that are ``None`` count as not given. Raises `ConfigError`."""
    given = {name: value for name, value in options.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        problems = "; ".join(f"{_setting(problem['loc'])}: {problem['msg']}" for problem in error.errors())
        raise ConfigError(f"A setting is wrong. {problems}.", hint=_WHERE) from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"The file {SETTINGS_FILE} cannot be read: {error}.", hint=_WHERE) from error


def ingest_limits(settings: Settings) -> IngestLimits:
    """Return the bounds on report files that the settings give."""
    # Imported here: the readers take a third of a second, and who only asks needs none of them.
    from spreadguide.ingest import IngestLimits

    return IngestLimits(
        file_bytes=settings.max_file_megabytes * MEGABYTE,
        pdf_pages=settings.pdf_pages,
        pdf_seconds=settings.pdf_seconds,
        pdf_memory_bytes=settings.pdf_memory_megabytes * MEGABYTE,
        ocr_pages=settings.ocr_pages,
        ocr_seconds=settings.ocr_seconds,
        docx_bytes=settings.docx_megabytes * MEGABYTE,
    )


_WHERE = f"Look at the command's options, the variables SPREADGUIDE_… and the file {SETTINGS_FILE}."


def _setting(location: tuple[int | str, ...]) -> str:
    return ".".join(map(str, location)) or "settings"
