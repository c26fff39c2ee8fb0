"""Advice as steps for the asker's role under three pillars: Understand, Engage, Future-proof.

Who asks for advice tells of a place of their own, and the words of that place lead a search to reports on the like of
it. So a question for advice is searched for once more under each pillar, in the words in which reports give advice.
The pillars are those of the NHS Confederation's guide "Scaling innovation within healthcare systems" (2023).

Whether a question for advice is about taking up, spreading or keeping up something new at all is told by a logistic
regression on its embedding, made by ``scripts/train_pillars.py`` from questions of our own. Where it is, general steps
answer it also when no report speaks of the asker's own case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from spreadguide.logistic import load_fitted
from spreadguide.types import Evidence, Hit, Question

WEIGHTS = "pillars.json"

STEPS = {
    "Understand": "What should {role} find out and check first about needs, the problem, evidence and local context?",
    "Engage": "How should {role} involve and train staff, leaders, patients and partners?",
    "Future-proof": "How should {role} plan funding, roles, measurement and change so that it lasts and spreads?",
}
"""What is searched for under each pillar."""

READ = 16
"""Units that the cross-encoder reads for each pillar, of those that rank best by vectors and words."""

LEAST_ODDS = -0.75
"""Log-odds of the cross-encoder from which a unit is a step to tell. It was taught few lines that answer among many
that do not, and doubts: at -0.4 more pillars are left without a step, and citation precision on the golden questions
for tuning is the same (0.819, and 0.818)."""

SUBJECT_REPORTS = 3
"""First reports for each thing asked: steps are taken from them alone where they answer it. A step that other reports
give is idle there: it is true of a case that nobody asked about."""

NOT_OF_YOUR_CASE = "The reports do not speak of this exact case. The steps are general ones."


LEAST_ON_OTHER = 0.65
"""Least probability of the gate for advice about something else than adoption: "How do I renew my passport?" shares
words with reports on an innovator passport, and no report on adoption is there to answer it."""

NEAR = 0.5
"""Cosine from which a line is near enough for the gate to judge such a question as any other: what is taken for advice
about something else may be another kind of question about a report."""


class Topic(StrEnum):
    """What a question for advice is about: taking up, spreading or keeping up something new, or something else."""

    ADOPTION = "adoption"
    UNSURE = "unsure"
    OTHER = "other"


class Role(StrEnum):
    """Who asks; the words are those that reports use for their readers."""

    INNOVATOR = "innovator"
    ADOPTER_TEAM = "adopter team"
    SYSTEM_DECISION_MAKER = "system decision-maker"


_WORDED = {
    Role.INNOVATOR: "an innovator",
    Role.ADOPTER_TEAM: "an adopter team",
    Role.SYSTEM_DECISION_MAKER: "a system decision-maker",
}

_SIGNS = {
    Role.INNOVATOR: re.compile(
        r"\b(?:innovators?|inventors?|start-?ups?|spin-?(?:out|off)s?|entrepreneurs?|suppliers?"
        r"|(?:my|our|small|tech|medtech) (?:company|firm|business)|(?:my|our) (?:product|device|invention|idea|model)"
        r"|(?:i|we)(?:['’]ve| have)? (?:invented|developed|designed|built|made))\b",
        re.IGNORECASE,
    ),
    Role.SYSTEM_DECISION_MAKER: re.compile(
        r"\b(?:(?:system )?decision-?makers?|boards?|commission(?:er|ers|ing)|icbs?|icss?|integrated care|policy"
        r"|policymakers?|chief execs?(?:utives?)?|ceo|chair|national(?:ly)?|region(?:al)?|system leaders?)\b",
        re.IGNORECASE,
    ),
}


def role_of(question: Question) -> Role:
    """Return who asks: as given, or else as the wording tells, or else a team that takes something up."""
    given = (question.role or "").strip().lower()
    for role in Role:
        if given and (given == role or given in role.split()):
            return role
    for text in (given, question.text):
        if found := next((role for role, sign in _SIGNS.items() if sign.search(text)), None):
            return found
    return Role.ADOPTER_TEAM


def step_questions(question: Question) -> dict[str, str]:
    """Return, by the name of its pillar, what is asked under each: the step, with the question that it is for."""
    role = _WORDED[role_of(question)]
    return {pillar: f"{wording.format(role=role)} {question.standalone}" for pillar, wording in STEPS.items()}


def steps(ranked: Sequence[Evidence]) -> list[Evidence]:
    """Return the units that are steps to tell, best first."""
    return [unit for unit in ranked if unit.answers is not None and unit.answers >= LEAST_ODDS]


def subject_of(hits: Sequence[Hit]) -> list[str]:
    """Return the ids of the reports that come first for something asked: those about its subject."""
    return list(dict.fromkeys(hit.source.source_id for hit in hits))[:SUBJECT_REPORTS]


@dataclass(frozen=True, slots=True)
class AdoptionModel:
    """Weights of shape ``(dimension,)`` and a bias, which give log-odds.

    From ``least`` on, a question is about adoption; below ``most_other`` it is about something else. Between the two,
    nothing is said.
    """

    weights: NDArray[np.float32]
    bias: float
    least: float
    most_other: float

    def topic(self, vector: NDArray[np.float32]) -> Topic:
        """Return what the question for advice with this vector is about."""
        odds = float(self.weights @ vector) + self.bias
        if odds >= self.least:
            return Topic.ADOPTION
        return Topic.OTHER if odds < self.most_other else Topic.UNSURE


def load_adoption(embedder_id: str) -> AdoptionModel | None:
    """Return the model that fits the embedder, or ``None`` where it was made with another one."""
    stored = load_fitted(f"answering/{WEIGHTS}", embedder_id)
    if stored is None:
        return None
    return AdoptionModel(
        np.array(stored["weights"], dtype=np.float32), stored["bias"], stored["least"], stored["most_other"]
    )
