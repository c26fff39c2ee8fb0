"""Makes the cross-encoder file that ships from a trained model, and tells how near the two are.

    python scripts/export_cross_encoder.py --model FOLDER [--to FILE] [--third FILE]

``--model`` is the folder that scripts/train_cross_encoder.py wrote. Prints size and SHA-256 of the file, and the
largest and mean difference of logits on pairs made of our own training rows. ``--third`` names the file that the third
part of training went on from. What is exported then lies between the two (`THIRD_SHARE`), and is rounded up or down at
random, for its weights lie near the steps of that file (see `onnx_bert.Steps`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from cross_encoder_rows import SEED
from restored_weights import restored
from safetensors.numpy import load_file

from spreadguide.adapters.cross_encoder import FILE, MAX_PIECES
from spreadguide.adapters.minilm import tokenizer_file
from spreadguide.adapters.onnx_bert import BertShape
from spreadguide.adapters.onnx_pairs import pair_model
from spreadguide.adapters.onnx_session import open_session

OWN = Path(__file__).parent / "training" / "claims.jsonl"
SHIPPED = Path(__file__).parent.parent / "src" / "spreadguide" / "adapters" / FILE
LAYERS = 6
COMPARED = 300
"""Pairs on which the file is compared with the model it was made from."""
OUTLIERS = ((99, 6.0),)
"""As in `minilm.INTEGERS`; the trained model keeps the large channel of the weights that it started from."""


THIRD_SHARE = 0.7
"""How far the weights go from the file that the third part started from to those it ended with. What the third part
did not see is kept so, as in Wortsman et al., "Robust fine-tuning of zero-shot models" (2022). Chosen with an earlier
third part, on fewer judged questions. Of 0.7 and 1, on left-out pairs and questions for tuning, 1 was better at telling
lines apart, and 0.7 at whole passages for the gate's own questions (not for the golden ones). With 0.5 half of what was
gained on lines for advice is lost."""


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the tensors under the names of `BertModel`, and those of the outputs."""
    stored = load_file(folder / "model.safetensors")
    return {name.removeprefix("bert."): tensor.astype(np.float32) for name, tensor in stored.items()}


def between(before: Path, after: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Return weights between those of the file ``before`` and those that training ended with."""
    found = {}
    old = {name.removeprefix("bert."): tensor for name, tensor in restored(before, LAYERS).items()}
    for name, tensor in after.items():
        found[name] = tensor.copy()
        # The file has fewer positions: nothing longer is read.
        rows = len(old[name])
        found[name][:rows] = old[name] + THIRD_SHARE * (tensor[:rows] - old[name])
    return found


def compare(folder: Path, content: bytes) -> dict[str, float]:
    """Return how far the logits of the file are from those of the trained model."""
    from sentence_transformers.cross_encoder import CrossEncoder
    from tokenizers import Tokenizer

    rows = [json.loads(line) for line in OWN.read_text("utf-8").splitlines()[:: max(1, 1100 // COMPARED)]]
    pairs = [(row["claim"], row["evidence"]) for row in rows]
    model = CrossEncoder(str(folder), device="cpu")
    wanted = np.stack([model.predict([pair], activation_fn=lambda x: x, show_progress_bar=False)[0] for pair in pairs])
    tokenizer = Tokenizer.from_file(str(tokenizer_file()))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_PIECES, strategy="longest_first")
    session = open_session(content)
    found = []
    for pair in pairs:
        encoding = tokenizer.encode(*pair)
        inputs = {"ids": np.array([encoding.ids]), "kinds": np.array([encoding.type_ids])}
        found.append(session.run(["logits"], inputs)[0][0])
    away = np.abs(np.stack(found) - wanted)
    return {
        "pairs": len(pairs),
        "mean": float(away.mean()),
        "largest": float(away.max()),
        "spread": float(wanted.std()),
    }


def main() -> None:
    """Write the file and tell about it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--to", type=Path, default=SHIPPED)
    parser.add_argument("--third", type=Path, help="After the third part: the file that it went on from.")
    given = parser.parse_args()
    shape = BertShape(layers=LAYERS, heads=12, positions=MAX_PIECES, epsilon=1e-12)
    weights = weights_of(given.model)
    if given.third:
        weights = between(given.third, weights)
    content = pair_model(weights, shape, OUTLIERS, seed=SEED if given.third else None)
    given.to.write_bytes(content)
    told = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}
    # A file between two models is like neither.
    told |= {} if given.third else compare(given.model, content)
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
