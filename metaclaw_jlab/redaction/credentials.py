"""Credentials that can be told by their shape: keys of services, key blocks, tokens in headers and addresses."""

from __future__ import annotations

import re

from metaclaw_jlab.redaction.pattern import Pattern

# What keys of a service begin with, and what follows. Long enough that no name in code looks the same.
_SERVICES = (
    r"gh[pousr]_[A-Za-z0-9]{16,}+",  # GitHub
    r"github_pat_\w{16,}+",
    r"gl(?:pat|dt|rt|cbt|ptt|ft|soat)-[\w-]{16,}+",  # GitLab
    r"A(?:KIA|SIA|BIA|CCA|GPA|IDA|ROA)[A-Z0-9]{16}(?![A-Za-z0-9])",  # AWS
    r"AIza[\w-]{30,}+",  # Google
    r"ya29\.[\w-]{16,}+",
    r"GOCSPX-[\w-]{16,}+",
    r"xox[abceoprs](?:\.xox[bp])?-[\w-]{10,}+",  # Slack
    r"xapp-\d-[\w-]{10,}+",
    r"[rsp]k_(?:live|test)_[A-Za-z0-9]{8,}+",  # Stripe
    r"whsec_[A-Za-z0-9+/=]{16,}+",
    r"hf_[A-Za-z0-9]{20,}+",  # Hugging Face
    r"api_org_[A-Za-z0-9]{20,}+",
    r"npm_[A-Za-z0-9]{20,}+",
    r"pypi-Ag[\w-]{16,}+",
    r"SG\.[\w-]{16,}+\.[\w-]{16,}+",  # SendGrid
    r"(?:AC|SK)[0-9a-f]{32}(?![0-9A-Za-z])",  # Twilio
    r"\d{8,10}:AA[\w-]{30,}+",  # Telegram
    r"do[por]_v1_[0-9a-f]{32,}+",  # DigitalOcean
    r"dapi[0-9a-f]{32}(?:-\d)?",  # Databricks
    r"gsk_[A-Za-z0-9]{20,}+",  # Groq
    r"xai-[A-Za-z0-9]{20,}+",
    r"pplx-[A-Za-z0-9]{20,}+",
    r"nvapi-[\w-]{20,}+",
    r"r8_[A-Za-z0-9]{20,}+",  # Replicate
    r"key-[0-9a-f]{32}(?![0-9A-Za-z])",  # Mailgun
    r"shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}",  # Shopify
    r"lin_api_[A-Za-z0-9]{20,}+",
    r"(?:ntn|secret)_[A-Za-z0-9]{40,}+",  # Notion
    r"AT(?:ATT3|BB|CTT3)[\w=-]{20,}+",  # Atlassian
    r"sq0[a-z]{3}-[\w-]{20,}+",  # Square
    r"gl(?:sa|c)_[A-Za-z0-9+/=_]{20,}+",  # Grafana
    r"hv[sbr]\.[\w-]{20,}+",  # Vault
    r"dp\.(?:pt|st|ct|sa)\.[\w.-]{20,}+",  # Doppler
    r"tskey-[\w-]{16,}+",
    r"figd_[\w-]{20,}+",
    r"sbp_[0-9a-f]{32,}+",  # Supabase
    r"dckr_pat_[\w-]{16,}+",
    r"ey[JK][\w-]{8,}+\.[\w-]{8,}+(?:\.[\w-]*+)?",  # JSON web tokens
    r"AGE-SECRET-KEY-1[A-Z0-9]{20,}+",
    r"mclaw-[0-9a-f]{12}-[\w-]{16,}+",  # clients of our own proxy
)
# The look ahead saves trying each of them at every short word.
_SERVICE = re.compile(rf"(?<![A-Za-z0-9])(?=[\w.:+/=-]{{15}})(?:{'|'.join(_SERVICES)})")
_KEY_BLOCK = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}?PRIVATE KEY(?: BLOCK)?-----"
    r"(?:[^-]|-(?!----))*+(?:-----END [A-Z0-9 ]{0,60}+-----)?"
)
# sk-…: OpenAI, Anthropic, OpenRouter and many that took after them; style sheets have names like it.
_SK = re.compile(r"(?<![A-Za-z0-9_-])sk-[\w-]{16,}+")
_URL_USER = re.compile(
    r"(?<=://)(?P<value>[^\s/?#\"'<>`\[\]@]{0,200}:[^\s/?#\"'<>`]{1,400}|[\w.+-]{16,400})(?=@)"
)
_SLACK_HOOK = re.compile(r"(?<=hooks\.slack\.com/)(?P<value>(?:services|workflows|triggers)/[\w/-]{10,}+)")
_DISCORD_HOOK = re.compile(r"(?<=/api/webhooks/)(?P<value>\d+/[\w-]{16,}+)")
_AUTHORIZATION = re.compile(
    r"(?i)(?<![a-z0-9])authorization[\"']?\]?[ \t]{0,4}[:=][ \t]{0,4}[fbru]{0,2}[\"']?"
    r"(?:(?:bearer|basic|token|digest|apikey|bot|key)[ \t]{1,4})?+(?P<value>[\w.~+/=:-]{6,}+)(?![\[(])"
)
_BEARER = re.compile(r"(?i)(?<![a-z0-9])bearer[ \t]{1,4}(?P<value>[\w.~+/=:-]{8,}+)")
_COOKIE = re.compile(r"(?im)^[ \t]{0,16}(?:set-)?cookie2?:[ \t]{0,4}(?P<value>[^\s\[][^\n]*)$")


def _is_service_key(match: re.Match[str]) -> bool:
    """Whether it has a part that no hyphenated name has: long and unspaced, with a digit, or very long."""
    longest = max(re.split(r"[_-]", match[0][3:]), key=len)
    return len(longest) >= 20 or (
        len(longest) >= 10 and any(c.isdigit() for c in longest) and any(c.isalpha() for c in longest)
    )


def _is_token(match: re.Match[str]) -> bool:
    """Whether the word after `bearer` is no English one."""
    value = match["value"]
    return len(value) >= 20 or any(character.isdigit() for character in value)


PATTERNS = (
    Pattern("secret", _KEY_BLOCK),
    Pattern("secret", _URL_USER, ("://",)),
    Pattern("secret", _SLACK_HOOK, ("hooks.slack.com/",)),
    Pattern("secret", _DISCORD_HOOK, ("/api/webhooks/",)),
    Pattern("secret", _SERVICE),
    Pattern("secret", _SK, ("sk-",), _is_service_key),
    Pattern("secret", _AUTHORIZATION, ("authorization",)),
    Pattern("secret", _BEARER, ("bearer",), _is_token),
    Pattern("secret", _COOKIE, ("cookie",)),
)
