"""Tells whether a question is about the care of one person, or about prescribing: those are declined.

Two ways: wording that alone is enough ("what dose"), and a sign of one person together with a decision that is asked
for. Reports speak of patients, too, so that neither a disease nor a medicine is a sign by itself.
"""

from __future__ import annotations

import re

_KIN = (
    "mother|father|wife|husband|son|daughter|child|baby|mum|mom|dad|partner|sister|brother|client|resident|nan|nana|gran"
    "|granny|grandma|grandad|grandpa|grandmother|grandfather|grandson|granddaughter|uncle|aunt|auntie|toddler|newborn"
    "|neighbour|friend|girlfriend|boyfriend|flatmate"
)
_PLACES = (
    "sites?|trusts?|hospitals?|wards?|units?|practices?|organisations?|compan(?:y|ies)|charit(?:y|ies)|networks?|services?"
    "|teams?|departments?|councils?|boards?|icbs?|programmes?|projects?|schemes?|health|benefit|care|protection"
)
"""What is a "sister site" or a "child health team", and no relation."""
_TREAT = "prescribe|give|start|stop|treat|diagnose|administer|titrate|inject|discharge|switch|order|offer"
_MEDICINES = (
    r"(?:insulin|antibiotics?|steroids?|statins?|morphine|paracetamol|metformin|"
    r"\w{4,}(?:mab|pril|sartan|statin|gliflozin|glutide|cillin|prazole|olol|xaban))"
)
_OF_A_SERVICE = (
    r"(?! (?:on (?:our|the|a|your|this) (?:[\w-]+ ){0,2}(?:group|board|panel|committee|team)"
    r"|portals?|surveys?|groups?|panels?|leaders?|forums?|safety|experience|stor(?:y|ies)|voices?|passports?|records?"
    r"|apps?|pathways?|flow|feedback|information|education|participation|engagement|involvement|representatives?|data"
    r"|councils?|initiated|led|reported|cent(?:re|er)ed|advisory|partners?|outcomes?|organisations?)\b)"
)
"""After "patient": a thing of a service, or somebody who sits on a board."""
_TAKEN_OTHERWISE = (
    r"(?! (?:[^.?!]{0,40} to (?:the |my |our |other |several |more |an? )?(?:\w+ )?"
    r"(?:icbs?|trusts?|boards?|market|regulators?|hospitals?|practices?|nice|managers?|bosses|committees?|nhs)"
    r"|part|over|on|up|forward|stock|account|advice|(?:his|her|its|their|your|the) word)\b|[^.?!]{0,40}\bdown\b"
    r"|[^.?!]{0,60}\bas (?:an? |the |any |good |firm )?(?:proof|evidence|signs?|given|baseline|example|model|guide)\b)"
)
"""After "take": what is no medicine, such as a page taken down or a score taken as proof."""
_COUNTED = "(?:people|patients|adults|women|men|staff)"
_NO_MEDICINE = (
    r"(?![- ]response\b| (?:of \w+ )?(?:was |were |got |get |are |went )?(?:missed|skipped|wasted|to waste)\b"
    r"| of (?:training|facilitation|coaching|support|implementation)\b|(?: of [\w -]{1,30})? costs?\b)"
)
"""After "dose": what is asked of a service, such as doses that were missed or what one costs, or no medicine at all."""
_SOMEBODY = "man|woman|male|female|boy|girl|lady|gentleman|patient|pt"


def _any_of(*alternatives: str) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(alternative, re.IGNORECASE) for alternative in alternatives)


_ENOUGH = _any_of(
    rf"\b(?:what|which|(?<!by )how (?:much|many(?! {_COUNTED}\b))|correct|right|safe|usual|maximum|starting"
    r"|recommended)\b"
    rf"(?:(?!missed|skipped)[^.?!]){{0,40}}\b(?:dos(?:e|es|age|ages|ing)|mg|mcg|micrograms?|milligrams?)\b{_NO_MEDICINE}",
    rf"(?s)^(?!.*\b(?:costs?|prices?|cheap|expensive|how many {_COUNTED})\b).*\bdos(?:e|age|es) (?:of|for)\b"
    r"(?! (?:training|facilitation|coaching|support|implementation)\b)",
    r"\b(?:should|can|may|must|do|shall|could) (?:i|we) (?:\w+ ){0,2}"
    r"(?:prescribe(?! (?:social|exercise|apps?|digital)\b)|titrate|inject|diagnose|administer)\b",
    rf"\b(?:should|can|could|shall|may|must) (?:i|we|he|she|they) (?:\w+ ){{0,2}}(?:{_TREAT})\b[^.?!]{{0,60}}"
    rf"\b(?:(?:my|this|the|a|our) (?:\w+ )?patient{_OF_A_SERVICE}|him|her|mg|{_MEDICINES})\b",
    rf"\b(?:should|can|could) (?:i|he|she) (?:take{_TAKEN_OTHERWISE}|stop taking|come off|start taking"
    r"|increase (?:my|his|her))\b",
    r"\b(?:am|do|have) i (?:having|have|got) (?:a |an )?(?:stroke|heart attack|cancer|infection|diabetes)\b",
    rf"\bmy (?:own )?(?:{_KIN})\b(?! (?:{_PLACES})\b)[^.?!]{{0,80}}"
    r"\b(?:has|have|is on|takes?|taking|diagnosed|symptoms?|pain|treated)\b",
    r"\b\d{1,3}[\s-]?(?:year|yr|month|week)s?[\s-]?old (?:\w+ )?"
    r"(?:patient|man|woman|male|female|boy|girl|child|baby)\b",
    r"\bnhs (?:number|no\.?)\s*:?\s*\d|\b\d{3}[\s-]?\d{3}[\s-]?\d{4}\b",
)

_ONE_PATIENT = re.compile(
    rf"\b(?:my|this|our|one of my|a|the) (?:\w+ )?patient(?:'s|’s)?{_OF_A_SERVICE}"
    r"(?= (?:who|with|has|have|is|was|needs?|takes?|aged|in bed|on|presents?|presenting|should|asks?)\b|[,.?!:;]|$)",
    re.IGNORECASE,
)
_CARE = re.compile(
    rf"\b(?:should|can|could|do|must) (?:i|we|they|he|she|it)\b.*\b(?:{_TREAT}|have|take|need|get|refer)\b"
    r"|\b(?:treat(?:ment|ed)?|medication|medicine|drug|prescri\w+|diagnos\w+|symptoms?|dose|test results?)\b",
    re.IGNORECASE,
)
"""With `_ONE_PATIENT`: one patient is spoken of, and what to do for them is asked."""

_A_PERSON = _any_of(
    rf"\b\d{{1,3}}[\s-]?(?:yo|y/o|y\.o\.|yrs?|years?|months?|weeks?|days?)\b(?: (?:\w+ ){{0,2}}(?:{_SOMEBODY})\b)",
    r"\b\d{1,3}[\s-]?(?:yo\b|y/o\b|(?:years?|months?|weeks?|days?)[\s-]old\b)|\b\d{2} ?-?weekers?\b",
    r"\b(?:he|she|who)(?:'s|’s| is| was) (?:aged )?\d{1,3}\b"
    r"|\baged \d{1,3}\b(?! (?:and|or|to) (?:over|above|under|older|more|below|\d))[^.?!]{0,30}\bwith\b",
    rf"\b(?:my|our) (?:\w+ )?(?:{_KIN})\b(?! (?:{_PLACES})\b)",
    r"\b(?:nan|gran|granny|grandma|grandad|mum|dad)\b(?= (?:is|has|in|on|keeps|fell)\b)",
    r"\bbed \d{1,2}\b|\bnext patient\b|\bin (?:my )?clinic (?:now|today)\b|\bin front of me\b",
    rf"\b(?:{_SOMEBODY}|bloke|chap)\b{_OF_A_SERVICE}"
    r"(?= (?:with|who|has|on|came|presents?|presenting|post|admitted|started)\b)",
    r"\b(?:i've|i’ve|i have|i'm|i’m|i am|i keep|i feel|i felt|i took|i take)\b"
    r"(?:(?!\b(?:people|patients|whose|building|running|designing|selling|making)\b)[^.?!]){0,60}"
    r"\b(?:blood pressure|pain|rash|fever|dizzy|breathless|bleeding|lump|cough|headaches?|numb|tablets?|pills?|sick)\b",
    r"\b(?:bmi|hba1c|egfr|alt|crp|inr|psa|tsh|hb|sats?|spo2|feno|lymphocytes?|eosinophils?|neutrophils?|platelets?"
    r"|potassium|sodium|creatinine|ferritin|blood pressure|bp|temp(?:erature)?|news2?|gcs|peak flow|glucose|lactate)\b"
    r"(?: \w+){0,4} ?[:=]? ?\d+(?:[./]\d+)?\b|\b\d{2,3} (?:over|/) ?\d{2,3}\b",
)
"""Signs that one person is spoken of: an age, a relation, a bed, a complaint of one's own, the result of a test."""

_DECISION = _any_of(
    rf"\b(?:should|can|could|shall|must|do|does|may|would) (?:i|we|he|she|they|you|it|the \w+)\b[^.?!]{{0,60}}"
    rf"\b(?:{_TREAT}|take|have|increase|reduce|double|skip|withhold|continue|refer|admit|scan|operate|be on|worry"
    r"|go to (?:a&e|hospital))\b",
    r"\b(?:ok|okay|safe|fine|alright|reasonable|sensible) (?:for \w+ )?to "
    r"(?:give|start|stop|take|continue|restart|combine|use|send)\b",
    r"\bwhat (?:would|should|do) (?:you|i|we)\b[^.?!]{0,20}\b(?:diagnose|prescribe|give|do|start|suggest|advise|try)\b",
    r"\b(?:which|what) (?:\w+ )?(?:drug|biologic|medicines?|medication|antibiotic|inhaler|tablet|treatment|test|scan"
    r"|dose|dosing|antidepressant|anticoagulant|insulin)\b",
    r"\bis (?:that|it|this|he|she) (?:\w+ )?"
    r"(?:asthma|cancer|sepsis|stroke|pneumonia|an? \w+|serious|normal|dangerous|eligible)\b",
    r"\b(?:loading|maintenance|starting|maximum|usual) dose\b",
    r"\bwhat(?:'s|’s| is) (?:wrong|the (?:dose|diagnosis|risk))\b",
    r"\bhow (?:long|soon|often|many|much)\b[^.?!]{0,40}"
    r"\b(?:take|taking|give|stay on|tablets?|doses?|mg|survive|live)\b",
)
"""With `_A_PERSON`: what is asked when a decision on that person's care is wanted."""

_COMPLAINT = re.compile(
    r"\b(?:crushing|severe|sudden|worsening|central) (?:\w+ )?(?:chest |head|abdominal |back )?(?:pain|ache|bleeding)\b"
    r"|\b(?:numb|weak) (?:left|right) (?:arm|leg|side|face)\b|\b(?:suicidal|overdosed?|not breathing|fitting)\b",
    re.IGNORECASE,
)
_NOW = re.compile(r"\b(?:right now|now|today|tonight|tell (?:a|the) (?:user|patient|person))\b", re.IGNORECASE)
"""With `_COMPLAINT`: help is needed at once, whoever is said to need it."""


def about_one_patient(question: str) -> bool:
    """Whether ``question`` asks about the care of one person, or about prescribing."""
    if any(pattern.search(question) for pattern in _ENOUGH):
        return True
    if _ONE_PATIENT.search(question) and _CARE.search(question):
        return True
    person = any(pattern.search(question) for pattern in _A_PERSON)
    if person and any(pattern.search(question) for pattern in _DECISION):
        return True
    return bool(_COMPLAINT.search(question) and _NOW.search(question))
