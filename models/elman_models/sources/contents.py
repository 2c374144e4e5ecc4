"""What of a file is worth learning, by its text: why a whole file is left out, and which lines of the others are.

A file goes if a tool wrote it, if it is a table, or if it says that it is under a licence that asks for more. Lines go that
hold a secret, an address, or what only a machine reads; so does the licence at the head, which all files of a project repeat.
"""

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import Final

from elman.text import COMMANDS, folded
from elman_models.selection.generated import HEAD, mean_line, reason_against_text
from elman_models.selection.overlap import without_lines
from elman_models.selection.secret_lines import secrets_in
from elman_models.sources.kinds import Kind
from elman_models.sources.licences import asked_for_more_at_head

SHORTEST: Final = 100
"""Characters below which a file says little."""
LONGEST_OF: Final = {".json": 10_000, ".yaml": 20_000, ".yml": 20_000}
"""Characters beyond which a file of such a kind is data."""
COMPILED: Final = re.compile(
    r'Object\.defineProperty\(exports, ?"__esModule"|__webpack_require__|_interopRequire|__createBinding|__esModule: '
    r"|__awaiter\b|sourceMappingURL=|regeneratorRuntime|_classCallCheck\(|^!function\(|\(0, ?_\w+\.|__commonJS\b|__toESM\b"
    r"|/\* ?[@#]__PURE__ ?\*/ ?_",
    re.MULTILINE,
)
"""What compilers and bundlers of JavaScript leave behind."""
SAYS_SO: Final = re.compile(
    r"\bauto(?:matically)?[- ]?generated|(?:file|code) (?:is|was) generated|machine[- ]generated|lexical scanner generated"
    r"|generated (?:by|with|from) (?:cython|swig|bison|flex|re2c|ragel|protoc|the protocol buffer|bindgen|mockgen|stringer)"
    r"|code generated .* do not edit",
    re.IGNORECASE,
)
"""What generators say at the head of a file, beside what is known of a person's files."""
LONGEST_MEAN_LINE: Final = 90
"""Characters a line, on average, beyond which a file of code is data."""
LEAST_LETTERS: Final = 0.5
"""The share of letters, of all characters but white space, below which a file of code is a table."""
LEAST_LETTERS_OF_PROSE: Final = 0.75
COMMON_WORDS: Final = frozenset(
    re.findall(
        "[a-z]+", "the of and to a in is that for it you be this with are as or not on can if an by from will have use when"
    )
)
LEAST_COMMON_WORDS: Final = 0.2
"""Their share of the words below which a document is a list, or in another language."""
LEAST_WORDS: Final = 0.15
"""The share of a document below which the words of prose are remarks on something else."""
NO_WORDS: Final = re.compile(
    r"^[ \t]*(?P<fence>```|~~~)[\s\S]*?(?:^[ \t]*(?P=fence)[`~]*[ \t]*$|\Z)"
    r"|^[ \t]*\.\. (?:code|code-block|sourcecode|parsed-literal|prompt|testcode|toctree)::.*\n(?:[ \t]*\n|[ \t]+\S.*\n)*"
    r"|(?<=::\n)(?:[ \t]*\n|[ \t]+\S.*\n)+|(?<=\n\n)(?:(?: {4}|\t).*\n)+|^[ \t]*(?:>>>|\$) .*$"
    r"|^[ \t]*\[[^\]\n]+\]:.*$|(?<=\])\([^)\n]*\)|`[^`\n]+`|<[^<>\n]+>|https?://\S+",
    re.MULTILINE,
)
"""What stands in documents and is no prose: code, the targets of links, addresses and tags."""
SHELL: Final = re.compile(r"#!.*\b(?:ba|z|k|da|a)?sh\b")

ADDRESS: Final = re.compile(r"[\w.+-]+@(?!example\.|localhost)[\w-]+(?:\.[\w-]+)*\.[a-z]{2,}\b", re.IGNORECASE)
ENCODED: Final = re.compile(
    r"[A-Za-z0-9+/=_-]{80,}|\b[0-9a-fA-F]{32,}\b|(?:0x[0-9a-fA-F]+,\s*){8}|(?:\b\d+,[ \t]*){16}|(?:\\x[0-9a-fA-F]{2}){8}"
)
"""Runs that only a machine reads: base 64, hashes, tables of numbers."""
OTHER_SCRIPT: Final = re.compile(
    r"[\u0370-\u1dff\u2e80-\ud7ff\uf900-\ufdff\ufe70-\ufeff\U00010000-\U0001efff\U00020000-\U0010ffff]"
)
"""A letter that is not Latin: the line is in another language."""
LONG_LINE: Final = re.compile(r"^.{300,}$", re.MULTILINE)
NOT_IN_CODE: Final = (ADDRESS, ENCODED, OTHER_SCRIPT, COMMANDS, LONG_LINE)
BADGE: Final = re.compile(
    r"\[!\[|!\[[^\]]*\]\(https?:|^\.\. (?:image|\|.*\| image):: https?:|^ +:(?:target|alt|height|width): ", re.MULTILINE
)
COMMIT: Final = re.compile(r"\b(?=[0-9a-f]*[0-9])(?=[0-9a-f]*[a-f])[0-9a-f]{7,40}\b|/commits?/")
RULED: Final = re.compile(r"^(?:\|.*\||\+[-=+]+\+)[ \t]*$", re.MULTILINE)
"""A row of a table."""
NOT_IN_PROSE: Final = (ADDRESS, ENCODED, OTHER_SCRIPT, COMMANDS, BADGE, COMMIT, RULED)

HEAD_COMMENT: Final = re.compile(
    r"\s*(?:/\*[\s\S]*?\*/[ \t]*\n|(?:[ \t]*(?://|#(?!!)|;|--).*\n)+|\"\"\"[\s\S]*?\"\"\"[ \t]*\n|<!--[\s\S]*?-->[ \t]*\n"
    r"|\.\.[ \t]*.*\n(?:[ \t]+.*\n|[ \t]*\n(?=[ \t]))+)\s*"
)
"""A comment where a file begins: of C, of a shell, of Python, of HTML, of reStructuredText."""
SPEAKS_OF_LICENCE: Final = re.compile(r"licen[cs]e|copyright|all rights reserved", re.IGNORECASE)
LONGEST_HEAD: Final = 4000


def text_of(data: bytes) -> str | None:
    """A file's text as models read it; none if it is binary or not UTF-8."""
    if b"\0" in data:
        return None
    try:
        return folded(data.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return None


def reason_against(path: str, text: str, kind: Kind) -> str | None:
    """Why a file is left out by its text, if it is."""
    if not SHORTEST <= len(text) <= kind.longest:
        return "too short" if len(text) < SHORTEST else "too long"
    if reason := reason_against_text(Path(path), text):
        return reason.partition(" (")[0]
    if asked_for_more_at_head(text[:HEAD]):
        return "under a licence that asks for more"
    return reason_against_prose(text) if kind.is_prose else reason_against_code(path, text, kind)


def reason_against_prose(text: str) -> str | None:
    """Why a document is left out, if it is: by all that it holds, or by the words alone where they are a fair part of it."""
    reason = reason_against_words(text)
    words = NO_WORDS.sub("", text) if reason else text
    return reason if len(words) < LEAST_WORDS * len(text) else reason_against_words(words)


def reason_against_words(text: str) -> str | None:
    """Why a text is no English prose, if it is none."""
    words = re.findall(r"[^\W\d_]+", text.lower())
    if sum(word in COMMON_WORDS for word in words) < LEAST_COMMON_WORDS * max(1, len(words)):
        return "no English prose"
    return "a table" if share_of_letters(text) < LEAST_LETTERS_OF_PROSE else None


def reason_against_code(path: str, text: str, kind: Kind) -> str | None:
    """Why a file of code is left out, if it is."""
    suffix = PurePosixPath(path).suffix.lower()
    if kind.may_be_script and not kind.is_named(path) and not SHELL.match(text):
        return "no script of a shell"
    if path.endswith((".d.ts", ".d.mts", ".d.cts")) or COMPILED.search(text):
        return "compiled"
    if SAYS_SO.search(text[:HEAD]):
        return "generated, as it says of itself"
    if len(text) > LONGEST_OF.get(suffix, kind.longest):
        return "data"
    return "a table" if mean_line(text) > LONGEST_MEAN_LINE or share_of_letters(text) < LEAST_LETTERS else None


def share_of_letters(text: str) -> float:
    """The share of letters, of all that is not white space."""
    written = "".join(text.split())
    return sum(map(str.isalpha, written)) / max(1, len(written))


def tidied(text: str, kind: Kind) -> str:
    """A text without the lines that nobody should learn."""
    text = without_licence_head(text)
    runs = sorted(unwanted(text, NOT_IN_PROSE if kind.is_prose else NOT_IN_CODE))
    return "".join(without_lines(text, runs)) if runs else text


def unwanted(text: str, patterns: tuple[re.Pattern[str], ...]) -> Iterator[tuple[int, int]]:
    """Start and end of what takes its lines with it."""
    yield from ((secret.start, secret.end) for secret in secrets_in(text))
    for pattern in patterns:
        yield from (found.span() for found in pattern.finditer(text))


def without_licence_head(text: str) -> str:
    """A text without the comments at its beginning that speak of a licence; a line that names the interpreter stays."""
    interpreter = text[: text.find("\n") + 1] if text.startswith("#!") else ""
    rest = text.removeprefix(interpreter)
    while (head := HEAD_COMMENT.match(rest)) and len(head[0]) <= LONGEST_HEAD and SPEAKS_OF_LICENCE.search(head[0]):
        rest = rest[head.end() :]
    return interpreter + rest
