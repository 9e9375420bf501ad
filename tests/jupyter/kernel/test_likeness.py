from metaclaw_jlab.jupyter.kernel.likeness import KEPT, Doubt, Proposals
from metaclaw_jlab.jupyter.kernel.proposed_cell import Mark

LOAD = "import pandas as pd\nframe = pd.read_csv('orders.csv')\nprint(frame.head(5))"
PLOT = "import matplotlib.pyplot as plt\nplt.plot([1, 2, 3])\nplt.savefig('line.png')"
A, B = Mark("a" * 12), Mark("b" * 12)


def plain(code: str) -> str:
    return code


def known(**codes: str) -> Proposals:
    proposals = Proposals()
    for name, code in codes.items():
        proposals.add({"a": A, "b": B}[name], code)
    return proposals


def test_an_edited_one_is_known() -> None:
    assert known(a=LOAD, b=PLOT).source_of(LOAD.replace("5", "10"), plain) is A


def test_other_code_is_nobodys() -> None:
    assert known(a=LOAD).source_of("total = sum(x ** 2 for x in range(10))\nprint(total)", plain) is None


def test_one_near_two_is_in_doubt() -> None:
    both = known(a=LOAD, b=LOAD.replace("orders", "returns"))
    assert both.source_of(LOAD.replace("orders", "visits"), plain) is Doubt.COULD_NOT_TELL


def test_quotes_and_comments_do_not_count() -> None:
    assert known(a="x = 'a'").source_of('# set it\nx = "a"', plain) is A


def test_what_has_run_is_a_rival() -> None:
    both = known(a=LOAD, b=LOAD.replace("orders", "returns"))
    both.settle(A)
    assert both.source_of(LOAD.replace("orders", "visits"), plain) is Doubt.COULD_NOT_TELL
    assert both.source_of(LOAD, plain) is None


def test_what_ran_edited_is_known_as_it_ran() -> None:
    both = known(a=LOAD, b=LOAD.replace("orders", "returns"))
    both.settle(A, LOAD.replace("orders", "visits"))
    assert both.source_of(LOAD.replace("orders", "visits"), plain) is None


def test_nothing_waits_when_all_have_run() -> None:
    both = known(a=LOAD, b=PLOT)
    both.settle_all(A.trajectory)
    assert both
    both.settle(B)
    both.settle(B)
    assert not both


def test_only_the_last_ones_are_kept() -> None:
    proposals = Proposals()
    for number in range(KEPT + 1):
        proposals.add(Mark(f"{number:012x}"), f"{PLOT}\nnumber = {number}")
    assert proposals.source_of(f"{PLOT}\nnumber = 0", plain) is Doubt.COULD_NOT_TELL
    for number in range(KEPT + 1):
        proposals.settle(Mark(f"{number:012x}"))
    assert not proposals
