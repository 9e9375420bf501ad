"""Tells text that instructs a model about its instructions, its role or its reader: no house rule does that.

Phrases of the attacks that are known stand for the rest. This stops what is said openly; a rule that harms in plain
words is stopped by `reach`, or by whoever reads the notice of the new skill.
"""

from __future__ import annotations

import re
import unicodedata

_INSTRUCTIONS = (
    r"(?:instructions?|prompts?|guidelines?|directives?|system messages?"
    r"|safety|safeguards?|guardrails?|restrictions?)"
)
_WHOSE = r"(?:your|the|all|any|these|those|previous|prior|above|earlier|other|preceding|system|original|initial|hidden)"
_NO_THINGS = (
    r"(?! (?:columns?|fields?|files?|rows?|cells?|text|name|(?:for|of|to|in) (?:the|a|an|this) [a-z]+))"
)
_ROLE_BEGINS = (
    r"(?:\A|[.!?:;,\n]|\b(?:always|must|should|shall|to|and|then|please|you|only|never|will|now))\s*"
    r"(?:answer|respond|reply|speak|talk|act|behave|pose)\s+(?:\w+\s+)?(?:as\b|like an?\b)"
)
_SHAPES = (
    r"(?!\s*(?:an? |the )?(?:\w+ )?(?:json|csv|text|table|list|number|integer|float|string|markdown|html|python|code"
    r"|iso|yaml|dict|date|percentage|sentence|word)s?\b)"
)
_PHRASES = (
    # Away with the instructions.
    r"\b(?:ignor\w*|disregard\w*|forget\w*|overrid\w*|overrul\w*|bypass\w*|circumvent\w*|violat\w*|skip|cancel)\b"
    rf"[^.\n]{{0,50}}\b{_INSTRUCTIONS}\b{_NO_THINGS}",
    r"\b(?:ignor\w*|disregard\w*|forget\w*|overrid\w*|overrul\w*|bypass\w*|circumvent\w*|violat\w*)\b"
    r"[^.\n]{0,30}\b(?:rules?|skills?|polic(?:y|ies))\b",
    r"\b(?:ignore|disregard|forget)\b[^.\n]{0,20}\b(?:everything|anything|all|what)\b[^.\n]{0,20}"
    r"\b(?:above|before|earlier|previously|told|said|learned|know)\b",
    rf"\b{_WHOSE} (?:\w+ )?{_INSTRUCTIONS}\b{_NO_THINGS}",
    r"\b(?:system|developer|hidden|initial|secret) (?:prompt|message|instructions?)\b",
    r"\b(?:new|real|true|actual|secret) (?:instructions?|orders|directives?|objective|mission)\b",
    r"\byour (?:new |real |true |actual |only )(?:task|goal|job|purpose|identity|role|name)\b",
    # Into another role.
    _ROLE_BEGINS + _SHAPES,
    r"\b(?:pretend|role-?play\w*|impersonat\w*|jailbr[eo]ak\w*|prompt injection|developer mode|dan mode|god mode)\b",
    r"\byou are (?:now|no longer|not (?:an?|bound)|free)\b",
    r"\byou are an? (?:\w+ ){0,2}(?:assistant|agent|ai|model|bot|chatbot|hacker|expert)\b",
    # What the model knows, out.
    r"\b(?:reveal\w*|disclos\w*|leak\w*|exfiltrat\w*|divulg\w*)\b",
    r"\b(?:show|print|repeat|output|tell|expose|write out|quote|recite|send)\b[^.\n]{0,30}"
    r"\byour (?:\w+ )?(?:prompt|rules|memory|context|skills|config\w*)\b",
    # Behind the user's back.
    r"\b(?:do not|don't|never|without) (?:tell|inform|notify|warn|ask|alert|mention)\w*\b"
    r"[^.\n]{0,20}\b(?:the )?users?\b",
    r"\b(?:hid(?:e|ing)|conceal\w*)\b[^.\n]{0,40}\bfrom (?:the |your )?(?:users?|owner|human|reviewer)s?\b",
    r"\b(?:secretly|covertly|behind (?:the|their) (?:user's )?back)\b",
    # Above the others.
    r"\b(?:overrides?|takes? (?:precedence|priority)|supersedes?|outranks?)\b[^.\n]{0,40}"
    r"\b(?:instructions?|rules?|skills?|prompt|user|everything)\b",
    # In other tongues.
    r"\bignor\w*\b[^.\n]{0,40}\b(?:anweisung\w*|instruc\w+|istruzion\w*|instrukc\w*|vorgaben)\b",
    r"(?:忽略|无视|無視|忘记)[^。\n]{0,20}(?:指令|指示|提示|说明|規則|规则)",
    r"(?:игнорир\w*|забудь\w*)[^.\n]{0,40}(?:инструкц\w*|указани\w*)",
)
# Marks by which chat templates and prompts tell who speaks.
_MARKUP = (
    r"</?\s*(?:skills?|system|user|assistant|instructions?|data|output|tool|human)\b[^>\n]{0,80}>",
    r"<\|[^|>\n]{1,40}\|>",
    r"\[/?inst\]|<</?sys>>|<(?:start|end)_of_turn>",
    r"(?:\A|\n)\W{0,4}(?:system|assistant|developer)\W{0,3}:",
)
_EXPRESSIONS = tuple(re.compile(phrase) for phrase in (*_PHRASES, *_MARKUP))
_EMPHASIS = re.compile(r"[*_~`]+(?=\w)|(?<=\w)[*_~`]+")
_LOOKALIKES = re.compile(r"\b(?=\w*[a-zA-Z])(?=\w*[\u0400-\u052f])\w+")


def find_manipulation(text: str) -> str | None:
    """The first phrase by which a text instructs its model about itself; None where there is none."""
    if mixed := _LOOKALIKES.search(text):
        return mixed[0]
    plain = unicodedata.normalize("NFKC", text).lower().replace("’", "'")
    readings = {
        re.sub(blanks, " ", reading): None
        for reading in (plain, _EMPHASIS.sub("", plain))
        for blanks in (r"[^\S\n]+", r"\s+")
    }
    for reading in readings:
        for expression in _EXPRESSIONS:
            if match := expression.search(reading):
                return " ".join(match[0].split())
    return None
