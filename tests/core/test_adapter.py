"""The names by which versions of a model are asked for."""

from __future__ import annotations

import pytest

from metaclaw_jlab.core.adapter import answering, pinned


@pytest.mark.parametrize("base", ["metaclaw-practice-1m", "/models/a@v2b", "org/name", "odd@v"])
@pytest.mark.parametrize("version", [1, 12])
def test_a_pinned_version_is_stamped_with_its_name(base: str, version: int) -> None:
    name = pinned(base, version)
    assert answering(name) == (name, version)


def test_the_base_pinned_without_adapter_is_stamped_as_the_base() -> None:
    assert answering(pinned("m", None)) == ("m", None)


def test_a_plain_name_has_no_version() -> None:
    assert answering("gpt-4o@v1.5") == ("gpt-4o@v1.5", None)
