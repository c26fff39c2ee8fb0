"""Trains the cross-encoder that ranks passages, weighs whether they answer, and checks what is written.

    pip install -e '.[train]'
    SETS='--train FOLDER --eval FOLDER --papers FILE'
    python scripts/train_cross_encoder.py $SETS --out first --stop-after 600
    python scripts/train_cross_encoder.py $SETS --out first --resume --steps 1200
    python scripts/train_cross_encoder.py $SETS --out second --again first --steps 800
    python scripts/export_cross_encoder.py --model second --to second.onnx
    python scripts/train_cross_encoder.py $SETS --out third --third second.onnx
    python scripts/export_cross_encoder.py --model third --third second.onnx

One MiniLM-L6 encoder with two outputs: the first says that a passage answers a question, the second that evidence
supports a claim. It starts from the weights of the embedding model and is trained with sentence-transformers on two
kinds of pairs (see cross_encoder_rows.py for the sets). Word embeddings stay as they are: that saves a third of each
step. Writes the trained model, and what it does on held-out groups, to ``--out``. The commands above made the model
that ships, in less than two hours on two cores; ``scripts/export_cross_encoder.py`` makes its file. The third part
goes on from such a file, with its rounded weights, and leaves the lower layers as they are.
"""

from __future__ import annotations

import argparse
import json
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from cross_encoder_rows import SEED, Pair, Source
from datasets import Dataset
from line_order import batched, out_of_order, question_batches
from listed_rows import claims_third, relevance_third
from restored_weights import restored
from sentence_transformers.base.sampler import DefaultBatchSampler
from sentence_transformers.cross_encoder import (
    CrossEncoder,
    CrossEncoderTrainer,
    CrossEncoderTrainingArguments,
)
from sklearn.metrics import roc_auc_score
from torch import Tensor, nn
from transformers import TrainerCallback

from spreadguide.adapters.minilm import FULL_FILES, FULL_PACKAGE, verified_package

OUTPUTS = {"relevance": 0, "claims": 1}
MAX_PIECES = 224
BATCH = 32
LEARNING_RATE = 8e-5
WARM_UP = 0.05
POOL = 40
"""Batches whose pairs are sorted by length together, so that little of a batch is padding."""
TIMES = {"own_claims": 2, "expertqa": 2}
"""Sets nearest to what the model is for: how often each pair is seen."""
TIMES_AGAIN = {"own_claims": 2, "more_claims": 2, "paper_claims": 2, "more_questions": 2, "paper_questions": 2}
"""The same in the second part."""
LEARNING_RATE_AGAIN = 6e-5
"""The second part goes on from trained weights, so it takes smaller steps."""
LEARNING_RATE_THIRD = 4e-5
"""The third part goes on from the second, so its steps are smaller again. Not compared with others."""
ORDER_THIRD = 0.5
"""Weight of the order of a question's lines in the third part, against that of telling whether each one answers."""
LAYERS = 6
KEPT_THIRD = 3
"""Lower layers that the third part leaves as they are: a step then takes two thirds of the time. Not compared."""


class ByLength(DefaultBatchSampler):
    """Batches of pairs of about the same length, in random order."""

    def __init__(self, dataset: Dataset, batch_size: int, drop_last: bool, seed: int = 0, **_: Any) -> None:
        super().__init__(range(len(dataset)), batch_size=batch_size, drop_last=drop_last)
        self.seed = seed
        self.lengths = [len(a) + len(b) for a, b in zip(dataset["first"], dataset["second"], strict=True)]
        self.questions = dataset["first"][:]
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose another order for each pass."""
        self.epoch = epoch

    def __iter__(self) -> Iterator[list[int]]:
        chance = random.Random(self.seed + self.epoch)
        order = list(range(len(self.lengths)))
        chance.shuffle(order)
        size = self.batch_size * POOL
        batches = []
        for start in range(0, len(order), size):
            pool = sorted(order[start : start + size], key=self.lengths.__getitem__)
            batches += [pool[place : place + self.batch_size] for place in range(0, len(pool), self.batch_size)]
        chance.shuffle(batches)
        yield from batches

    def __len__(self) -> int:
        return -(-len(self.lengths) // self.batch_size)


class ByQuestion(ByLength):
    """Batches of about the same length in which the pairs of a question that stand together stay together."""

    def __iter__(self) -> Iterator[list[int]]:
        size, seed = self.batch_size, self.seed + self.epoch
        yield from question_batches(self.questions, self.lengths, size, size * POOL, seed)


class OneOutput(nn.Module):
    """Binary cross-entropy on one of the model's outputs."""

    def __init__(self, model: CrossEncoder, output: int) -> None:
        super().__init__()
        self.model = model
        self.output = output
        self.loss = nn.BCEWithLogitsLoss()

    def forward(self, inputs: list[list[str]], labels: Tensor, **_: Any) -> Tensor:
        """Return the loss of one batch of pairs."""
        features = self.model.preprocess(list(zip(inputs[0], inputs[1], strict=True)))
        scores = self.model(features)["scores"]
        loss: Tensor = self.loss(scores[:, self.output], labels.float())
        return loss


class InOrder(OneOutput):
    """The same, and the order of the lines of one question."""

    def forward(self, inputs: list[list[str]], labels: Tensor, **_: Any) -> Tensor:
        """Return the loss of one batch of pairs."""
        pairs = list(zip(inputs[0], inputs[1], strict=True))
        scores = self._scores(pairs)
        loss: Tensor = self.loss(scores, labels.float())
        if lost := out_of_order(scores, labels, inputs[0]):
            loss = loss + ORDER_THIRD * torch.stack(lost).mean()
        return loss

    def _scores(self, pairs: list[tuple[str, str]]) -> Tensor:
        """Return the output for each pair; the shorter half is read apart, so that there is little padding."""
        places = sorted(range(len(pairs)), key=lambda place: sum(map(len, pairs[place])))
        found = []
        for part in batched(places, max(1, -(-len(places) // 2))):
            features = self.model.preprocess([pairs[place] for place in part])
            found.append(self.model(features)["scores"][:, self.output])
        return torch.cat(found)[torch.from_numpy(np.argsort(places))]


class Told(TrainerCallback):
    """Prints the loss and the time now and then, and stops early where that is asked for."""

    def __init__(self, stop_after: int) -> None:
        self.started = time.monotonic()
        self.stop_after = stop_after

    def on_step_end(self, _args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop after the step that was named."""
        if state.global_step == self.stop_after:
            control.should_save = True
            control.should_training_stop = True

    def on_log(self, _args: Any, state: Any, _control: Any, logs: dict[str, float] | None = None, **_: Any) -> None:
        """Print one line."""
        minutes = (time.monotonic() - self.started) / 60
        print(f"{minutes:.1f} min, step {state.global_step} of {state.max_steps}: {logs}", flush=True)


def dataset(sets: dict[str, list[Pair]], times: dict[str, int]) -> Dataset:
    """Return the pairs that are not held out."""
    pairs = [pair for name, found in sets.items() for pair in found * times.get(name, 1) if not pair.held_out]
    return Dataset.from_dict(
        {
            "first": [pair.first for pair in pairs],
            "second": [pair.second for pair in pairs],
            "label": [float(pair.label) for pair in pairs],
        }
    )


def measured(model: CrossEncoder, kind: str, sets: dict[str, list[Pair]]) -> dict[str, Any]:
    """Return the AUROC on held-out groups of each set that has both labels there."""
    found = {}
    for name, pairs in sets.items():
        kept = [pair for pair in pairs if pair.held_out]
        labels = [pair.label for pair in kept]
        if len(set(labels)) < 2:
            continue
        scores = model.predict([(pair.first, pair.second) for pair in kept], batch_size=64, show_progress_bar=False)
        found[name] = {"pairs": len(kept), "auroc": round(float(roc_auc_score(labels, scores[:, OUTPUTS[kind]])), 4)}
    return found


def start(weights: Path, file: Path | None) -> CrossEncoder:
    """Return a model with the weights of a folder; those of the exported ``file`` take their place where one is given.

    Word embeddings do not learn, nor do the lower layers where a file is given.
    """
    model = CrossEncoder(str(weights), num_labels=len(OUTPUTS), max_length=MAX_PIECES, device="cpu")
    bert = model[0].auto_model
    if file is not None:
        state = bert.state_dict()
        for name, tensor in restored(file, LAYERS).items():
            state[name][: len(tensor)] = torch.from_numpy(tensor)
        bert.load_state_dict(state)
    encoder = bert.base_model
    lower = (encoder.embeddings, *encoder.encoder.layer[:KEPT_THIRD])
    for part in lower if file else (bert.get_input_embeddings(),):
        part.requires_grad_(False)
    return model


def main() -> None:
    """Train, and write model and figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--train", type=Path, required=True, help="Folder with claims/ and relevance/.")
    parser.add_argument("--eval", type=Path, required=True, help="Folder with scifact/, expertqa/ and covidqa/.")
    parser.add_argument("--papers", type=Path, required=True, help="impl_papers_ccby.jsonl.gz, see scripts/training.")
    parser.add_argument("--out", type=Path, required=True, help="Folder to write.")
    part = parser.add_mutually_exclusive_group()
    part.add_argument("--again", type=Path, help="Second part: the folder that the first part wrote.")
    part.add_argument("--third", type=Path, help="Third part: the file that the second part was exported to.")
    parser.add_argument("--steps", type=int, default=-1, help="End the schedule after so many steps.")
    parser.add_argument("--stop-after", type=int, default=0, help="Stop after so many steps of the schedule.")
    parser.add_argument("--resume", action="store_true", help="Go on from the last checkpoint in --out.")
    given = parser.parse_args()
    random.seed(SEED)
    torch.manual_seed(SEED)
    source = Source(given.train, given.eval, given.papers, again=bool(given.again or given.third))
    if given.third:
        sets = {"relevance": relevance_third(source), "claims": claims_third(source)}
        rate, times = LEARNING_RATE_THIRD, {}
    elif given.again:
        sets = {"relevance": source.relevance_again(), "claims": source.claims_again()}
        rate, times = LEARNING_RATE_AGAIN, TIMES_AGAIN
    else:
        sets = {"relevance": source.relevance(), "claims": source.claims()}
        rate, times = LEARNING_RATE, TIMES
    data = {kind: dataset(found, times) for kind, found in sets.items()}
    print({kind: len(found) for kind, found in data.items()}, flush=True)
    model = start(given.again or verified_package(FULL_PACKAGE, FULL_FILES) / "model", given.third)
    trainer = CrossEncoderTrainer(
        model=model,
        args=CrossEncoderTrainingArguments(
            output_dir=str(given.out / "checkpoints"),
            num_train_epochs=1,
            max_steps=given.steps,
            per_device_train_batch_size=BATCH,
            learning_rate=rate,
            warmup_steps=WARM_UP,
            weight_decay=0.01,
            batch_sampler=ByQuestion if given.third else ByLength,
            seed=SEED,
            logging_steps=50,
            save_strategy="steps",
            save_steps=600,
            save_total_limit=1,
            report_to="none",
            use_cpu=True,
            disable_tqdm=True,
        ),
        train_dataset=data,
        loss={kind: (InOrder if given.third else OneOutput)(model, output) for kind, output in OUTPUTS.items()},
        callbacks=[Told(given.stop_after)],
    )
    trainer.train(resume_from_checkpoint=given.resume or None)
    model.save_pretrained(str(given.out))
    figures = {
        "pairs": {kind: {name: len(pairs) for name, pairs in found.items()} for kind, found in sets.items()},
        "held_out": {kind: measured(model, kind, found) for kind, found in sets.items()},
    }
    (given.out / "figures.json").write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
