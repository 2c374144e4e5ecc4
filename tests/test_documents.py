"""What the documents name is there: files, folders, targets of make, modules, rooms, sections of the law. Prose is wrapped."""

import re
from collections.abc import Iterable, Iterator
from functools import cache
from importlib.util import find_spec
from itertools import chain
from pathlib import Path
from typing import NamedTuple

import pytest

import elman
from elman.cli.main import parser_of_all

ROOT = Path(__file__).parent.parent
DOCUMENTS = [
    *(
        ROOT / name
        for name in (
            "README.md",
            "DESIGN.md",
            "CONTRIBUTING.md",
            "CHANGELOG.md",
            "SECURITY.md",
            "models/LAW.md",
            "deploy/README.md",
        )
    ),
    *sorted((ROOT / "docs").glob("*.md")),
]
FOLDERS = ("benchmarks", "client", "deploy", "docs", "models", "proto", "server", "tests")
PACKAGES = ("client/elman", "server/elman_server", "models/elman_models")
SOURCES = (".py", ".pyi", ".cpp", ".h", ".proto")
EXTENSIONS = (*SOURCES, ".json", ".md", ".sh", ".toml", ".txt", ".yaml")
LONGEST_LINE = 120
A_FILE = re.compile(rf"[\w./{{}},*-]+({'|'.join(map(re.escape, EXTENSIONS))})")

every_document = pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))


class Code(NamedTuple):
    """What a document sets as code."""

    spans: list[str]  # `in a line`
    lines: list[str]  # of blocks, indented or fenced

    @classmethod
    def of(cls, text: str) -> "Code":
        fenced = re.findall(r"^```.*?^```", text, re.MULTILINE | re.DOTALL)
        for block in fenced:
            text = text.replace(block, "")
        indented = re.findall(r"^    .*", text, re.MULTILINE)
        prose = re.sub(r"^    .*", "", text, flags=re.MULTILINE)
        spans = [" ".join(span.split()) for span in re.findall(r"`([^`]+)`", prose)]
        return cls(spans, [*indented, *chain.from_iterable(map(str.splitlines, fenced))])


def code_of(path: Path) -> Code:
    return Code.of(path.read_text())


@cache
def repository() -> list[str]:
    """Every file and folder, from the root."""
    inside = chain.from_iterable((ROOT / folder).rglob("*") for folder in FOLDERS)
    paths = [*(ROOT / folder for folder in FOLDERS), *inside, *ROOT.glob("*.*"), ROOT / "Makefile"]
    return [path.relative_to(ROOT).as_posix() for path in paths if "__pycache__" not in path.parts]


def paths_from_the_root(code: Code) -> Iterator[str]:
    """Words that begin with a folder of the repository."""
    for word in chain.from_iterable(map(str.split, [*code.spans, *code.lines])):
        if word.startswith(tuple(f"{folder}/" for folder in FOLDERS)):
            yield word.rstrip(".,:;")


def short_paths(code: Code) -> Iterator[str]:
    """Spans that are nothing but the last parts of a path: a file, or a folder with its slash."""
    for span in code.spans:
        if A_FILE.fullmatch(span) or re.fullmatch(r"[\w./-]*\w/", span):
            yield span


def expanded(path: str) -> list[str]:
    """`{a,b}.py` is two paths."""
    match = re.fullmatch(r"(.*?)\{(.*?)\}(.*)", path)
    if not match:
        return [path]
    return [one for part in match[2].split(",") for one in expanded(f"{match[1]}{part}{match[3]}")]


def matches(named: str, known: Iterable[str], *, is_short: bool = False) -> bool:
    """Whether the name, or one that ends with it, is known. NAME and its like stand for any name, as does a star."""
    parts = re.split(r"\b[A-Z]{3,}\b(?!\.md)|\*", named.rstrip("/"))
    pattern = re.compile(("(.*/)?" if is_short else "") + "[^/]+".join(map(re.escape, parts)))
    return any(map(pattern.fullmatch, known))


def missing_paths(code: Code) -> list[str]:
    """The paths that are named and are not there."""
    from_the_root = chain.from_iterable(map(expanded, paths_from_the_root(code)))
    short = chain.from_iterable(map(expanded, short_paths(code)))
    missing = [path for path in from_the_root if not matches(path, repository())]
    return missing + [path for path in short if not matches(path, repository(), is_short=True)]


def prose_of(text: str) -> list[str]:
    """The lines outside blocks of code and tables."""
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    return [line for line in text.splitlines() if not line.startswith(("    ", "|"))]


@every_document
def test_prose_is_wrapped(path: Path) -> None:
    assert [line for line in prose_of(path.read_text()) if len(line) > LONGEST_LINE] == []


@every_document
def test_every_link_leads_to_a_file(path: Path) -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", path.read_text())
    assert [link for link in links if not (path.parent / link).exists()] == []


@every_document
def test_every_path_that_is_named_is_there(path: Path) -> None:
    assert missing_paths(code_of(path)) == []


@every_document
def test_every_target_of_make_that_is_named_is_there(path: Path) -> None:
    rules = re.findall(r"^([a-z][a-z -]*):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    targets = set(" ".join(rules).split())
    code = code_of(path)
    named = [match[1] for line in [*code.spans, *code.lines] if (match := re.match(r"\s*make ([\w-]+)", line))]
    assert [target for target in named if not matches(target, targets)] == []


@every_document
def test_every_module_that_is_to_be_run_is_there(path: Path) -> None:
    code = code_of(path)
    modules = re.findall(r"-m (elman[\w.]*)", "\n".join([*code.spans, *code.lines]))
    assert [module for module in modules if find_spec(module) is None] == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_map_has_every_room_and_no_other(package: str) -> None:
    (table,) = re.findall(rf"^\| `{package}/` \|.*?\n\n", (ROOT / "DESIGN.md").read_text(), re.MULTILINE | re.DOTALL)
    named = re.findall(r"`(\w+)/`", "".join(line.split("|")[1] for line in table.strip().splitlines()[2:]))
    rooms = [each.name for each in (ROOT / package).iterdir() if each.is_dir() and each.name != "__pycache__"]
    assert sorted(named) == sorted(rooms)


def test_every_section_of_the_law_that_is_cited_is_there() -> None:
    headings = re.findall(r"^## (.*)", (ROOT / "models" / "LAW.md").read_text(), re.MULTILINE)
    sections = {word.lower() for heading in headings for word in re.findall(r"\w+", heading)}
    sources = [ROOT / one for one in repository() if one.endswith(SOURCES) and (ROOT / one).is_file()]
    cited = {section for path in sources for section in re.findall(r"LAW\.md(?:, | \()([A-Z]\w+)", path.read_text())}
    assert {"Model", "Sampling", "Ends"} <= cited
    assert {section for section in cited if section.lower() not in sections} == set()


def test_one_line_says_what_elman_is_wherever_it_is_said() -> None:
    line = (ROOT / "README.md").read_text().splitlines()[2].removesuffix(".")
    assert line in (ROOT / "pyproject.toml").read_text()
    assert line in (parser_of_all().description or "")
    assert line.lower() in (elman.__doc__ or "").lower()


def test_the_sizes_of_the_shipped_models_are_told() -> None:
    told = dict(re.findall(r"^\| `(\w+)`.*?\| ([0-9.]+) MB \|", (ROOT / "README.md").read_text(), re.MULTILINE))
    artifacts = (ROOT / "models" / "elman_models" / "shipped").glob("*.safetensors")
    assert told == {path.stem: f"{path.stat().st_size / 1e6:.2f}" for path in artifacts}


@pytest.mark.parametrize(
    ("text", "lacking"),
    [
        ("see `engine/pace.py` and `engine/place.py`", ["engine/place.py"]),
        ("`tests/laws`, and `python benchmarks/{engine,motor}.py --quick`", ["benchmarks/motor.py"]),
        ("    kubectl apply -k deploy/base  # or deploy/cellar: no such", ["deploy/cellar"]),
        ("`shipyard/recipes/NAME.json`, `shipyard/recepies/NAME.json`", ["shipyard/recepies/NAME.json"]),
        ("`sync/` and `async/`", ["async/"]),
        ("`README.md` and `README2.md`", ["README2.md"]),
        ("a file of one's own: `elman type notes.txt`", []),
    ],
)
def test_a_path_that_is_not_there_is_found(text: str, lacking: list[str]) -> None:
    assert missing_paths(Code.of(text)) == lacking
