"""Makes the cross-encoder file that ships from a trained model, and tells how near the two are.

    python scripts/export_cross_encoder.py --model FOLDER [--to FILE] [--dither]

``--model`` is the folder that scripts/train_cross_encoder.py wrote. Prints size and SHA-256 of the file, and the
largest and mean difference of logits on pairs made of our own training rows. With ``--dither``, weights are rounded up
or down at random, as is needed for a model that was trained on from such a file (see `onnx_bert.Steps`).
"""

from __future__ import annotations

import argparse
import hashlib
import json
from pathlib import Path

import numpy as np
from cross_encoder_rows import SEED
from safetensors.numpy import load_file

from spreadguide.adapters.cross_encoder import FILE, MAX_PIECES
from spreadguide.adapters.minilm import tokenizer_file
from spreadguide.adapters.onnx_bert import BertShape
from spreadguide.adapters.onnx_pairs import pair_model
from spreadguide.adapters.onnx_session import open_session

OWN = Path(__file__).parent / "training" / "claims.jsonl"
SHIPPED = Path(__file__).parent.parent / "src" / "spreadguide" / "adapters" / FILE
COMPARED = 300
"""Pairs on which the file is compared with the model it was made from."""
OUTLIERS = ((99, 6.0),)
"""As in `minilm.INTEGERS`; the trained model keeps the large channel of the weights that it started from."""


def weights_of(folder: Path) -> dict[str, np.ndarray]:
    """Return the tensors under the names of `BertModel`, and those of the outputs."""
    stored = load_file(folder / "model.safetensors")
    return {name.removeprefix("bert."): tensor.astype(np.float32) for name, tensor in stored.items()}


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
    parser.add_argument("--dither", action="store_true", help="For the third part of training.")
    given = parser.parse_args()
    shape = BertShape(layers=6, heads=12, positions=MAX_PIECES, epsilon=1e-12)
    content = pair_model(weights_of(given.model), shape, OUTLIERS, seed=SEED if given.dither else None)
    given.to.write_bytes(content)
    told = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest(), **compare(given.model, content)}
    print(json.dumps(told, indent=1))


if __name__ == "__main__":
    main()
