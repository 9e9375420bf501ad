from collections.abc import Sequence
from dataclasses import dataclass, field

from metaclaw_jlab.core.errors import PolicyUnavailable
from metaclaw_jlab.core.evolution import Draft, Failure, FailureKind, Proposal, Source
from metaclaw_jlab.core.skill import Skill
from metaclaw_jlab.skills.evolver_pair import WORDINGS, EvolverPair

SAID, OTHER = "semicolons were expected in the csv", "a heading was expected"


@dataclass
class Said:
    """An evolver that proposes what it is told to."""

    proposal: Proposal | Exception
    asked: list[Sequence[Failure]] = field(default_factory=list)

    def propose(self, failures: Sequence[Failure], library: Sequence[Skill]) -> Proposal:
        self.asked.append(failures)
        if isinstance(self.proposal, Exception):
            raise self.proposal
        return self.proposal


def draft(name: str, *trajectories: str, said: str = SAID, amends: str | None = None) -> Draft:
    sources = tuple(Source(trajectory, said) for trajectory in trajectories)
    return Draft(name, "Use when.", tuple(f"{name} {n}" for n in range(9)), sources, amends)


def failure(name: str) -> Failure:
    return Failure(name, FailureKind.CHECK, "task", "", "", (SAID,))


FAILURES = [failure(name) for name in "abc"]


def test_the_models_goes_first_and_the_distillers_is_its_other() -> None:
    pair = EvolverPair(
        Said(Proposal((draft("m", "a"),))), Said(Proposal((draft("d", "a", "b", amends="old"),)))
    )
    (found,) = pair.propose(FAILURES, ()).drafts
    assert (found.name, [other.name for other in found.others]) == ("m", ["d"])
    assert {source.trajectory for source in found.sources} == {"a", "b"}
    assert found.others[0].sources == found.sources
    assert found.amends == found.others[0].amends == "old"
    assert len(found.others[0].wordings) == WORDINGS


def test_different_sentences_stay_apart() -> None:
    pair = EvolverPair(
        Said(Proposal((draft("m", "a", said=OTHER),))), Said(Proposal((draft("d", "a", said=SAID),)))
    )
    assert [(found.name, found.others) for found in pair.propose(FAILURES, ()).drafts] == [
        ("d", ()),
        ("m", ()),
    ]


def test_the_model_is_asked_about_one_failure_a_rule_and_about_what_the_distiller_cannot_read() -> None:
    model = Said(Proposal())
    read = Proposal((draft("d", "a", "b"),), ((Source("x", SAID), "old"),), {"c": "vague"})
    EvolverPair(model, Said(read)).propose([*FAILURES, failure("x")], ())
    assert [[one.trajectory for one in asked] for asked in model.asked] == [["a", "c"]]


def test_where_the_model_fails_the_distiller_writes_alone() -> None:
    read = Proposal((draft("d", "a"),), kept={"c": "vague"})
    found = EvolverPair(Said(PolicyUnavailable("Nobody answers.", "Start it.")), Said(read)).propose(
        FAILURES, ()
    )
    assert [one.name for one in found.drafts] == ["d"]
    assert found.kept == {"c": "vague"}


def test_where_a_skill_states_everything_the_model_is_not_asked() -> None:
    model = Said(Proposal())
    read = Proposal(explained=((Source("a", SAID), "old"),))
    assert EvolverPair(model, Said(read)).propose(FAILURES[:1], ()) == read
    assert model.asked == []


def test_what_either_drafts_is_not_kept() -> None:
    model = Said(Proposal((draft("m", "c"),), kept={"a": "bad rule"}))
    read = Proposal((draft("d", "a"),), kept={"c": "vague", "b": "vague"})
    found = EvolverPair(model, Said(read)).propose(FAILURES, ())
    assert {one.name for one in found.drafts} == {"d", "m"}
    assert found.kept == {}


def test_at_most_three_are_drafted_and_the_failures_of_the_rest_wait() -> None:
    model = Said(Proposal((draft("m", "z"),), kept={"y": "no"}))
    read = Proposal(tuple(draft(name, name, said=f"{name} was expected") for name in "abc"), kept={"z": "v"})
    found = EvolverPair(model, Said(read)).propose(FAILURES, ())
    assert [one.name for one in found.drafts] == ["a", "b", "c"]
    assert found.kept == {"y": "no"}
