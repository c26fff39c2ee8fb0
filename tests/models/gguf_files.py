"""Build small GGUF files, byte by byte."""

import struct


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _pair(key: str, value: object) -> bytes:
    if isinstance(value, str):
        return text(key) + struct.pack("<I", 8) + text(value)
    if isinstance(value, list):
        return text(key) + struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(text, value))
    return text(key) + struct.pack("<II", 4, value)


def build_gguf(metadata: dict[str, object], elements: int = 64, version: int = 3) -> bytes:
    """Build a GGUF file with two tensors: 32-bit floats, then a Q8_0 block for each 32 elements."""
    head = b"GGUF" + struct.pack("<IQQ", version, 2, len(metadata))
    head += b"".join(_pair(key, value) for key, value in metadata.items())
    head += text("one.weight") + struct.pack("<IQIQ", 1, elements, 0, 0)
    head += text("two.weight") + struct.pack("<IQQIQ", 2, elements, 1, 8, 4 * elements)
    alignment = metadata.get("general.alignment", 32)
    return head + b"\0" * (-len(head) % alignment) + b"\1" * (4 * elements + elements // 32 * 34)


METADATA = {
    "general.architecture": "llama",
    "llama.context_length": 4096,
    "tokenizer.ggml.tokens": ["a", "b", "ü"],
    "tokenizer.chat_template": "{% for m in messages %}<|im_start|>{{ m.role }}{% endfor %}",
}
