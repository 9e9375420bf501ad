"""Cuts a clause into the parts that have a verb of their own, after putting it into plainer grammar."""

from __future__ import annotations

import re

from metaclaw_jlab.skills.distiller.english import base_form

_FILLER = re.compile(
    r"\s+(?:(?:of|in|for|by|from|after|to|with) (?:this|the|that|your) (?:task|time|case|request|run|edit|reply)|"
    r"(?:as was expected|that was expected|that nobody (?:here )?(?:reads|knows|wants)|please|"
    r"(?<!it )(?<!expected )here|now|again|too|anymore|any more|at all|"
    r"in this case|this time|as (?:usual|always|agreed|required)))(?=\s|$)"
)


def _turned(found: re.Match[str]) -> str:
    """`before editing the file, copy it` with its command first, and the noun before the pronoun."""
    time, rest = found[1][:1].lower() + found[1][1:], found[2]
    if re.search(r"\bit\b", rest) and time.endswith(" the file"):
        rest, time = re.sub(r"\bit\b", "the file", rest, count=1), f"{time[:-9]} it"
    return f"{rest} {time}"


_MARK = "[\ue000-\uf8ff]"
_REWRITTEN = (
    (re.compile(r" \((must|should|has to) ([^()]+)\)"), r", it \1 \2"),
    (re.compile(rf"\bthe following (\w+)\s*:?\s*({_MARK})"), r"\1 \2"),
    (
        re.compile(
            r"^(?:please )?(?:ensure|make sure|check|see to it)(?: that)? (?P<s>(?:the|a|an|every|each|all) .+?) "
            r"(?P<v>starts|begins|ends|includes|has|is|are|uses|contains|have|start|begin|end|use|include) ",
            re.IGNORECASE,
        ),
        lambda found: f"{found['s']} must {base_form(found['v'].lower())} ",
    ),
    (
        re.compile(r"^((?:before|after|when|whenever|while|if) [^,]+), (?:then )?(.+)$", re.IGNORECASE),
        _turned,
    ),
    (re.compile(r", (?=with |without )"), " "),
    (re.compile(r"\b(like|be|as|is): "), r"\1 "),
    (re.compile(rf"\b(?:the )?words? (?={_MARK})"), ""),
)
_FINITE = re.compile(
    r"\b(?:is|are|was|were|has|have|had|must|should|shall|does|do|don't|can|cannot|will|needs?|belongs?|wants?|wanted|lacks?|"
    r"looks?|finds?|found|use|uses|put|write|it|they|nobody|nothing|came|missing)\b|\bexpected\b"
)


def tidied(text: str) -> str:
    """A marked clause in plainer grammar, without words that tell nothing."""
    text = " ".join(text.split())
    for pattern, instead in _REWRITTEN:
        text = pattern.sub(instead, text)
    for _ in range(3):
        text = _FILLER.sub("", text)
    return text.strip(" .,:!")


def segments_of(text: str) -> tuple[str, ...]:
    """The parts of a clause that have a verb of their own."""
    parts: list[str] = []
    for part in re.split(
        rf"\s*,\s+(?:(?:but|so|yet|because|since|while) )?|\s+but\s+|\s*:\s+(?!{_MARK}$)|"
        r"\s+and (?=(?:found|came|has|have|it|is|are|was|were|want|nobody|not)\b)|"
        r"\s+or (?=(?:is|are|has|have|the)\b)|\s+so that\s+|\s+because\s+",
        text,
    ):
        if parts and part and not _FINITE.search(part):
            parts[-1] += f", {part}"
        elif part:
            parts.append(re.sub(r"^and ", "", part))
    return tuple(parts)
