import re

import pytest

from metaclaw_jlab.jupyter.kernel.widgets.page_code import page_code, page_text

DECLARED = re.compile(r"^(?:export )?(?:function|const|let|class) (\w+)", re.MULTILINE)


@pytest.mark.parametrize("name", ["ablation", "dashboard"])
def test_a_module_stands_alone(name: str) -> None:
    code = page_code(name)
    assert re.findall(r"^(?:import|export) .*", code, re.MULTILINE) == ["export default { render };"]


def test_no_two_files_declare_the_same_name() -> None:
    names = DECLARED.findall(page_code("ablation"))
    assert "forest" in names
    assert sorted(set(names)) == sorted(names)


def test_nothing_is_written_as_markup() -> None:
    written = page_code("ablation")
    assert [
        word for word in ("innerHTML", "outerHTML", "insertAdjacentHTML", "eval(") if word in written
    ] == []


def test_a_stylesheet_is_taken_as_it_is() -> None:
    assert page_text("ablation.css").startswith(".metaclaw-ablation {")
