import inspect

import pytest

from metaclaw_jlab.core import errors

CLASSES = [
    member
    for _, member in inspect.getmembers(errors, inspect.isclass)
    if issubclass(member, errors.MetaclawError) and member is not errors.MetaclawError
]


@pytest.mark.parametrize("error", CLASSES)
def test_every_error_is_also_a_standard_library_kind(error: type[Exception]) -> None:
    kinds = set(error.__mro__) - {errors.MetaclawError, Exception, BaseException, object}
    assert any(kind.__module__ == "builtins" for kind in kinds)


def test_an_error_reads_as_cause_and_next_step() -> None:
    assert (
        str(errors.StoreFull("The disk is full.", "Free some space.")) == "The disk is full. Free some space."
    )


def test_a_missing_extra_names_the_command() -> None:
    assert "pip install 'metaclaw-jlab[train]'" in str(errors.MissingExtra("torch", "train"))
