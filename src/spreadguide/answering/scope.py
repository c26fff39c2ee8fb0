"""What SpreadGuide does not answer at all: one person's care, prescribing, and attempts to steer it off the reports."""

from __future__ import annotations

import re
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from spreadguide.answering.intent import PATIENT, STEER, IntentModel
from spreadguide.answering.one_patient import about_one_patient


class OutOfScope(StrEnum):
    """Why a question is declined; the value is what the reader is told."""

    PATIENT_CARE = (
        "I cannot help with the care of an individual patient or with prescribing. "
        "Please use your local clinical guidance, the British National Formulary or a clinical colleague. "
        "I can answer questions about adopting and spreading innovation."
    )
    INSTRUCTION = (
        "I can only answer questions from the reports in my library. I cannot change how I work or act on other "
        "instructions. Please ask a question about adopting or spreading innovation."
    )


def _any_of(*alternatives: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(alternative, re.IGNORECASE) for alternative in alternatives)


_TOLD_TO = (
    r"(?:^|[^\w\s,]\s*"
    r"|\b(?:and|but|or|also|so|please|pls|now|then|just|first|instead|you|must|will|let's"
    r"|(?:you|told|asked|free|allowed) to)\b,? *)"
)
"""What stands before a verb that tells someone to do something; "clinicians ignore the guidelines" tells nobody."""

_INSTRUCTION = _any_of(
    rf"(?m){_TOLD_TO}(?:ignore|disregard|discard|forget|override|bypass|drop|skip)\b[^.?!]{{0,40}}"
    r"\b(?:instructions?|rules?|prompts?|guidelines?|everything"
    r"|(?:the|your|any|all|these|those) (?:\w+ )?(?:reports|passages|sources|above|evidence|citations))\b",
    r"\b(?:ignoring|disregarding|forgetting|overriding|bypassing)\b[^.?!]{0,20}\b(?:your|all|previous|prior|above|earlier)\b"
    r"[^.?!]{0,20}\b(?:instructions?|rules?|prompts?|guidelines?)\b",
    r"\b(?:sources?|reports?|evidence|citations?)[\s-]only (?:rule|mode|policy|restriction)s?\b",
    r"\b(?:(?:rule|filter)s?|(?:your|these|those|safety|content) restrictions?)\b[^.?!]{0,25}"
    r"\b(?:lifted|suspended|turned off|switched off|disabled|waived)\b",
    r"\b(?:answer|reply|respond)\b[^.?!]{0,40}"
    r"\b(?:only )?with (?:only )?(?:the )?(?:single |one )?(?:word|phrase|line|string)\b",
    r"\b(?:system prompts?|your (?:hidden |initial )?(?:instructions|prompt))\b",
    rf"(?m)(?:{_TOLD_TO}(?:act|behave|respond|answer)|\b(?:pretend|role-?play))\b"
    r"[^.?!]{0,20}\bas (?:if|though|a|an)\b[^.?!]{0,40}"
    r"\b(?:doctor|assistant|ai|chatbot|pirate|no (?:rules|limits)|unrestricted|you)\b",
    r"\byou are now\b|\bdeveloper mode\b|\bjailbreak\b|<\|[a-z_]+\|>|\[/?INST\]",
    rf"(?m)(?:{_TOLD_TO}(?:write|tell|compose|sing)|\b(?:write|tell|compose|sing) me)\b"
    r" (?:me )?(?:a|an|some) (?:poem|song|story|joke|essay|limerick|code|script|haiku)\b",
    r"\bfrom your own (?:knowledge|memory|training)\b"
    r"|\bwithout (?:using|citing) (?:the |any )?(?:reports|sources|passages)\b",
)


_BY_INTENT = {PATIENT: OutOfScope.PATIENT_CARE, STEER: OutOfScope.INSTRUCTION}


def intent_out_of_scope(model: IntentModel, vectors: NDArray[np.float32]) -> OutOfScope | None:
    """Say why a question must be declined by its meaning; ``vectors`` are of its wordings, shape ``(n, dimension)``."""
    refused = (model.refused(vector) for vector in vectors)
    return next((_BY_INTENT[name] for name in refused if name is not None), None)


def out_of_scope(question: str) -> OutOfScope | None:
    """Say why ``question`` must be declined, or ``None`` when it may be answered from the reports."""
    if about_one_patient(question):
        return OutOfScope.PATIENT_CARE
    if any(pattern.search(question) for pattern in _INSTRUCTION):
        return OutOfScope.INSTRUCTION
    return None
