import pytest

from spreadguide.adapters.llama_text import TextStream, has_loop
from spreadguide.types import FinishReason


def feed_all(stream, pieces):
    return [stream.feed(piece) for piece in pieces]


def test_a_character_split_over_two_tokens_is_shown_whole():
    pound = "£".encode()
    stream = TextStream()
    assert feed_all(stream, [pound[:1], pound[1:] + b"5"]) == ["", "£5"]
    assert stream.close() == ""


def test_half_a_character_at_the_end_becomes_a_replacement_character():
    stream = TextStream()
    stream.feed("£".encode()[:1])
    assert stream.close() == "\ufffd"


def test_nothing_of_a_stop_string_is_shown():
    stream = TextStream(["\n\nQuestion:"])
    shown = feed_all(stream, [b"Three years [1].", b"\n", b"\nQues", b"tion: and"])
    assert "".join(shown) + stream.close() == "Three years [1]."
    assert stream.finish is FinishReason.STOP
    assert stream.feed(b"more") == ""


def test_what_only_began_like_a_stop_string_is_shown_late():
    stream = TextStream(["\n\nQuestion:"])
    assert feed_all(stream, [b"a\n", b"b\n"]) == ["a", "\nb"]
    assert stream.close() == "\n"
    assert stream.finish is None


def test_the_earliest_stop_string_wins():
    stream = TextStream(["END", "STOP"])
    assert stream.feed(b"a STOP b END") + stream.close() == "a "


@pytest.mark.parametrize(
    "text",
    [
        "The fund pays for three years. " * 3,
        "The fund pays for three years [1]. The fund pays for three years [2]. The FUND pays for three years.",
        "It gives small teams the time, money and people that they need to adopt it. " * 2,
        "no " * 24,
        "-" * 64,
        "\n" * 64,
    ],
)
def test_loops_are_seen(text):
    assert has_loop(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "The fund pays for three years. The fund pays for three years.",
        "Yes. No. Yes. No. Yes. No.",
        "1. Time. 2. Money. 3. People. See e.g. the fund, e.g. the ward, e.g. the team.",
        "Thirty-three wards took part [1]. Seventeen wards used it [2]. All wards were on acute sites [3].",
        "| pillar | meaning |\n|---|---|\n| one | two |",
    ],
)
def test_ordinary_text_is_no_loop(text):
    assert not has_loop(text)


def test_a_stream_ends_with_the_second_run_of_the_same_words():
    sentence = "It gives small teams the time, money and people that they need to adopt it. "
    stream = TextStream()
    for word in (sentence * 5).split(" "):
        stream.feed(f"{word} ".encode())
        if stream.finish:
            break
    assert stream.finish is FinishReason.LOOP
    assert len(stream.text) < 2 * len(sentence)
