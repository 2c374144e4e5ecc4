"""Laws of what of a file is learnt."""

import pytest

from elman_models.sources.contents import reason_against, text_of, tidied
from elman_models.sources.kinds import KINDS

CODE = """import { open } from "node:fs/promises";

/** How many lines a file has. */
export async function lines(path) {
  const file = await open(path);
  let count = 0;
  for await (const line of file.readLines()) {
    count += 1;
  }
  return count;
}
"""
PROSE = """# Reader

This is a small library for those who want to know how many lines there are in a file. You can use it as you like, and it
will not read more of the file than is needed for that.

- **fast**: it is as fast as the disk
- `lines(path)` is all there is
"""
JAVASCRIPT, WRITING, SHELL = KINDS["javascript"], KINDS["prose"], KINDS["shell"]


def test_a_file_is_read_as_the_law_reads_text() -> None:
    assert text_of("\ufeffé\r\ne\u0301\r".encode()) == "é\né\n"


@pytest.mark.parametrize("data", [b"\xff\xfe", "Löwis".encode("latin-1"), b"GIF89a\0\0"])
def test_what_is_no_utf8_is_no_text(data: bytes) -> None:
    assert text_of(data) is None


def test_code_and_prose_that_somebody_wrote_stay() -> None:
    assert reason_against("lib/lines.js", CODE, JAVASCRIPT) is None
    assert reason_against("README.md", PROSE, WRITING) is None
    assert tidied(CODE, JAVASCRIPT) == CODE
    assert tidied(PROSE, WRITING) == PROSE


@pytest.mark.parametrize(
    ("path", "text", "reason"),
    [
        ("a.js", "x = 1;\n", "too short"),
        ("a.js", CODE * 1000, "too long"),
        ("a.js", CODE.replace("\n", " ") * 10, "minified"),
        ("a.js", f"// @generated\n{CODE}", "generated, as it says of itself"),
        ("a.js", f"/* This file was generated from lines.idl */\n{CODE}", "generated, as it says of itself"),
        ("a.js", f'Object.defineProperty(exports, "__esModule", {{ value: true }});\n{CODE}', "compiled"),
        ("a.d.ts", "export declare function lines(path: string): Promise<number>;\n" * 3, "compiled"),
        ("a.js", "const table = [\n" + "  [1, 22, 333, 4444],\n" * 20 + "];\n", "a table"),
        ("a.json", '{\n  "word": "meaning"\n}\n' * 1000, "data"),
        (
            "a.js",
            f"// This is subject to the terms of the Mozilla\n// Public License.\n{CODE}",
            "under a licence that asks for more",
        ),
        *(
            ("a.js", f"// {head}\n{CODE}", "under a licence that asks for more")
            for head in (
                "SPDX-License-Identifier: GPL-3.0-only",
                "SPDX-License-Identifier: MPL-2.0",
                "SPDX-License-Identifier: (CC-BY-SA-4.0)",
                "This file is under the GNU GPL",
                "LGPL version 2.1 or later",
                "License: MPL 2.0",
                "CC BY-NC-SA 4.0",
            )
        ),
    ],
)
def test_what_nobody_wrote_or_not_for_us_is_left_out(path: str, text: str, reason: str) -> None:
    assert reason_against(path, text, JAVASCRIPT) == reason


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (
            "Dies ist eine kleine Bibliothek für alle, die wissen wollen, wie viele Zeilen eine Datei hat.\n" * 3,
            "no English prose",
        ),
        ("cherry-pick\nsort\nsnapshot\nbranch list\n" * 10, "no English prose"),
        ("the | 12.5 | 13.7 | 99.1 | 0.0001 | -7\n" * 10, "a table"),
    ],
)
def test_lists_and_other_languages_are_no_prose(text: str, reason: str) -> None:
    assert reason_against("README.md", text, WRITING) == reason


README = """# lines

How many lines a file has, and how long they are, for those of us who would like to know and have no time to count.

```js
import { count, longest } from "lines";
CODE
```

Options stand in the object, which is checked: [count](https://lines.test/api/count.html), `longest(file, { within: 80 })`,
and [longest](https://lines.test/api/longest.html), both of them in the table of the [API](https://lines.test/api/index.html).
"""


def test_code_and_links_do_not_count_as_words_of_a_readme() -> None:
    code = "const lines = await count(file, { encoding, separator });\n" * 4
    assert reason_against("README.md", README.replace("CODE\n", code), WRITING) is None


def test_a_few_words_beside_much_code_make_no_prose() -> None:
    code = "const lines = await count(file, { encoding, separator });\n" * 100
    assert reason_against("README.md", README.replace("CODE\n", code), WRITING) == "no English prose"


def test_a_file_without_a_suffix_is_a_script_if_a_shell_runs_it() -> None:
    text = 'set -eu\nfor file in *.log; do gzip "$file"; done\n' * 4
    assert reason_against("bin/pack", f"#!/bin/sh\n{text}", SHELL) is None
    assert reason_against("bin/pack", f"#!/usr/bin/env bash\n{text}", SHELL) is None
    assert reason_against("bin/pack", f"#!/usr/bin/python3\n{text}", SHELL) == "no script of a shell"
    assert reason_against("Makefile", text, SHELL) is None


@pytest.mark.parametrize(
    "line",
    [
        'const token = "ghp_abcdefghijklmnopqrstuvwxyz0123456789";',
        'password = "Xk29!vq0ab";',
        "// by Jane Doe <jane.doe@company.com>",
        f'const icon = "data:image/png;base64,{"iVBORw0KGgo" * 9}";',
        "const sha = '9e107d9d372bb6826bd81d3542a419d6';",
        "const table = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17];",
        "// Привет",
        "\x1b[31mred",
        f"const long = {'a + ' * 100}a;",
    ],
)
def test_a_line_that_nobody_should_learn_goes_alone(line: str) -> None:
    assert tidied(f"first;\n{line}\nlast;\n", JAVASCRIPT) == "first;\nlast;\n"


def test_addresses_that_are_nobodys_stay() -> None:
    assert tidied("// write to you@example.com\n", JAVASCRIPT) == "// write to you@example.com\n"


@pytest.mark.parametrize(
    "line", ["[![Build](https://ci.test/b.svg)](https://ci.test)", "- mend it (4d2f1a9c)", "| a | b |", "+---+---+"]
)
def test_badges_commits_and_tables_are_no_prose(line: str) -> None:
    assert tidied(f"# Title\n\n{line}\nIt works.\n", WRITING) == "# Title\n\nIt works.\n"


@pytest.mark.parametrize(
    ("head", "kept"),
    [
        ("/*\n * Copyright 2026 Somebody\n */\n\n", ""),
        ("// Licensed under MIT.\n// All rights reserved.\n", ""),
        ("#!/bin/sh\n# Copyright 2026 Somebody\n#\n\n", "#!/bin/sh\n"),
        ("/* eslint-env node */\n", "/* eslint-env node */\n"),
        ("<!-- Copyright 2026 -->\n", ""),
        ("..\n    Copyright 2026 Somebody\n    Licensed under the Apache License\n\n", ""),
    ],
)
def test_a_licence_at_the_head_goes_and_nothing_else(head: str, kept: str) -> None:
    assert tidied(f"{head}{CODE}", JAVASCRIPT) == kept + CODE
