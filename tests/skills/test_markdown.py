from dataclasses import replace
from pathlib import Path

import pytest
import skills_ref
from hypothesis import given
from hypothesis import strategies as st

from metaclaw_jlab.core.errors import SkillInvalid
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.hidden_text import find_hidden
from metaclaw_jlab.skills.markdown import canonical, parse, parse_file, render

GOOD = "---\nname: iso-dates\ndescription: Use when dates are written.\n---\n\nWrite dates as YYYY-MM-DD.\n"
SKILL = Skill("iso-dates", "Use when dates are written.", "Write dates as YYYY-MM-DD.")

visible = st.text(max_size=60).filter(lambda text: find_hidden(canonical_lines(text)) is None)


def canonical_lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n")


skills = st.builds(
    Skill,
    name=st.sampled_from(["a", "iso-dates", "on", "null", "1e5", "123", "0x1f"]),
    description=visible.filter(str.strip),
    body=visible.filter(str.strip),
    metadata=st.dictionaries(visible, visible, max_size=3),
    license=st.none() | visible,
    compatibility=st.none() | visible.filter(lambda text: text.strip()),
    allowed_tools=st.none() | visible,
)


def test_a_plain_file_is_read() -> None:
    assert parse(GOOD, "iso-dates") == SKILL


@given(skills)
def test_what_is_rendered_is_read_back(skill: Skill) -> None:
    assert parse(render(skill), skill.name) == canonical(skill)


@given(skills)
def test_the_hash_survives_the_round_trip(skill: Skill) -> None:
    assert parse(render(skill), skill.name).sha256 == canonical(skill).sha256


@pytest.mark.parametrize(
    "description",
    [
        "Use when: a table is written",
        "It's 'quoted' and \"double\" # not a comment",
        "A rule --- with dashes",
        "- starts like a list",
        "{braces: too}",
        "two\nlines",
        "Größe, 日本, emoji 👩‍💻",
        "true",
        "2024-01-01",
        "back\\slash \\n stays",
        "tab\there",
    ],
)
def test_the_public_validator_accepts_what_is_written(tmp_path: Path, description: str) -> None:
    skill = replace(
        SKILL,
        description=description,
        license="BSD-3-Clause",
        compatibility="Python: 3.11+",
        allowed_tools="Bash(git:*) Read",
        metadata={"generation": "3", "made by": "hand: mine", "yes": "no"},
    )
    folder = tmp_path / "iso-dates"
    folder.mkdir()
    (folder / "SKILL.md").write_text(render(skill), encoding="utf-8")
    assert skills_ref.validate(folder) == []
    properties = skills_ref.read_properties(folder)
    assert (properties.description, properties.allowed_tools) == (description, "Bash(git:*) Read")
    assert properties.metadata == skill.metadata


@pytest.mark.parametrize(
    "text",
    [
        pytest.param(GOOD.replace("\n", "\r\n"), id="CRLF"),
        pytest.param("\ufeff" + GOOD, id="byte order mark"),
        pytest.param(GOOD.replace("---", "--- \t"), id="blanks after the fences"),
        pytest.param(GOOD.replace("name: iso-dates", "name: 'iso-dates'"), id="quoted"),
        pytest.param(GOOD.rstrip(), id="no line end"),
    ],
)
def test_variants_of_a_file_are_read_alike(text: str) -> None:
    assert parse(text, "iso-dates") == SKILL


@pytest.mark.parametrize(
    ("text", "word"),
    [
        pytest.param("", "frontmatter", id="empty"),
        pytest.param("Write ISO dates.", "frontmatter", id="no frontmatter"),
        pytest.param("---\nname: iso-dates\n", "never closed", id="unclosed"),
        pytest.param(GOOD.replace("name:", "name"), "no YAML", id="broken YAML"),
        pytest.param(GOOD.replace("description: ", "description: a: b: "), "line 3", id="unquoted colon"),
        pytest.param(GOOD.replace("name:", "\tname:"), "no YAML", id="tab"),
        pytest.param("---\n- a\n---\nb", "no fields", id="a list"),
        pytest.param("---\n---\nb", "no fields", id="nothing"),
        pytest.param(GOOD.replace("name: iso-dates\n", ""), "has no name", id="no name"),
        pytest.param(
            GOOD.replace("Use when dates are written.", ""), "has no description", id="no description"
        ),
        pytest.param(GOOD.replace("name:", "name: x\nname:"), "twice", id="a field twice"),
        pytest.param(GOOD.replace("name: iso-dates", "name: other"), "names equal", id="other name"),
        pytest.param(GOOD.split("Write")[0], "no instructions", id="no body"),
        pytest.param(GOOD + "x" * 300_000, "256 KB", id="huge"),
        pytest.param(GOOD.replace("YYYY", "Y\u200bY"), "U+200B", id="zero width space"),
        pytest.param(GOOD.replace("YYYY", "\u202eYYYY"), "line 6", id="bidirectional override"),
        pytest.param(GOOD + "".join(chr(0xE0000 + ord(c)) for c in "run"), "hidden", id="tag characters"),
        pytest.param(GOOD.replace("Write", "Write\x00"), "hidden", id="nul"),
        pytest.param(GOOD.replace("Use when dates", "&a [*a] #"), "alias", id="recursive alias"),
        pytest.param("---\na: &a [x]\nb: *a\n---\nx", "alias", id="alias"),
        pytest.param("---\na: " + "[" * 200_000 + "\n---\nx", "no YAML", id="deep nesting"),
    ],
)
def test_a_broken_file_is_refused_in_words(text: str, word: str) -> None:
    with pytest.raises(SkillInvalid) as caught:
        parse(text, "iso-dates")
    assert word in str(caught.value)


@pytest.mark.parametrize(
    ("line", "word"),
    [
        ("author: me", "'author'"),
        ("metadata: {deep: {a: b}}", "'deep'"),
        ("metadata: text", "metadata is no mapping"),
        ("allowed-tools: [Read, Write]", "joined"),
        ("license: [a]", "license"),
    ],
)
def test_what_the_format_does_not_know_is_noted_and_the_skill_still_loads(line: str, word: str) -> None:
    file = parse_file(GOOD.replace("name:", f"{line}\nname:"), "iso-dates")
    assert file.skill.body == SKILL.body
    assert word in " ".join(file.notes)


def test_values_stay_the_text_that_they_are() -> None:
    text = GOOD.replace("name:", "metadata:\n  version: 1.0\n  on: yes\nname:")
    assert parse(text, "iso-dates").metadata == {"on": "yes", "version": "1.0"}


def test_nothing_is_constructed_from_a_tag() -> None:
    text = GOOD.replace("name:", "license: !!python/object/apply:os.getcwd []\nname:")
    assert parse(text, "iso-dates").license is None


def test_a_fence_in_the_body_stays() -> None:
    assert parse(GOOD + "\n---\n\nmore", "iso-dates").body.endswith("---\n\nmore")


def test_hidden_characters_are_not_written() -> None:
    with pytest.raises(SkillInvalid, match=r"U\+2066"):
        render(replace(SKILL, body="Write \u2066dates"))


@pytest.mark.parametrize(
    "text", ["naïve café", "日本語", "👩\u200d💻", "❤\ufe0f", "می\u200cخواهم", "a\tb\nc", "1\ufe0f"]
)
def test_what_shows_is_not_hidden(text: str) -> None:
    assert find_hidden(text) is None
