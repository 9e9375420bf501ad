"""What a text reaches for beyond the data of its task: commands, addresses, packages, paths, secrets.

A skill may name such a thing only where the tasks it was made from had it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

_END = ".,;:!?)]}>\"'`"
_COMMANDS = (
    "curl wget ssh scp sftp rsync netcat ncat telnet sudo chmod chown crontab systemctl powershell mkfifo iptables "
    "kubectl docker podman xdg-open osascript nohup"
)
_SYSTEM = r"system|popen|exec\w*|spawn\w*|remove|unlink|rmdir|removedirs|kill|environ|getenv|putenv|fork|chmod|chown"
_MODULES = (
    "subprocess importlib ctypes socket urllib httpx aiohttp ftplib smtplib imaplib paramiko telnetlib marshal pty "
    "webbrowser boto3 get_ipython __import__ __builtins__ __subclasses__ __globals__ popen urlopen rmtree"
)
_KEEPERS = (
    "pip3?|pipx|conda|mamba|uv|poetry|npm|npx|yarn|pnpm|apt|apt-get|brew|gem|cargo|go|choco|dnf|yum|apk"
)
_ENDINGS = "com|org|net|xyz|ru|cn|biz|info|top|site|online|onion"


@dataclass(frozen=True, slots=True)
class Reach:
    """Something that a text reaches for. `kind` reads after "names"."""

    kind: str
    text: str


_EXPRESSIONS = tuple(
    (kind, re.compile(expression, re.IGNORECASE))
    for kind, expression in (
        ("an address", r"\b[a-z][a-z0-9+.-]{1,20}://[^\s\"'`<>]+|\bwww\.[^\s\"'`<>]+"),
        ("an address", r"\b(?:data|javascript|vbscript):[^\s\"'`<>]+"),
        (
            "an address",
            r"(?<![\w@./-])(?:[a-z0-9-]{1,63}\.){1,5}"
            rf"(?:(?:{_ENDINGS})\b(?!\s?\()(?:/[^\s\"'`<>]*)?|[a-z]{{2,10}}/[^\s\"'`<>]+)",
        ),
        ("an address", r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b"),
        ("an installation", rf"\b(?:{_KEEPERS})\s+(?:-\S+\s+)*(?:\w+\s+)?(?:install|add|get)\s+[^\s\"'`]+"),
        ("an installation", r"\binstall(?:s|ing|ation)?\b"),
        ("a command", rf"\b(?:{_COMMANDS.replace(' ', '|')})\b"),
        ("a command", r"\brm\s+-\w+|\bnc\s+-\w+|\bdd\s+if=|\bkill\s+-\w+|\bmkfs\b"),
        (
            "a command",
            r"\b(?:ba|z|k|da)?sh\s+-\w+|\|\s*(?:ba|z|da)?sh\b|\b(?:python\d?|perl|ruby|node)\s+-\w+",
        ),
        ("a command", r"\bgit\s+(?:clone|push|pull|remote|config|reset|clean)\b"),
        ("a command", r"(?<![\w=!%\"'])![a-z]{2,}"),
        (
            "a command",
            r"(?<![\w%])%%?(?:sx|system|bash|sh|script|run|load\w*|cd|env|set_env|writefile|pip|conda|mamba)\b",
        ),
        ("a command", rf"\bos\.(?:{_SYSTEM})\b|(?<!\w)(?:{_MODULES.replace(' ', '|')})(?!\w)"),
        (
            "a command",
            r"(?<![\w.])(?:eval|exec|compile)\s*\(|\bimport\s+(?:os|sys|pickle|base64|requests|shutil)\b",
        ),
        ("a command", r"\brequests\.\w+|\bpickle\.\w+|\bbase64\.\w+|\bb64decode\b|\bhttp\.client\b"),
        ("a path", r"(?<![\w/.:<\])}-])/(?:[\w.@+-]{2,}/?)+|(?<![\w.])\.\./|(?<![\w/])~[\w-]*/[^\s\"'`]*"),
        ("a path", r"\b[a-z]:\\[^\s\"'`]+|\\\\[\w.-]+\\[^\s\"'`]+"),
        ("a path", r"\$\{?home\b|%(?:appdata|userprofile|temp)%|(?<![\w.])\.(?:env|ssh|aws|netrc)\b"),
        (
            "secrets",
            r"\b(?:passwords?|passwd|credentials?|api[ _-]?keys?|secret[ _-]keys?|private keys?|access tokens?)\b",
        ),
        ("secrets", r"\b(?:environment variables?|env vars?|ssh keys?|session cookies?)\b"),
        (
            "a transfer",
            r"\b(?:upload|transmit)(?:s|ed|ing)?\b|\be-?mail\s+(?:it|them|this|to|everything|all)\b",
        ),
        (
            "a transfer",
            r"\b(?:send|post|forward|publish|submit)(?:s|ing)?\b"
            r"(?=[^.\n]{0,80}\b(?:server|endpoint|url|webhook|host|website|internet|api|inbox|channel|address)\b)",
        ),
        (
            "a deletion",
            r"\b(?:delete|erase|wipe|destroy|remove|drop)s?\b(?=[^.\n]{0,20}\b(?:all|every|everything)\b"
            r"[^.\n]{0,20}\b(?:files?|folders?|director(?:y|ies)|tables?|disks?|notebooks?)\b)",
        ),
    )
)


def reaches(text: str) -> Iterator[Reach]:
    """Everything that a text reaches for."""
    for kind, expression in _EXPRESSIONS:
        for match in expression.finditer(text):
            yield Reach(kind, " ".join(match[0].split()).rstrip(_END) or match[0])


def first_beyond(text: str, material: Callable[[], Sequence[str]]) -> Reach | None:
    """The first thing that a text reaches for and that is nowhere in the material, which is asked for only then."""
    known: str | None = None
    for reach in reaches(text):
        if known is None:
            known = "\n".join(" ".join(entry.lower().split()) for entry in material())
        if not re.search(rf"(?<!\w){re.escape(reach.text.lower())}(?!\w)", known):
            return reach
    return None
