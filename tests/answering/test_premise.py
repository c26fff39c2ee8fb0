"""What a question takes for granted is named where the passages found do not say it."""

import pytest

from spreadguide.answering.premise import unsaid
from spreadguide.assistant import Library


@pytest.mark.parametrize(
    ("question", "told"),
    [
        pytest.param("Since PRASE ran on 90 wards, what did it find?", ["90"], id="a number"),
        pytest.param("Since PRASE ran on 33 wards, what did it find?", [], id="a number that the report gives"),
        pytest.param("How did the vanguards spend the £7.5bn?", ["7.5bn"], id="a sum"),
        pytest.param("What did the Zebulon Trust pay for?", ["Zebulon Trust"], id="a name"),
        pytest.param("What did the two teams at PRASE wards find?", [], id="a small number said in passing"),
    ],
)
def test_it_names_what_no_passage_says(library: Library, question: str, told: list[str]) -> None:
    hits = library.retriever.search(question, 12)
    assert unsaid(question, hits, library.store) == [
        f"Your question says “{thing}”. The passages found do not say that." for thing in told
    ]
