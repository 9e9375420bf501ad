from metaclaw_jlab.store.database import Database
from metaclaw_jlab.store.notebooks import Notebooks


def test_a_notebook_has_the_switch_that_was_set_last(database: Database) -> None:
    notebooks = Notebooks(database)
    assert notebooks.learn("\udc80.ipynb") is None
    notebooks.set_learn("\udc80.ipynb", False)
    assert notebooks.learn("\udc80.ipynb") is False
    notebooks.set_learn("\udc80.ipynb", True)
    assert notebooks.learn("\udc80.ipynb") is True


def test_notebooks_are_told_apart(database: Database) -> None:
    notebooks = Notebooks(database)
    notebooks.set_learn("a.ipynb", False)
    assert notebooks.learn("b.ipynb") is None
