from xml.etree import ElementTree

import pytest

from metaclaw_jlab.jupyter.kernel.chart import HEIGHT, WIDTH, line_chart, panel

NAN = float("nan")


def points(markup: str) -> list[tuple[float, float]]:
    line = ElementTree.fromstring(markup).find("polyline")
    assert line is not None
    return [(float(x), float(y)) for x, y in (pair.split(",") for pair in line.attrib["points"].split())]


def test_the_lowest_is_at_the_bottom_and_the_last_at_the_right() -> None:
    drawn = points(line_chart([0.0, 1.0, 0.5], "Reward"))
    assert [x for x, _ in drawn] == [3.0, WIDTH / 2, WIDTH - 3.0]
    assert [y for _, y in drawn] == [HEIGHT - 3.0, 3.0, HEIGHT / 2]


def test_equal_values_are_a_line_in_the_middle() -> None:
    assert {y for _, y in points(line_chart([0.5, 0.5, 0.5], "Reward"))} == {HEIGHT / 2}


@pytest.mark.parametrize("values", [[], [1.0], [NAN, 1.0]])
def test_one_value_is_no_line(values: list[float]) -> None:
    assert line_chart(values, "Reward") == ""


def test_what_is_no_number_is_left_out() -> None:
    assert len(points(line_chart([0.0, NAN, 1.0], "Reward"))) == 2


def test_it_says_what_it_shows_to_those_who_do_not_see_it() -> None:
    title = ElementTree.fromstring(line_chart([-0.5, 1.0], "Reward")).attrib["aria-label"]
    assert title == "Reward: -0.50 to +1.00, from -0.50 to +1.00"


def test_the_colours_are_the_themes() -> None:
    markup = panel("Training", 0.5, [0.0, 1.0], "Reward")
    assert 'stroke="currentColor"' in markup
    assert "--jp-" in markup


def test_what_is_said_cannot_become_markup() -> None:
    markup = panel('<script>alert("x")</script>', 0.5, [0.0, 1.0], '"><img>')
    ElementTree.fromstring(markup)
    assert "<script" not in markup
    assert "<img" not in markup


@pytest.mark.parametrize(("share", "shown"), [(0.5, "50"), (-1.0, "0"), (2.0, "100")])
def test_the_bar_tells_its_share(share: float, shown: str) -> None:
    assert f'aria-valuenow="{shown}"' in panel("Training", share, [], "")


def test_without_a_share_there_is_no_bar() -> None:
    assert "progressbar" not in panel("Training", None, [], "")
