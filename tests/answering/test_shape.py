"""What shape of answer a question wants."""

import pytest

from spreadguide.answering.shape import Shape, load_advice, shape_of
from spreadguide.protocols import Embedder


@pytest.mark.parametrize(
    ("question", "shape"),
    [
        pytest.param("How do NASSS and CFIR differ?", Shape.COMPARISON, id="differ"),
        pytest.param("Was the second round bigger than the first?", Shape.COMPARISON, id="than"),
        pytest.param("How many trusts took longer than two years?", Shape.PLAIN, id="than a length of time"),
        pytest.param("Which sites saved more than £1 million?", Shape.PLAIN, id="than a sum"),
        pytest.param("Which of the two cost less?", Shape.COMPARISON, id="of the two"),
        pytest.param("PRASE v Flo: who paid?", Shape.COMPARISON, id="v"),
        pytest.param("PRASE and Flo: what does each say about pay?", Shape.COMPARISON, id="of each"),
        pytest.param("The PRASE paper and the Flo paper - do they agree on pay?", Shape.COMPARISON, id="agree"),
        pytest.param("Which kept more staff, the rota or flexible hours?", Shape.COMPARISON, id="which is more so"),
        pytest.param("How old are these two: the PRASE paper and the Flo paper?", Shape.COMPARISON, id="these two"),
        pytest.param("Which sites saved more?", Shape.PLAIN, id="more than what"),
        pytest.param("How many doctors and nurses did each hospital train?", Shape.PLAIN, id="each of many"),
        pytest.param("What are the groups of standards and how many sit in each?", Shape.PLAIN, id="each of a list"),
        pytest.param("Did PRASE make a difference between wards?", Shape.PLAIN, id="an effect is no comparison"),
        pytest.param("We are a small practice and want to start this. What should we do first?", Shape.ADVICE, id="we"),
        pytest.param("as a commissioner how should I pay for it so that it lasts", Shape.ADVICE, id="a role"),
        pytest.param("How many wards were in the PRASE trial?", Shape.PLAIN, id="a number"),
        pytest.param("Who commissioned the King's Fund report?", Shape.PLAIN, id="a name"),
    ],
)
def test_the_shape_is_told(embedder: Embedder, question: str, shape: Shape) -> None:
    advice = load_advice(embedder.embedder_id)
    assert shape_of(question, embedder.embed_queries([question])[0], advice) is shape


def test_another_embedder_takes_nothing_for_advice(embedder: Embedder) -> None:
    assert load_advice("another@00000000") is None
    question = "We are a small practice. What should we do first?"
    assert shape_of(question, embedder.embed_queries([question])[0], None) is Shape.PLAIN
