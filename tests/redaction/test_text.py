import random
import string
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metaclaw_jlab.redaction import redact

LETTERS = string.ascii_letters + string.digits
URL_LETTERS = LETTERS + "-_"


def drawn(seed: int, length: int, letters: str = LETTERS) -> str:
    """Random text that is the same in each run."""
    return "".join(random.Random(seed).choices(letters, k=length))


def keys(seed: int) -> dict[str, str]:
    """A key of each kind."""
    small_hex = "0123456789abcdef"
    return {
        "OpenAI": "sk-" + drawn(seed, 48),
        "OpenAI project": "sk-proj-" + drawn(seed, 20) + "_" + drawn(seed + 1, 40, URL_LETTERS),
        "Anthropic": "sk-ant-api03-" + drawn(seed, 20) + "-" + drawn(seed + 1, 60, URL_LETTERS),
        "OpenRouter": "sk-or-v1-" + drawn(seed, 64, small_hex),
        "GitHub": "ghp_" + drawn(seed, 36),
        "GitHub fine-grained": "github_pat_" + drawn(seed, 22) + "_" + drawn(seed + 1, 59),
        "GitLab": "glpat-" + drawn(seed, 20),
        "AWS id": "AKIA" + drawn(seed, 16, string.ascii_uppercase + "234567"),
        "Google": "AIza" + drawn(seed, 35),
        "Slack": "xoxb-123456789012-1234567890123-" + drawn(seed, 24),
        "Stripe": "sk_live_" + drawn(seed, 24),
        "Hugging Face": "hf_" + drawn(seed, 34),
        "npm": "npm_" + drawn(seed, 36),
        "PyPI": "pypi-AgEIcHlwaS5vcmc" + drawn(seed, 60),
        "SendGrid": "SG." + drawn(seed, 22) + "." + drawn(seed + 1, 43),
        "Telegram": "123456789:AA" + drawn(seed, 33),
        "Databricks": "dapi" + drawn(seed, 32, small_hex),
        "Groq": "gsk_" + drawn(seed, 52),
        "JWT": "eyJ"
        + drawn(seed, 33)
        + ".eyJ"
        + drawn(seed + 1, 40)
        + "."
        + drawn(seed + 2, 43, URL_LETTERS),
    }


SURROUNDINGS = st.text(max_size=40) | st.sampled_from(
    [
        "password=",
        "https://user:",
        "-----BEGIN ",
        "a@b.co ",
        "[secret]",
        '"',
        "\\n",
        "+49 170 ",
        "eyJ",
        "/home/",
        "=\n",
    ]
)


@settings(deadline=None)
@given(
    before=SURROUNDINGS, after=SURROUNDINGS, seed=st.integers(0, 10**6), kind=st.sampled_from(sorted(keys(0)))
)
def test_no_key_survives_whatever_stands_around_it(before: str, after: str, seed: int, kind: str) -> None:
    key = keys(seed)[kind]
    result = redact(f"{before} {key} {after}")
    assert key not in result.text
    assert "secret" in result.found


@settings(deadline=None)
@given(before=SURROUNDINGS, after=SURROUNDINGS, known=st.text(min_size=4, max_size=20).filter(str.strip))
def test_a_known_secret_never_survives(before: str, after: str, known: str) -> None:
    rest = redact(before + known + after, [known]).text
    for kind in ("secret", "email", "phone", "iban", "card", "id", "ip", "user"):
        rest = rest.replace(f"[{kind}]", "\0")
    assert known not in rest or "\0" in known


FRAGMENTS = st.lists(
    st.sampled_from(
        [
            *keys(7).values(), "password", "token", "=", ":", " ", '"', "'", "\\", "[secret]", "[email]", "a@b.co", "@",
            ".", "://", "user:pw1@host", "-----BEGIN PRIVATE KEY-----", "-----END PRIVATE KEY-----", "+49 170 1234567",
            "4111111111111111", "DE89370400440532013000", "8.8.8.8", "/home/", "anna", "\n", "Bearer ", "--token ",
            "Authorization: ", "1234", "-", "(", ")", "eyJ", "x", "é",
        ]
    ),
    max_size=14,
).map("".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(text=FRAGMENTS | st.text(max_size=200))
def test_twice_changes_nothing(text: str) -> None:
    once = redact(text)
    assert redact(once.text).text == once.text


@settings(deadline=None)
@given(text=FRAGMENTS, known=st.sampled_from(["secret", "[secret]", "email", "1234", "anna", "pass"]))
def test_twice_changes_nothing_with_known_secrets(text: str, known: str) -> None:
    once = redact(text, [known])
    assert redact(once.text, [known]).text == once.text


@settings(deadline=None)
@given(text=FRAGMENTS | st.text(max_size=200))
def test_a_text_grows_by_no_more_than_its_placeholders(text: str) -> None:
    result = redact(text)
    assert len(result.text) <= len(text) + len("[secret]") * result.text.count("[")


@settings(deadline=None)
@given(text=FRAGMENTS | st.text(max_size=200))
def test_what_was_found_says_whether_the_text_changed(text: str) -> None:
    result = redact(text)
    assert bool(result.found) == (result.text != text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("password = 'hunter2'", "password = '[secret]'"),
        ("password: str = 'abc'", "password: str = '[secret]'"),
        ('{"db_password": "abc def"}', '{"db_password": "[secret]"}'),
        (r"{\"password\": \"abcd\"}", r"{\"password\": \"[secret]\"}"),
        ('os.environ["API_KEY"] = "abc"', 'os.environ["API_KEY"] = "[secret]"'),
        ("clientSecret: 'abc'", "clientSecret: '[secret]'"),
        ("export DB_PASSWORD=swordfish", "export DB_PASSWORD=[secret]"),
        ("PASSWORD=a&b(c", "PASSWORD=[secret]"),
        ("Server=x;User Id=y;Password=foo;", "Server=x;User Id=y;Password=[secret];"),
        ("https://x.com/?a=1&api_key=abcdef&b=2", "https://x.com/?a=1&api_key=[secret]&b=2"),
        ("https://x.com/?access_token=abc123def", "https://x.com/?access_token=[secret]"),
        ("login --password hunter2 now", "login --password [secret] now"),
        ("the password is hunter2.", "the password is [secret]"),
        ("Password: swordfish", "Password: [secret]"),
        ("postgres://bob:s3cr3t@db/x", "postgres://[secret]@db/x"),
        ("https://bob:p@ss@host/x", "https://[secret]@host/x"),
        ("curl -u bob:pw1 x", "curl -u bob:[secret] x"),
        ("requests.get(u, auth=('bob', 'pw'))", "requests.get(u, auth=('bob', '[secret]'))"),
        ("Authorization: Bearer abc123", "Authorization: Bearer [secret]"),
        ("{'Authorization': 'Basic dXNlcjpwYXNz'}", "{'Authorization': 'Basic [secret]'}"),
        ("Cookie: a=b; c=d", "Cookie: [secret]"),
        ("a\n-----BEGIN RSA PRIVATE KEY-----\nMII\n-----END RSA PRIVATE KEY-----\nb", "a\n[secret]\nb"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1r", "[secret]"),
        ("api_key = '5f3a9c1b2d4e6f7081920a1b2c3d4e5f'", "api_key = '[secret]'"),
    ],
)  # fmt: skip
def test_a_secret_is_told_by_its_name_or_place(text: str, expected: str) -> None:
    assert redact(text).text == expected


@pytest.mark.parametrize("seed", range(40))
@pytest.mark.parametrize("letters", [LETTERS, LETTERS + "+/"], ids=["base 62", "base 64"])
def test_a_long_random_word_is_a_secret(seed: int, letters: str) -> None:
    word = drawn(seed, 40, LETTERS)[:32] + drawn(seed + 1, 8, letters)
    assert redact(f"it says {word}.").text.startswith("it says [secret]")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("write to jane.doe+x@mail.example.com.", "write to [email]."),
        ("<a href='mailto:a%40b.com'>", "<a href='mailto:[email]'>"),
        ("jürgen@bücher.de", "[email]"),
        ("+49 (0)170 1234567", "[phone]"),
        ("+14155550123", "[phone]"),
        ("(555) 123-4567", "[phone]"),
        ("ask 555-123-4567 about it", "ask [phone] about it"),
        ("Telefon: 030 1234567", "Telefon: [phone]"),
        ("DE89 3704 0044 0532 0130 00 BIC", "[iban] BIC"),
        ("GB82WEST12345698765432", "[iban]"),
        ("4111 1111 1111 1111", "[card]"),
        ("378282246310005", "[card]"),
        ("123-45-6789", "[id]"),
        ("from 8.8.8.8 to 192.168.1.1", "from [ip] to 192.168.1.1"),
        ("2001:4860:4860::8888", "[ip]"),
        ("/home/alice/x", "/home/[user]/x"),
        ("/Users/bob", "/Users/[user]"),
        (r"C:\Users\carol\x", r"C:\Users\[user]\x"),
        (r"'C:\\Users\\carol\\x'", r"'C:\\Users\\[user]\\x'"),
    ],
)
def test_personal_data_is_taken_out(text: str, expected: str) -> None:
    assert redact(text).text == expected


@pytest.mark.parametrize(
    "text",
    [
        "2026-03-16T09:30:00+08:00",
        "20260316-093000",
        "5f3a9c1b2d4e6f7081920a1b2c3d4e5f60718293",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "123e4567-e89b-12d3-a456-426614174000",
        "1700000000000000000 1234567890123456",
        "3.14159265358979323846264338327950288",
        "[100, 200, 3000] 100 200 3000 1,234,567.89",
        "978-3-16-148410-0",
        "DE89 3704 0044 0532 0130 01",
        "4111 1111 1111 1112",
        "pandas==1.2.3.4 and version 1.20.3.40",
        "token = tokenizer.next()",
        "tokens = text.split(); max_tokens=1024",
        "password = getpass.getpass('Password: ') + str('abc')",
        "connect(password=password, api_key=os.environ['KEY'], secret=None)",
        "def f(password: str, token: str | None) -> None:",
        "pwd = os.getcwd()",
        "key = 'name'; pad_token = '[PAD]'; key_env = 'OPENAI_API_KEY'",
        "y = X@beta.values + A@b.T",
        "git clone git@github.com:team/project",
        "<div class='sk-container-id-1 sk-toggleable__content sk-text-repr-fallback'>",
        "hf_hub_download(repo_id='a/b', filename='model.safetensors')",
        "getUserById2FromDatabaseTableV3WithCache",
        "data/raw/2024/Sales_Report_2024_Q1_v2_final.csv",
        "torch-2.5.1-cp311-cp311-manylinux_2_17_x86_64.manylinux2014_x86_64.whl",
        "https://example.com/home/page",
        "/home/jovyan/work",
        "x[::2], x[2:3], 2024:10:12",
        "Bearer of good news, basic understanding",
        "df.groupby('token')['value'].sum()",
    ],
)
def test_ordinary_code_and_numbers_stay(text: str) -> None:
    assert redact(text).text == text


@pytest.mark.parametrize(
    "piece",
    [
        "a", "1", "aB3", "a@", "a.", "-----BEGIN PRIVATE KEY-----", "http://a:", "password=", 'password="', "+1 ",
        "eyJaaaaaaaa.", "tel ", "DE12 ", "/home/", "2abc:", "sk-", "-u a:", "--password ", "a.b@c.de ", "[secret]",
        "authorization: ", "password='\\'", "4111 ", "1-", "password: a ", "a@b.co", " ", "\n",
    ],
)  # fmt: skip
def test_time_grows_with_length_only(piece: str) -> None:
    """Four times the text takes about four times as long, and never sixteen times."""

    def seconds(length: int) -> float:
        text = (piece * (length // len(piece) + 1))[:length]
        fastest = float("inf")
        for _ in range(3):
            started = time.process_time()
            redact(text)
            fastest = min(fastest, time.process_time() - started)
        return fastest

    assert seconds(80_000) < 9 * seconds(20_000) + 0.02
