import pytest

from metaclaw_jlab.core.errors import UsageMistake
from metaclaw_jlab.settings.address import is_loopback, normalise, origin


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("http://localhost:11434/v1/", "http://localhost:11434/v1"),
        ("localhost:8000", "http://localhost:8000"),
        (" 10.0.0.3/v1 ", "http://10.0.0.3/v1"),
        ("gpu.lan/v1", "http://gpu.lan/v1"),
        ("api.openai.com/v1", "https://api.openai.com/v1"),
        ("HTTPS://API.OpenAI.com:443/v1/chat/completions", "https://api.openai.com/v1"),
        ("http://[::1]:8000/v1/models/", "http://[::1]:8000/v1"),
    ],
)
def test_a_base_url_takes_one_form(text: str, url: str) -> None:
    assert normalise(text) == url


@pytest.mark.parametrize(
    "text", ["", "ftp://x/v1", "http://", "http://a b/v1", "http://x:99999", "http://x:0", "http://x/v1?k=1"]
)
def test_what_is_no_base_url_is_refused(text: str) -> None:
    with pytest.raises(UsageMistake):
        normalise(text)


@pytest.mark.parametrize(
    "text", ["http://user:sk-1@host/v1", "http://sk-1@host", "http://evil.com\\@good.com/"]
)
def test_a_key_in_the_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(UsageMistake) as caught:
        normalise(text)
    assert "sk-1" not in str(caught.value)


def test_an_origin_is_scheme_host_and_port() -> None:
    assert origin("https://API.example.org:8443/v1/x") == "https://api.example.org:8443"
    assert origin("http://example.org:80/") == origin("http://example.org")
    assert origin("http://example.org") != origin("https://example.org")


@pytest.mark.parametrize(
    ("url", "answer"),
    [
        ("http://127.0.0.1:8000/v1", True),
        ("http://[::1]/v1", True),
        ("localhost:1", True),
        ("http://localhost.example.org", False),
        ("http://10.0.0.1", False),
    ],
)
def test_loopback_is_told_from_the_rest(url: str, answer: bool) -> None:
    assert is_loopback(url) is answer
