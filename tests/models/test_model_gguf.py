import struct

import pytest
from gguf_files import METADATA, build_gguf, text
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spreadguide.errors import ModelCorrupt
from spreadguide.models.gguf import DEFAULT_CONTEXT, read_header


def test_a_header_gives_architecture_context_and_turn_marks(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(build_gguf(METADATA))
    header = read_header(path)
    assert (header.architecture, header.context, header.chat_format) == ("llama", 4096, "chatml")


def test_what_a_header_does_not_say_is_not_guessed(tmp_path):
    path = tmp_path / "m.gguf"
    path.write_bytes(build_gguf({"general.architecture": "x", "tokenizer.chat_template": "[INST]"}))
    header = read_header(path)
    assert (header.context, header.chat_format) == (DEFAULT_CONTEXT, None)


@pytest.mark.parametrize("alignment", [32, 64])
def test_the_last_byte_of_the_last_tensor_must_be_there(tmp_path, alignment):
    data = build_gguf(METADATA | {"general.alignment": alignment})
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    read_header(path)
    path.write_bytes(data[:-1])
    with pytest.raises(ModelCorrupt, match="cut short") as caught:
        read_header(path)
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "GGUF mark"),
        (b"PK\3\4 a zip renamed", "GGUF mark"),
        (build_gguf(METADATA, version=1), "version"),
        (build_gguf(METADATA)[:100], "middle of its header"),
        (b"GGUF" + struct.pack("<IQQ", 3, 1 << 60, 1), "claims"),
        (b"GGUF" + struct.pack("<IQQQ", 3, 0, 1, 1 << 60), "claims"),
        (b"GGUF" + struct.pack("<IQQ", 3, 0, 1) + text("k") + struct.pack("<I", 99), "unknown type"),
        (
            build_gguf(METADATA | {"general.alignment": 32}).replace(b"alignment\4\0\0\0\x20", b"alignment\4\0\0\0\0"),
            "alignment",
        ),
    ],
)
def test_another_kind_of_file_or_a_broken_header_is_refused(tmp_path, data, said):
    path = tmp_path / "m.gguf"
    path.write_bytes(data)
    with pytest.raises(ModelCorrupt, match=said):
        read_header(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.integers(0, 300), value=st.integers(0, 255), cut=st.integers(0, 600))
def test_no_damage_to_a_header_raises_anything_but_a_model_error(tmp_path, position, value, cut):
    data = bytearray(build_gguf(METADATA))
    data[min(position, len(data) - 1)] = value
    path = tmp_path / "m.gguf"
    path.write_bytes(bytes(data[: len(data) - cut]) if cut else bytes(data))
    try:
        header = read_header(path)
    except ModelCorrupt:
        return
    assert header.context > 0
