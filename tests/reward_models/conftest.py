from collections.abc import Callable, Iterator

import pytest

from metaclaw_jlab.policies.voting import VotingEndpoint
from metaclaw_jlab.reward_models.judge import Budget, Judge
from tests.reward_models.ballots import JudgeServer, Opinion


@pytest.fixture
def judges() -> Iterator[Callable[..., JudgeServer]]:
    """Starts judges by their opinion, and ends them with the test."""
    started: list[JudgeServer] = []

    def start(opinion: Opinion, **options: bool) -> JudgeServer:
        started.append(JudgeServer(opinion, **options))
        return started[-1]

    yield start
    for server in started:
        server.close()


@pytest.fixture
def judge_at() -> Callable[..., Judge]:
    """A judge that asks a server."""

    def make(server: JudgeServer, *, requests: int = 400, timeout: float = 5.0, **options: object) -> Judge:
        votes = VotingEndpoint(server.base_url, "judge", timeout=timeout, sleep=lambda _: None)
        return Judge(votes, budget=Budget(requests), **options)

    return make
