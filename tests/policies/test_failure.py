import pytest

from metaclaw_jlab.core.errors import PolicyRefused, PromptTooLong
from metaclaw_jlab.policies.failure import Target, explain, retry_after, unsupported_parameter


class Refusal(Exception):
    def __init__(self, message: str, status_code: int = 400, param: str | None = None) -> None:
        super().__init__(message)
        self.body = {"message": message}
        self.status_code = status_code
        self.param = param


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "3"}, 3.0),
        ({"retry-after": "0.5"}, 0.5),
        ({"retry-after-ms": "250", "retry-after": "3"}, 0.25),
        ({"retry-after": "Thu, 01 Jan 1970 00:01:40 GMT"}, 90.0),
        ({"retry-after": "Thu, 01 Jan 1970 00:00:05 GMT"}, 0.0),
        ({"retry-after": "soon"}, None),
        ({"retry-after-ms": "soon"}, None),
        ({}, None),
    ],
)
def test_retry_after_is_a_number_or_a_date(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers, now=10.0) == seconds


NAMES = {"max_tokens": "max_completion_tokens", "temperature": "", "seed": ""}


@pytest.mark.parametrize(
    ("refusal", "name"),
    [
        (
            Refusal(
                "Unsupported parameter: 'max_tokens' is not supported. Use 'max_completion_tokens' instead."
            ),
            "max_tokens",
        ),
        (Refusal("Unsupported value: 'temperature' does not support 0.0 with this model."), "temperature"),
        (Refusal("Extra inputs are not permitted", 422, "seed"), "seed"),
        (Refusal("max_tokens is too large: 50000. This model supports at most 16384 tokens."), None),
        (Refusal("temperature must be at most 1"), None),
        (Refusal("unknown field seeds"), None),
        (Refusal("seed is not supported", 500), None),
    ],
)
def test_a_parameter_is_unsupported_only_where_that_is_said(refusal: Refusal, name: str | None) -> None:
    assert unsupported_parameter(refusal, NAMES) == name


TARGET = Target("http://127.0.0.1:1/v1", "small", None, 60.0)


@pytest.mark.parametrize(
    "said",
    [
        "This model's maximum context length is 4096 tokens.",
        "The prompt has 2318 tokens, and the context of small holds 2048 with the answer.",
        "prompt is too long: 210000 tokens > 200000 maximum",
    ],
)
def test_a_prompt_that_does_not_fit_is_told_from_other_refusals(said: str) -> None:
    assert type(explain(Refusal(said), TARGET).error) is PromptTooLong
    assert type(explain(Refusal("temperature must be at most 1"), TARGET).error) is PolicyRefused
