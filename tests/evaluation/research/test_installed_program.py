import sys

import pytest

from metaclaw_jlab.core.errors import ResearchError
from metaclaw_jlab.evaluation.research.installed import find_program


def nowhere(_name):
    return None


def test_a_command_on_the_path_is_used():
    assert find_program(on_path=lambda name: f"/opt/bin/{name}") == ("/opt/bin/researchclaw",)


def test_else_its_module_in_this_python():
    words = find_program(on_path=nowhere, module_there=lambda _name: object())
    assert words[:2] == (sys.executable, "-c")
    assert "researchclaw.cli" in words[2]


def test_a_command_may_have_words_of_its_own(tmp_path):
    program = tmp_path / "arc"
    program.touch()
    assert find_program(f"{program} --quiet", on_path=nowhere) == (str(program), "--quiet")


def test_where_there_is_none_it_says_how_to_get_it():
    with pytest.raises(ResearchError) as raised:
        find_program(on_path=nowhere, module_there=nowhere)
    assert "github.com/aiming-lab/AutoResearchClaw" in raised.value.next_step
    assert "--command" in raised.value.next_step


@pytest.mark.parametrize("command", ["nobody-has-this", "'open", " "])
def test_a_command_that_is_not_there_is_refused(command):
    with pytest.raises(ResearchError):
        find_program(command, on_path=nowhere)
