"""Laws of which files belong to which text."""

import pytest

from elman_models.sources.kinds import KINDS, is_test, reason_against_path

NONE = set[str]()


@pytest.mark.parametrize(
    ("path", "kinds"),
    [
        ("src/app.py", {"python"}),
        ("src/app.tsx", {"javascript"}),
        ("package.json", {"javascript"}),
        ("src/lib.rs", {"rust"}),
        ("cmd/main.go", {"go"}),
        ("include/a.hpp", {"c"}),
        ("Makefile", {"shell"}),
        ("Dockerfile.dev", {"shell"}),
        (".github/workflows/ci.yml", {"shell"}),
        ("bin/run", {"shell"}),
        ("README.md", {"prose"}),
        ("README", {"prose", "shell"}),
        ("docs/intro/overview.txt", {"prose"}),
        ("html/_sources/howto/sorting.rst.txt", {"prose"}),
        ("requirements.txt", NONE),
        ("LICENSE.md", NONE),
        ("CODE_OF_CONDUCT.md", NONE),
        ("logo.png", NONE),
    ],
)
def test_a_file_belongs_where_its_name_says(path: str, kinds: set[str]) -> None:
    assert {name for name, kind in KINDS.items() if kind.has(path)} == kinds


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("src/pip/_vendor/six.py", "vendored"),
        ("node_modules/a/index.js", "vendored"),
        ("vendored-meson/meson/mesonbuild/mlog.py", "vendored"),
        ("a_vendored/six.py", "vendored"),
        ("third-party/six.py", "vendored"),
        ("third_party_code/six.py", "vendored"),
        ("c-blosc/internal-complibs/zlib/inflate.c", "vendored"),
        ("src/doc/embedded-book/src/intro.md", "vendored"),
        ("dist/a.js", "built"),
        ("dist-node/a.js", "built"),
        ("src/_generated_include/a.h", "built"),
        ("src/generated/a.h", "built"),
        ("a/testdata/x.go", "what tests compare with, or a translation"),
        ("src/locale/de.js", "what tests compare with, or a translation"),
        ("releasenotes/notes/mend-it-123.yaml", "notes of a release"),
        (".circleci/config.yml", "hidden"),
        ("package-lock.json", "a lock file"),
        ("a.min.js", "minified"),
        ("A.Min.css", "minified"),
        (".github/workflows/ci.yml", None),
        ("src/contrib/admin.py", None),
        ("distances.js", None),
        ("distutils/core.py", None),
        ("src/vendor.py", None),
        ("generated.py", None),
    ],
)
def test_what_others_wrote_and_tools_made_is_known_by_its_place(path: str, reason: str | None) -> None:
    assert reason_against_path(path) == reason


@pytest.mark.parametrize("path", ["tests/a.py", "a/test_b.py", "a_test.go", "a.test.ts", "lib/__tests__/a.js", "conftest.py"])
def test_tests_are_known(path: str) -> None:
    assert is_test(path)


@pytest.mark.parametrize("path", ["contest.py", "a/latest.js", "attestation/a.go", "testing.py"])
def test_what_only_sounds_like_a_test_is_none(path: str) -> None:
    assert not is_test(path)
