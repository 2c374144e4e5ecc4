"""Laws of licences: what is not known to be permissive is not learnt from."""

import pytest
from sample_packages import GPL, MIT

from elman_models.sources.licences import LicenceError, licence_of

BSD = """Copyright (c) 2026, Somebody
Redistribution and use in source and binary forms, with or without modification, are permitted provided that ...
"""
NEITHER = "3. Neither the name of the copyright holder nor the names of its contributors may be used to endorse\n"
ISC = """Permission to use, copy, modify, and/or distribute this software for any
purpose with or without fee is hereby granted, provided that the above copyright notice appears in all copies.
"""
DEBIAN = """Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/
Upstream-Name: p

Files: *
Copyright: 2026 Somebody
License: Expat

Files: debian/* lib/foreign.js
 lib/more/*
Copyright: 2026 Somebody else
License: GPL-2+

Files: lib/more/given.js
Copyright: 2026 Somebody
License: GPL-2+ or BSD-3-clause

License: Expat
 Permission is hereby granted, free of charge, to any person ...
"""


@pytest.mark.parametrize(
    ("text", "name"),
    [
        (MIT, "MIT"),
        (BSD, "BSD-2-Clause"),
        (BSD + NEITHER, "BSD-3-Clause"),
        (ISC, "ISC"),
        (ISC.replace(", provided that", ".\n\nThe software is provided. That"), "0BSD"),
        ("                      Apache License\n                Version 2.0, January 2004\n", "Apache-2.0"),
        (
            "This is free and unencumbered software released into the public domain. ... commercial or non-commercial",
            "Unlicense",
        ),
        (f"# MIT\n\n> {MIT}\n\n{BSD}", "BSD-2-Clause AND MIT"),
    ],
)
def test_a_licence_is_known_by_what_it_says(text: str, name: str) -> None:
    assert licence_of({"LICENSE": text.encode(), "index.js": GPL.encode()}).name == name


@pytest.mark.parametrize(
    "path", ["LICENSE", "LICENCE.md", "COPYING", "license.txt", "p-1.0.dist-info/licenses/LICENSE", "LICENSES/MIT.txt"]
)
def test_a_licence_file_is_found_where_packages_have_it(path: str) -> None:
    assert licence_of({path: MIT.encode()}).name == "MIT"


def test_a_package_without_a_licence_file_is_refused_whatever_it_says_of_itself() -> None:
    files = {"package.json": b'{"license": "MIT"}', "lib/LICENSE": MIT.encode(), "README.md": MIT.encode()}
    with pytest.raises(LicenceError, match="no licence file"):
        licence_of(files)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (GPL, "not permissive: gnu general public"),
        (
            MIT + "\n\nlib/foreign.js is under the GNU Lesser General Public License.",
            "not permissive: gnu lesser general public",
        ),
        ("Mozilla Public License Version 2.0", "not permissive: mozilla public"),
        ("Creative Commons Attribution-NonCommercial 4.0", "not permissive: noncommercial"),
        ("All rights reserved.", "not a licence that is known"),
        ("", "not a licence that is known"),
    ],
)
def test_what_is_not_known_to_be_permissive_is_refused(text: str, why: str) -> None:
    with pytest.raises(LicenceError, match=f"LICENSE: {why}"):
        licence_of({"LICENSE": text.encode()})


def test_one_licence_file_that_asks_for_more_is_enough_to_refuse() -> None:
    with pytest.raises(LicenceError, match="COPYING: not permissive"):
        licence_of({"LICENSE": MIT.encode(), "COPYING": GPL.encode()})


@pytest.mark.parametrize(
    "path", ["lib/foreign/LICENSE", "lib/foreign/COPYING", "lib/foreign/Copyright.txt", "lib/foreign/LICENSE-BSD"]
)
@pytest.mark.parametrize("text", [BSD, GPL, "All rights reserved. " * 100, MIT + BSD])
def test_a_folder_under_another_licence_is_left_out(path: str, text: str) -> None:
    licence = licence_of({"LICENSE": MIT.encode(), path: text.encode()})
    assert licence.name == "MIT"
    allowed = {name: licence.allows(name) for name in ("a.js", "lib/a.js", "lib/foreign/a.js", "lib/foreign/deep/a.js")}
    assert allowed == {"a.js": True, "lib/a.js": True, "lib/foreign/a.js": False, "lib/foreign/deep/a.js": False}


@pytest.mark.parametrize("path", ["lib/LICENSE", "lib/license.py", "lib/licenses.js", "lib/copying.c"])
def test_a_folder_under_the_same_licence_stays_and_code_is_no_licence(path: str) -> None:
    text = MIT if path.endswith("LICENSE") else GPL
    assert licence_of({"LICENSE": MIT.encode(), path: text.encode()}).allows("lib/a.js")


def test_of_two_licences_of_a_folder_one_that_the_package_lacks_is_enough() -> None:
    files = {"LICENSE": MIT, "lib/[a]/COPYING": BSD, "lib/[a]/LICENSE": MIT, "lib/[a]/own/LICENSE": MIT}
    licence = licence_of({path: text.encode() for path, text in files.items()})
    assert [licence.allows(f"lib/{path}") for path in ("[a]/a.js", "a/a.js", "[a]/own/a.js")] == [False, True, True]


def test_debian_tells_the_licence_of_each_file() -> None:
    licence = licence_of({"usr/share/doc/p/copyright": DEBIAN.encode()})
    assert licence.name == "MIT"
    allowed = {
        name: licence.allows(f"usr/lib/p/{name}")
        for name in ("index.js", "lib/foreign.js", "lib/more/a.js", "lib/more/given.js")
    }
    assert allowed == {"index.js": True, "lib/foreign.js": False, "lib/more/a.js": False, "lib/more/given.js": True}


@pytest.mark.parametrize("short", ["GPL-2+", "Expat and GPL-2+", "LGPL-2.1 or MPL-2.0", "Somebody's own"])
def test_a_debian_package_whose_files_ask_for_more_is_refused(short: str) -> None:
    with pytest.raises(LicenceError, match="no permissive licence"):
        licence_of({"usr/share/doc/p/copyright": DEBIAN.replace("License: Expat\n\n", f"License: {short}\n\n").encode()})


def test_of_several_licences_that_one_may_choose_from_the_permissive_ones_are_told() -> None:
    text = DEBIAN.replace("License: Expat\n\n", "License: MIT or Apache-2.0 or GPL-3+\n\n")
    assert licence_of({"usr/share/doc/p/copyright": text.encode()}).name == "Apache-2.0 OR MIT"


def test_where_debian_says_nothing_of_all_files_only_those_it_names_are_learnt_from() -> None:
    text = DEBIAN.replace("Files: *\n", "Files: lib/*\n")
    licence = licence_of({"usr/share/doc/p/copyright": text.encode()})
    assert licence.name == "MIT"
    assert [licence.allows(f"usr/share/p/{path}") for path in ("lib/index.js", "lib/foreign.js", "other/index.js")] == [
        True,
        False,
        False,
    ]
