"""Lines that look like they hold a secret: what a model learns by heart, it gives away to whoever has it.

Keys are known by how their makers mark them, passwords by where they stand, and the rest by how random they look. What looks
like a placeholder is none. This is a net with wide meshes: it warns, it does not vouch. A file's name means nothing to it.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

BEGIN = r"-----? ?BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)? ?-----?"
MARKED = {
    "a private key": (("PRIVATE KEY",), rf"{BEGIN}(?:[\s\S]{{0,20000}}?{BEGIN.replace('BEGIN', 'END')})?"),
    "an AWS key": (("AKIA", "ASIA", "ABIA", "ACCA"), r"\b(?:AKIA|ASIA|ABIA|ACCA)[A-Z0-9]{16}\b"),
    "a GitHub token": (
        ("ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_"),
        r"\b(?:gh[pousr]_[A-Za-z0-9]{36,}|github_pat_[A-Za-z0-9_]{22,})",
    ),
    "a GitLab token": (("glpat-", "glptt-", "glrt-"), r"\bgl(?:pat|ptt|rt)-[A-Za-z0-9_-]{20,}"),
    "a Slack token": (
        ("xox", "hooks.slack.com"),
        r"\bxox[abeoprs]-[A-Za-z0-9-]{10,}|hooks\.slack\.com/services/T\w+/B\w+/\w+",
    ),
    "a webhook": (("/api/webhooks/",), r"discord(?:app)?\.com/api/webhooks/\d+/[\w-]+"),
    "a Stripe key": (("k_live_", "k_test_"), r"\b[rs]k_(?:live|test)_[A-Za-z0-9]{16,}"),
    "a Google key": (("AIza",), r"\bAIza[A-Za-z0-9_-]{35}\b"),
    "an API key": (("sk-",), r"\bsk-(?:ant-|proj-|svcacct-)?[A-Za-z0-9_-]{20,}"),
    "a package registry's token": (
        ("pypi-AgE", "npm_", "rubygems_"),
        r"\bpypi-AgE[A-Za-z0-9_-]{50,}|\bnpm_[A-Za-z0-9]{36}\b|\brubygems_[a-f0-9]{48}\b",
    ),
    "a Hugging Face token": (("hf_",), r"\bhf_[A-Za-z0-9]{30,}\b"),
    "a DigitalOcean token": (("_v1_",), r"\bdo[opr]_v1_[a-f0-9]{64}\b"),
    "a Google client's secret": (("GOCSPX-",), r"\bGOCSPX-[A-Za-z0-9_-]{28}"),
    "a Shopify token": (("shp",), r"\bshp(?:at|ca|pa|ss)_[A-Fa-f0-9]{32}\b"),
    "a Databricks token": (("dapi",), r"\bdapi[a-f0-9]{32}\b"),
    "a New Relic key": (("NRAK-",), r"\bNRAK-[A-Z0-9]{27}\b"),
    "a Pulumi token": (("pul-",), r"\bpul-[a-f0-9]{40}\b"),
    "a Mailgun key": (("key-",), r"\bkey-[a-f0-9]{32}\b"),
    "a PuTTY key": (("Private-Lines: ",), r"\bPrivate-Lines: \d+(?:\n[A-Za-z0-9+/=]+)+"),
    "an Ansible vault": (("$ANSIBLE_VAULT;",), r"\$ANSIBLE_VAULT;.*(?:\n[ \t]*[0-9a-f]+)+"),
    "an age key": (("AGE-SECRET-KEY-1",), r"\bAGE-SECRET-KEY-1[A-Z0-9]{50,}"),
    "a JSON web token": (("eyJ",), r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10,}"),
}
"""By kind: marks, without any of which a text holds no key of it, which is faster to see; and the pattern."""
NAMES = r"(?:passwor[dt]|passwd|passphrase|pwd|secret(?:[_-]?key)?|token|credentials?|(?:api|access|auth|private)[_-]?key)"
PLACED = {
    "a password in a URL": r"\w://[^\s/:@'\"]*:(?P<value>[^\s/@'\"]{3,})@\w",
    "an authorization header": r"authorization['\"]?\s*[:=]\s*['\"]?(?:bearer|basic|token)\s+(?P<value>[\w.~+/=-]{8,})",
    "a secret in a flag": rf"(?<!\S)--?{NAMES}[= ]+['\"]?(?P<value>[^\s'\"]{{6,}})",
    "a password of netrc": r"\bmachine\s+\S+\s+login\s+\S+\s+password\s+(?P<value>\S{3,})",
    "a password in tags": rf"<{NAMES}>(?P<bare>[^<\s]{{6,}})</",
    "a password in a call": rf"{NAMES}\d*(?P<first>['\"]),\s*(?P<quote>['\"])(?P<bare>[^\s'\"]{{6,}})(?P=quote)",
    "a password or token": rf"(?:{NAMES}\d*|\bpass)['\"]?\]?\s*(?::=|=>|[:=])\s*"
    r"(?:(?P<quote>['\"])(?P<value>[^\s'\"]{6,})(?P=quote)|(?P<bare>[^\s'\"()\[\]{}<>,;]{6,})(?=['\"]?(?:[\s,;]|$)))",
    "a secret in the environment": rf"(?<!\S)(?-i:(?=[A-Z0-9_]+=))\w*{NAMES}\d*="
    r"(?P<value>(?![\w.]+\()[^\s'\"$`]\S{5,})(?!\S)",
}
HINTS = ("://", "authorization", "pass", "pwd", "secret", "token", "key", "credential")
"""None of what is known by its place stands in a text without one of these, which is faster to see."""
LONGEST_HINT = max(map(len, HINTS))
SLICE = 100_000
PLACEHOLDER = re.compile(
    r"^\$|\$[{(]|<[^>]*>|\{[\w.]*\}|\{\{|^%\w*%?$|%\(|%s|^[A-Z_]+$|^[*.xX_-]+$|\*\*\*"
    r"|(?i:example|placeholder|(?<![a-z0-9])your(?:s?[^a-z0-9s]|$)|change_?me|dummy|redacted|xxxx|^xxx$"
    r"|^(?:my_?)?(?:password|passwd|secret|token)\d?$)"
)
RANDOM = re.compile(r"(?<![\w+/=-])[A-Za-z0-9+_=-]{24,}(?![\w+/-])")
BASE64 = re.compile(r"(?<![\w+/-])(?=[A-Za-z0-9+]*/)[A-Za-z0-9+/]{38,}={0,2}(?![\w+/=-])")
"""The same where a slash belongs to it; shorter ones may be paths."""
KINDS = [re.compile(kind) for kind in ("[0-9]", "[A-Z]", "[a-z]")]
LEAST_ENTROPY = 3.9
"""Bits a character: 24 random letters and digits have 4.3."""
LEAST_ENTROPY_OF_BASE64 = 4.4
"""40 random signs of base 64 have 4.8; paths have less than 4.3."""
LEAST_CHANGES = 0.35
"""The share of neighbours of different kinds, but for an upper before a lower case; of random letters and digits it is 0.45."""


@dataclass(frozen=True, slots=True)
class Secret:
    """Where something stands that looks like a secret, and like which."""

    start: int
    end: int
    kind: str


def secrets_in(text: str) -> list[Secret]:
    """All that looks like a secret, from the start of the text to its end."""
    found = [*marked(text), *placed(text), *random_looking(text)]
    return sorted(found, key=lambda secret: (secret.start, secret.end))


def marked(text: str) -> Iterator[Secret]:
    """Keys that say of themselves what they are."""
    for kind, (marks, pattern) in MARKED.items():
        if any(mark in text for mark in marks):
            yield from (Secret(*match.span(), kind) for match in re.finditer(pattern, text))


def placed(text: str) -> Iterator[Secret]:
    """Values that stand where secrets do."""
    if not has_hint(text):
        return
    for kind, pattern in PLACED.items():
        for match in re.finditer(pattern, text, re.IGNORECASE):
            groups = match.groupdict()
            certain, bare = groups.get("value"), groups.get("bare")
            if PLACEHOLDER.search(certain or bare or "") or (bare and not is_mixed(bare)):
                continue
            yield Secret(*match.span(), kind)


def has_hint(text: str) -> bool:
    """Whether one of HINTS stands in the text; looked for in slices, since lower() takes twelve bytes a character."""
    slices = (text[at : at + SLICE + LONGEST_HINT].lower() for at in range(0, len(text), SLICE))
    return any(hint in each for each in slices for hint in HINTS)


def is_mixed(value: str) -> bool:
    """Whether there are letters and digits in it: one that stands without quotes may be a word or a number."""
    return bool(re.search("[A-Za-z]", value) and re.search("[0-9]", value))


def random_looking(text: str) -> Iterator[Secret]:
    """Long runs of letters of both cases and digits, in no order that a person would put them in."""
    for pattern, least_entropy in ((RANDOM, LEAST_ENTROPY), (BASE64, LEAST_ENTROPY_OF_BASE64)):
        for match in pattern.finditer(text):
            word = match[0]
            if not all(kind.search(word) for kind in KINDS):
                continue
            if kinds_changing(word) >= LEAST_CHANGES and entropy(word) >= least_entropy:
                yield Secret(*match.span(), "a random key")


def kinds_changing(word: str) -> float:
    """The share of neighbours of different kinds, but for an upper before a lower case."""
    kinds = [kind_of(character) for character in word]
    return sum(a != b and a + b != "Aa" for a, b in pairwise(kinds)) / (len(word) - 1)


def kind_of(character: str) -> str:
    """Lower case, upper case, digit or other."""
    return "a" if character.islower() else "A" if character.isupper() else "0" if character.isdigit() else "-"


def entropy(word: str) -> float:
    """Shannon's, of the word's own characters, in bits a character."""
    return -sum(count / len(word) * math.log2(count / len(word)) for count in Counter(word).values())
