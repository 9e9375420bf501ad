from metaclaw_jlab.core.prompting import Prompting
from metaclaw_jlab.evaluation.calibration.calibration_text import render_calibration
from metaclaw_jlab.policies.calibration import Calibration, Variant

CHOSEN = Prompting(max_skills=1, threshold=1.0, skills_at="task", ends="ran")
VARIANT = Variant(
    stage="skills",
    name="task-1",
    prompting=CHOSEN,
    temperature=0.0,
    n=40,
    task_right=20,
    strict=10,
    seconds=1.0,
    tokens=300.0,
    chosen=True,
    verdict="the simplest",
)


def test_what_was_chosen_is_told_with_the_warning_that_its_numbers_flatter_it():
    found = Calibration(
        model="m",
        sha256=None,
        chosen=CHOSEN,
        temperature=0.0,
        variants=(VARIANT,),
        splits_sha256="",
        seed=1,
        date="",
        version="",
    )
    *_, chosen, warning = render_calibration(found.to_dict())
    assert "at most one skill after the task from relevance 1" in chosen
    assert "expect less" in warning
