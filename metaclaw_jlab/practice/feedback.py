"""What the checks say about a broken house rule: about this output, with the value that the house wants.

Worded unlike any phrasing of a skill, and never with a rule's name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping

from metaclaw_jlab.practice.phrasings import describe

TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "date-format": (
        "the date came out in a shape that nobody here reads, {shape} was expected",
        "this output holds a date in another order than {order}",
        "readers look for {shape} in this output and found something else",
        "the printed day does not have the form {shape}",
    ),
    "function-docs/plain": (
        "the function came with extras, but only a plain one was wanted",
        "this function carries a docstring or hints that nobody asked for",
        "the function should stay plain, it has more than its code",
    ),
    "function-docs/docstring": (
        "the function lacks a docstring, its reader finds none",
        "no docstring was found in the function",
        "this function tells its reader nothing, a docstring was expected",
    ),
    "function-docs/hints": (
        "the function lacks type hints, its reader finds none",
        "no type hints were found in the function",
        "this function does not tell the type of x, hints were expected",
    ),
    "figure-format": (
        "the figure was expected to be a {o} and came as something else",
        "no {o} was found among the figures of this task",
        "the plot cannot be used here unless it ends with .{o}",
    ),
    "heading-level": (
        "the title of this page was expected to begin with {hashes} and one blank",
        "the page has its title at another level than {o}",
        "readers look for a title behind {hashes} in this file",
    ),
    "json-indent": (
        "the json of this task was expected to have an indent of {o} and has another",
        "this json file is hard to read here without {o} for its indent",
        "the json does not have {o} for the indent of its lines",
    ),
    "json-indent/none": (
        "the json of this task was expected on one line and came on more",
        "this json file has an indent, one line was expected",
        "more than one line was found in the json file",
    ),
    "csv-separator": (
        "the csv of this task was expected to have {plural} between its values",
        "this csv could not be read with {sign} as its separator",
        "the values in the csv file do not stand between {plural}",
    ),
    "file-naming": (
        "no file of the expected name was found, its words should have {plural} between them",
        "the new file has the wrong name, {one} belongs between its words",
        "this file was looked for under a name with {plural}",
    ),
    "file-naming/flat": (
        "no file of the expected name was found, its words should be one word",
        "the new file has the wrong name, nothing belongs between its words",
        "this file was looked for under a name that is one word",
    ),
    "table-order": (
        "the groups came out of order, the {first} was expected on top",
        "this output has its groups in another order than {way}",
        "readers look for the {first} group at the start and found another",
    ),
    "table-order/none": (
        "the groups were sorted by value, their own order was expected",
        "this output has moved its groups, they should be as they were",
        "readers look for the groups in their own order and found them sorted",
    ),
    "gap-values": (
        "the number is wrong for cells that are empty, they were expected to be {word}",
        "this number does not take an empty cell as {digit}",
        "the gaps were expected to be {digit} in this number",
    ),
    "gap-values/skip": (
        "the number was made with values for the gaps, they were expected to be left out",
        "this number counts cells that are empty, they should not be in it",
        "the gaps were filled in this number, and nobody wants that here",
    ),
    "rounding": (
        "the number came with the wrong digits, {o} after the point were expected",
        "this number does not stop at {count} digit{s} as was expected",
        "readers look for {o} decimal{s} in this number and found another count",
    ),
    "rounding/none": (
        "the number lost some of its digits, all were expected",
        "this number was cut, each of its digits is wanted",
        "readers look for all the digits and found a shorter number",
    ),
    "backup-copy": (
        "the old text of the file is gone, a .{o} beside it was expected",
        "no file with .{o} at its end was found beside the edited one",
        "nobody can go back to the old file, its .{o} is missing",
    ),
    "backup-copy/none": (
        "a copy was found beside the edited file, nobody wants it",
        "this task left an old file behind, only the edited one was expected",
        "one file too many was found, the edited file was to have no copy",
    ),
    "done-marker": (
        "the file is at its place but this output does not say {o}",
        "readers look for {o} in this output and it is missing",
        "the output was expected to be {o} for this file",
    ),
    "done-marker/none": (
        "the output has a word in it and was expected to be empty",
        "this output says something, nothing was expected",
        "readers found a word in this output and want none",
    ),
    "value-label": (
        "the number was expected to come with {o} at its left",
        "this output does not begin with {o}",
        "readers look for the word {o} left of the number and it is missing",
    ),
    "value-label/none": (
        "the number came with a word at its left, nothing was expected there",
        "this output begins with a word, but the number alone was expected",
        "readers found a word beside the number and want none",
    ),
    "output-folder": (
        "the file landed at another place, but readers look for it under {o}/",
        "no new file was found under {o}/ after this task",
        "this file was expected in {o}/ and is not there",
    ),
    "output-folder/none": (
        "the file landed in a folder, but readers look for it here",
        "this file was expected here and not in a folder",
        "no new file was found outside of folders after this task",
    ),
}


def pick(count: int, key: str) -> int:
    """A number below `count` that depends on the key alone."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:4], "big") % count


def feedback(rule: str, option: str, key: str) -> str:
    """The sentence about a rule that was broken while the house wants `option`."""
    own = f"{rule}/{option}"
    choices = TEMPLATES[own if own in TEMPLATES else rule]
    return choices[pick(len(choices), f"{key}/{rule}")].format(**describe(rule, option))
