"""Cuts feedback into clauses: what is said of one thing, with the examples and remarks that go with it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

_BLOCK = re.compile(r"```.*?```", re.DOTALL)
_HOLDER = "\uf8ff"
_ENUMERATED = re.compile(
    r"(?:,?\s*(?:or|and)\s+)?\((?:\d{1,2}|[a-h])\)\s+|(?:^|\n)\s*(?:[-*•]|\d{1,2}[.)])\s+"
)
_SENTENCE_END = re.compile(
    r"(?<=[\w)\]`\"'”>*…])[.!?](?=\s+[\"'`(]?[A-Z(]|\s*$)|\n{2,}|"
    r",? and (?=the \w+ (?:must|should))|, and (?=(?:after|before|when) )|(?<=\S);(?=\s+[^\s;|,]{2})"
)
_LINE_END = re.compile(r"\n(?=\s*[A-Z(`])")
_EXAMPLE = re.compile(
    r"\b(?:for example|for instance|e\.?g\.?,?|examples?:|such as|i\.?e\.|note that|note:|note the|like this:)",
    re.IGNORECASE,
)
_REMARK = re.compile(r"\s+[—–]\s+|\s+--\s+")
_IN_BRACKETS = re.compile(
    r"\s*\((?!must|should|has to|have to|needs)[^()\n]*[A-Za-z][^()\n]*\)", re.IGNORECASE
)
_LEAD = re.compile(
    r"^(?:[A-Za-z' ]{0,40}\b(?:issues?|problems?|errors?)(?: found)?|[A-Za-z' ]{0,40}\brequires|but|and|so|also|"
    r"AssertionError|feedback|note|wrong|error|problem)\s*[:,]\s*",
    re.IGNORECASE,
)
_ASKS = re.compile(r"\b(?:requires?|needs?|must have|should have)$")  # its items follow
_ABBREVIATIONS = re.compile(r"\b(e\.g|i\.e|etc|vs|no|fig|approx)\.", re.IGNORECASE)
_LONGEST = 4000


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause of feedback, and the examples and remarks said with it."""

    said: str
    remarks: tuple[str, ...] = ()


def clauses(feedback: str) -> tuple[Clause, ...]:
    """The clauses of one piece of feedback, in order."""
    text = feedback.replace("\r\n", "\n").strip()[:_LONGEST]
    blocks = _BLOCK.findall(text)
    text = _ABBREVIATIONS.sub(lambda found: found[0].replace(".", ""), _BLOCK.sub(_HOLDER, text))
    found: list[Clause] = []
    for sentence in _sentences(text):
        said, *remarks = _parts(sentence)
        holders = [part for part in (said, *remarks) if part]
        for index, part in enumerate(holders):
            while _HOLDER in part and blocks:
                part = part.replace(_HOLDER, blocks.pop(0), 1)
            holders[index] = part
        if said:
            found.append(Clause(holders[0], tuple(holders[1:])))
        elif found:
            found[-1] = Clause(found[-1].said, (*found[-1].remarks, *holders))
        elif holders:
            found.append(Clause(holders[0], tuple(holders[1:])))
    return tuple(found)


def _sentences(text: str) -> Iterator[str]:
    owner = ""
    for part in _ENUMERATED.split(text):
        for line in _LINE_END.split(part):
            for sentence in _SENTENCE_END.split(line):
                cleaned = " ".join(sentence.split()).strip(" ,.")
                cleaned = re.sub(r",?\s+(?:or|and)$", "", cleaned).rstrip(" :")
                if _ASKS.search(cleaned):
                    owner = f"{cleaned} "
                elif re.search(rf"[A-Za-z0-9{_HOLDER}]", cleaned):
                    yield owner + cleaned


def _parts(sentence: str) -> list[str]:
    """What is said, and its remarks; nothing is said where the sentence is but an example."""
    aside = [found[0].strip(" ()") for found in _IN_BRACKETS.finditer(sentence) if "_" in found[0]]
    sentence = _IN_BRACKETS.sub("", sentence)
    while (lead := _LEAD.match(sentence)) and lead.end() < len(sentence):
        sentence = sentence[lead.end() :]
    if re.fullmatch(r"[A-Za-z' ]{0,60}\b(?:issues?|problems?|errors?)(?: found)?", sentence, re.IGNORECASE):
        return [""]
    pieces = _REMARK.split(sentence)
    said, remarks = pieces[0], [*aside, *pieces[1:]]
    example = _EXAMPLE.search(said)
    if example:
        remarks.insert(0, said[example.end() :].strip(" ,:"))
        said = said[: example.start()].rstrip(" ,:;(")
    return [said, *(remark.strip(" ,") for remark in remarks if remark.strip(" ,"))]
