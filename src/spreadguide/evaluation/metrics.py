"""Pure arithmetic: metrics from well-kept libraries, and the interval that belongs to each.

Retrieval metrics are those of ``ir-measures`` (which calls trec_eval), balanced accuracy and AUROC those of
scikit-learn. Intervals are 95% percentile bootstrap intervals over the rows of a set (SciPy).
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]
Interval = tuple[float, float]

RESAMPLES = 1000
"""Bootstrap samples: enough for the second digit of an interval's ends."""
SEED = 20261122
"""The same rows give the same interval."""
DIGITS = 4
"""Decimal places of a reported metric."""

RETRIEVAL_METRICS = {"ndcg@5": "nDCG@5", "ndcg@10": "nDCG@10", "recall@5": "R@5", "recall@10": "R@10", "mrr": "RR"}
"""Our names, and those of ``ir-measures``. ``mrr`` looks at every text that was ranked."""


def ranking_scores(
    judgements: Mapping[str, Mapping[str, int]], ranked: Mapping[str, Sequence[str]]
) -> dict[str, dict[str, float]]:
    """Return for each query of ``judgements`` every metric of `RETRIEVAL_METRICS`; a query without a ranking has 0.

    ``ranked`` holds the ids of texts, best first.
    """
    import ir_measures

    measures = {ir_measures.parse_measure(theirs): ours for ours, theirs in RETRIEVAL_METRICS.items()}
    scored = {
        query: {text: float(len(texts) - place) for place, text in enumerate(texts)} for query, texts in ranked.items()
    }
    found = {query: dict.fromkeys(RETRIEVAL_METRICS, 0.0) for query in judgements}
    qrels = {query: dict(grades) for query, grades in judgements.items()}
    for result in ir_measures.iter_calc(list(measures), qrels, scored):
        found[result.query_id][measures[result.measure]] = float(result.value)
    return found


def balanced_accuracy(truth: NDArray[np.bool_], said: NDArray[np.bool_]) -> float:
    """Return the mean of the shares of true and of false rows that were told right; one class alone gives its share."""
    shares = [float((said[truth == label] == label).mean()) for label in (True, False) if (truth == label).any()]
    return float(np.mean(shares))


def auroc(truth: NDArray[np.bool_], scores: Numbers) -> float:
    """Return the area under the ROC curve; not a number where all rows are of one class."""
    from sklearn.metrics import roc_auc_score

    if truth.all() or not truth.any():
        return float("nan")
    return float(roc_auc_score(truth, scores))


def share(values: Numbers) -> float:
    """Return the mean of ``values``; not a number where there are none."""
    return float(values.mean()) if values.size else float("nan")


def ratio(part: Numbers, whole: Numbers) -> float:
    """Return the sum of ``part`` divided by that of ``whole``, such as facts found by facts asked for."""
    return float(part.sum() / whole.sum()) if whole.sum() else float("nan")


def interval(count: int, statistic: Callable[[NDArray[np.intp]], float]) -> Interval | None:
    """Return the 95% interval of ``statistic``, which is given the numbers of the rows of a sample of ``count``.

    ``None`` where there are fewer than two rows, or where no sample gives a number.
    """
    from scipy.stats import bootstrap

    if count < 2:
        return None
    with warnings.catch_warnings():
        # All rows alike: the interval is a point, and SciPy says so.
        warnings.simplefilter("ignore")
        result = bootstrap(
            (np.arange(count),),
            lambda rows: statistic(np.asarray(rows, dtype=np.intp)),
            vectorized=False,
            n_resamples=RESAMPLES,
            method="percentile",
            rng=np.random.default_rng(SEED),
        )
    samples = result.bootstrap_distribution[np.isfinite(result.bootstrap_distribution)]
    if not samples.size:
        return None
    low, high = np.percentile(samples, (2.5, 97.5))
    return round(float(low), DIGITS), round(float(high), DIGITS)


def coverage_at_risk(right: NDArray[np.bool_], scores: Numbers, risks: Sequence[float]) -> dict[str, float]:
    """Return for each risk the largest share of rows that can be answered with at most that share of them wrong.

    Rows are answered in the order of ``scores``, best first, and rows of one score together (the risk–coverage curve of
    selective classification, El-Yaniv and Wiener 2010).
    """
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    wrong = np.cumsum(~right[order]) / np.arange(1, len(order) + 1)
    last_of_score = np.append(ranked[1:] != ranked[:-1], True)
    found = {}
    for risk in risks:
        within = np.flatnonzero((wrong <= risk) & last_of_score)
        found[f"{risk:g}"] = round(float((within[-1] + 1) / len(order)), DIGITS) if within.size else 0.0
    return found
