"""Clauses and words of a text as retrieval compares them: lower case, identifiers split, common words out,
endings off."""

from __future__ import annotations

import re
from functools import lru_cache

# Letters, digits, and each character of a script that is written without blanks.
_WORD = re.compile(r"[\u3040-\u30ff\u3400-\u9fff]|[^\W\d_\u3040-\u30ff\u3400-\u9fff]+|\d+")
_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_DOUBLED_STEM = 3
_SENTENCE_END = re.compile(
    r"[.;:!?]+\s+|[。！？；\n]|\b(?:and\s+)?(?:then|after\s+(?:that|this)|afterwards?|finally)\b",
    re.IGNORECASE,
)
_MOST_CLAUSES = 8

_COMMON = """a about all also an and any are as at be been but by can could did do does for from had has have he her his
how i if in into is it its just may me might must my no not of on one only or other our out please shall she should so
some such than that the their them then there these they this those to too up us use used uses using very was we
were what when where which while who whose why will with within would you your"""
STOP_WORDS = frozenset(_COMMON.split())

# Ordinary requests and rules. They are indexed beside the skills, so that a library of one skill knows too which
# words are common in notebooks; they are never found.
BACKGROUND = tuple(
    """Load a csv file and show its first rows
Print the mean of a column
Show how many rows the table has
Write the result to a file
Save the values in a new file
Make a plot of a column
Define a function that takes a number
Read a text file and count its words
Filter the rows where a value is above a limit
Group by a column and sum another
Join two tables on a key
Change a value in a file
Rename a column
Sort the table
Show the date
Delete a file
Move a file to another folder
Convert a column to numbers
Fill missing values
Explain the error of the last cell
Use the data in the session
Create a list of names
Compute the total for each category
Replace text in a string
Write a title and some text
Make a folder for the output
Use this when a task asks for data
Add a column to a data frame
Find the largest and smallest value
Keep the columns that are needed""".splitlines()
)


def words(text: str) -> list[str]:
    """The words of a text in their order, as they are compared."""
    found = _WORD.findall(_CAMEL.sub(" ", text).lower())
    return [stem(word) for word in found if word not in STOP_WORDS]


def clause_words(text: str) -> list[list[str]]:
    """The words of each step that a text names, parted where a sentence ends or a next step begins.

    At most 8 steps, the last with the rest.
    """
    found = [part for part in map(words, _SENTENCE_END.split(text)) if part]
    rest = [word for part in found[_MOST_CLAUSES - 1 :] for word in part]
    return [*found[: _MOST_CLAUSES - 1], rest] if rest else found


def clauses(text: str) -> list[str]:
    """The texts of the steps that `clause_words` parts, at most 8."""
    found = [part.strip() for part in _SENTENCE_END.split(text) if words(part)]
    rest = " ".join(found[_MOST_CLAUSES - 1 :])
    return [*found[: _MOST_CLAUSES - 1], rest] if rest else found


@lru_cache(2**14)
def stem(word: str) -> str:
    """An English word without plural, -ing, -ed and final e; crude on purpose, and the same for query and skill."""
    if len(word) > 4 and word.endswith("ies"):
        word = word[:-3] + "y"
    elif len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        word = word[:-1]
    for ending in ("ing", "ed"):
        if word.endswith(ending) and len(word) >= len(ending) + _DOUBLED_STEM:
            word = word[: -len(ending)]
            if word[-1] == word[-2] and word[-1] not in "dlsz":
                word = word[:-1]
            break
    return word[:-1] if len(word) > 3 and word.endswith("e") else word
