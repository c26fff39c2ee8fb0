"""What SpreadGuide does not answer at all: one person's care, prescribing, and attempts to steer it off the reports."""

from __future__ import annotations

import re
from enum import StrEnum


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


_KIN = r"(?:mother|father|wife|husband|son|daughter|child|baby|mum|mom|dad|partner|sister|brother|client|resident)"
_TREATMENT = r"(?:prescribe|give|start|stop|treat|diagnose|administer|titrate|inject|discharge|switch|order|offer)"
_MEDICINES = (
    r"(?:insulin|antibiotics?|steroids?|statins?|morphine|paracetamol|metformin|"
    r"\w{4,}(?:mab|pril|sartan|statin|gliflozin|glutide|cillin|prazole|olol|xaban))"
)


def _any_of(*alternatives: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(alternative, re.IGNORECASE) for alternative in alternatives)


_PATIENT_CARE = _any_of(
    r"\b(?:what|which|how (?:much|many)|correct|right|safe|usual|maximum|starting|recommended)\b[^.?!]{0,40}"
    r"\b(?:dos(?:e|es|age|ages|ing)|mg|mcg|micrograms?|milligrams?)\b",
    r"\bdos(?:e|age|es) (?:of|for)\b",
    r"\b(?:should|can|may|must|do|shall|could) (?:i|we) (?:\w+ ){0,2}"
    r"(?:prescribe|titrate|inject|diagnose|administer)\b",
    rf"\b(?:should|can|could|shall|may|must) (?:i|we|he|she|they) (?:\w+ ){{0,2}}{_TREATMENT}\b[^.?!]{{0,60}}"
    rf"\b(?:(?:my|this|the|a|our) (?:\w+ )?patient|him|her|mg|{_MEDICINES})\b",
    r"\b(?:should|can|could) (?:i|he|she) (?:take|stop taking|come off|start taking|increase (?:my|his|her))\b",
    r"\b(?:am|do|have) i (?:having|have|got) (?:a |an )?(?:stroke|heart attack|cancer|infection|diabetes)\b",
    rf"\bmy (?:own )?{_KIN}\b[^.?!]{{0,80}}\b(?:has|have|is on|takes?|taking|diagnosed|symptoms?|pain|treated)\b",
    r"\b\d{1,3}[\s-]?(?:year|yr|month|week)s?[\s-]?old (?:\w+ )?"
    r"(?:patient|man|woman|male|female|boy|girl|child|baby)\b",
    r"\bnhs (?:number|no\.?)\s*:?\s*\d|\b\d{3}[\s-]?\d{3}[\s-]?\d{4}\b",
)

_ONE_PATIENT = re.compile(
    r"\b(?:my|this|our|one of my|a|the) (?:\w+ )?patients?(?:'s|’s)?"
    r"(?= (?:who|with|has|have|is|was|needs?|takes?|aged|in bed|on|presents?|presenting|should|asks?)\b|[,.?!:;]|$)",
    re.IGNORECASE,
)
_CARE = re.compile(
    rf"\b(?:should|can|could|do|must) (?:i|we|they|he|she|it)\b.*\b(?:{_TREATMENT}|have|take|need|get|refer)\b"
    r"|\b(?:treat(?:ment|ed)?|medication|medicine|drug|prescri\w+|diagnos\w+|symptoms?|dose|test results?)\b",
    re.IGNORECASE,
)
"""A question is about one person's care when it speaks of one patient and asks what to do for them."""

_INSTRUCTION = _any_of(
    r"\b(?:ignore|disregard|forget|override|bypass)\b[^.?!]{0,40}"
    r"\b(?:instructions?|rules?|prompts?|guidelines?|the (?:reports|passages|sources|above)|everything)\b",
    r"\b(?:system prompt|your (?:hidden |initial )?(?:instructions|prompt))\b",
    r"\b(?:pretend|act|behave|role-?play|respond|answer)\b[^.?!]{0,20}\bas (?:if|though|a|an)\b[^.?!]{0,40}"
    r"\b(?:doctor|assistant|ai|chatbot|pirate|no (?:rules|limits)|unrestricted|you)\b",
    r"\byou are now\b|\bdeveloper mode\b|\bjailbreak\b|<\|[a-z_]+\|>|\[/?INST\]",
    r"\b(?:write|tell|compose|sing) (?:me )?(?:a|an|some) (?:poem|song|story|joke|essay|limerick|code|script|haiku)\b",
    r"\bfrom your own (?:knowledge|memory|training)\b"
    r"|\bwithout (?:using|citing) (?:the |any )?(?:reports|sources|passages)\b",
)


def out_of_scope(question: str) -> OutOfScope | None:
    """Say why ``question`` must be declined, or ``None`` when it may be answered from the reports."""
    one_patient = bool(_ONE_PATIENT.search(question) and _CARE.search(question))
    if one_patient or any(pattern.search(question) for pattern in _PATIENT_CARE):
        return OutOfScope.PATIENT_CARE
    if any(pattern.search(question) for pattern in _INSTRUCTION):
        return OutOfScope.INSTRUCTION
    return None
