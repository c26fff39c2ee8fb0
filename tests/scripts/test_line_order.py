"""Batches that keep a question's lines together, and the loss of having them in the wrong order."""

import pytest
import torch
from line_order import out_of_order, question_batches


def test_lines_of_a_question_share_a_batch_and_none_is_lost():
    questions = [f"question {place}" for place in range(40) for _ in range(1 + place % 5)]
    lengths = [10 * (row % 7) for row in range(len(questions))]
    batches = question_batches(questions, lengths, 8, 16, 1)
    assert sorted(row for batch in batches for row in batch) == list(range(len(questions)))
    assert max(map(len, batches)) <= 8
    place = {row: number for number, batch in enumerate(batches) for row in batch}
    assert all(len({place[row] for row, other in enumerate(questions) if other == one}) == 1 for one in questions)
    assert batches != question_batches(questions, lengths, 8, 16, 2)


def test_too_many_lines_of_a_question_are_cut():
    batches = question_batches(["one"] * 20, [1] * 20, 8, 16, 1)
    assert sorted(map(len, batches)) == [4, 8, 8]


def test_the_loss_is_the_cross_entropy_of_the_right_line():
    scores = torch.tensor([2.0, 0.0, 1.0, 5.0, 3.0, 3.0])
    labels = torch.tensor([1.0, 0.0, 0.0, 1.0, 0.0, 1.0])
    # The second question has only a line that answers.
    found = out_of_order(scores, labels, ["a", "a", "a", "b", "c", "c"])
    expected = -torch.log_softmax(torch.tensor([2.0, 0.0, 1.0]), 0)[0]
    assert [float(one) for one in found] == pytest.approx([float(expected), float(torch.log(torch.tensor(2.0)))])


def test_a_better_order_loses_less():
    labels, questions = torch.tensor([1.0, 0.0, 1.0, 0.0]), ["a"] * 4
    good = out_of_order(torch.tensor([2.0, -1.0, 1.0, -2.0]), labels, questions)
    bad = out_of_order(torch.tensor([-2.0, 1.0, -1.0, 2.0]), labels, questions)
    assert torch.stack(good).mean() < torch.stack(bad).mean()
