"""Under which licence a package is, by the text of its licence files, and whether models may learn from it.

    LICENSE              "Permission is hereby granted, free of charge, ..."      MIT
    .../copyright        Files: * / License: Expat                                MIT; other files may have others

A package without a licence file is refused, whatever its metadata say, and so is one whose licence file speaks of a licence
that asks for more than to be named. A folder whose own licence file grants another licence than the package's holds the work of
others, and is left out. Debian's copyright files name the licence of each file (the machine-readable format, 1.0).
"""

import re
from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from fnmatch import fnmatchcase
from glob import escape
from itertools import groupby

FILE = re.compile(
    r"(?:[^/]+\.dist-info/)?(?:(?:licen[cs]e|copying|unlicense)[^/]*|licenses/[^/]+)|usr/share/doc/[^/]+/copyright",
    re.IGNORECASE,
)
"""The paths of licence files: beside what a package holds, or among its metadata."""
OF_A_FOLDER = re.compile(r"(.+/)(?i:licen[cs]e|copying|copyright|unlicense)(?:[-_.](?:txt|md|rst|[A-Z][\w-]*))*")
"""The paths of licence files of folders; `license.py` is none."""
FREELY = r"permission to use, copy, modify,? and(?:/or)? distribute this software "
NOTHING_BUT = FREELY + r"for any purpose with or without fee is hereby granted"
WORDS = {
    "0BSD": NOTHING_BUT + r"(?!, provided)",
    "Apache-2.0": r"apache license,? version 2\.0",
    "BlueOak-1.0.0": r"blue oak model license",
    "BSD-2-Clause": r"redistribution and use in source and binary forms(?!.*neither the names? )",
    "BSD-3-Clause": r"redistribution and use in source and binary forms.*neither the names? ",
    "BSL-1.0": r"boost software license - version 1\.0",
    "CC0-1.0": r"cc0 1\.0 universal",
    "ISC": NOTHING_BUT + r", provided",
    "MIT": r"permission is hereby granted, free of charge, to any person obtaining a copy",
    "MIT-CMU": FREELY + r"and its(?: associated)? documentation for any purpose",
    "PSF-2.0": r"python software foundation license",
    "Unlicense": r"this is free and unencumbered software released into the public domain",
    "ZPL-2.1": r"zope public license \(zpl\) version 2\.1",
    "Zlib": r"this software is provided ['\"`]+as-is['\"`]+, without any express or implied warranty",
}
"""What each permissive licence says and no other, in lower case and with single spaces."""
ASKS_FOR_MORE = re.compile(
    r"(?<!previously distributed under the )gnu (?:lesser |library |affero )?general public|\b(?:a|l)?gpl-?v?[23]"
    r"|mozilla public|eclipse public|common development and|(?<!commercial or )non-?commercial|sharealike|share-alike"
    r"|commons clause|business source|server side public|elastic license|european union public|artistic license"
    r"|open software license"
)
"""Words of other licences; Python's own tells that some of it was under another before."""
NAMED_AT_HEAD = re.compile(
    r"\bgnu l?gpl\b|\b(?:a|l)?gpl,? (?:version|v)|\bunder (?:the )?(?:a|l)?gpl\b"
    r"|\b(?:mpl|epl|cddl|eupl|sspl|busl|osl)[- ]?v?[12]"
    r"|\bcc[- ]by[- ](?:sa|nc|nd)\b|spdx-license-identifier: \(?(?:mpl|epl|cddl|eupl|sspl|busl|osl|cc-by-(?:sa|nc|nd))-"
    r"|proprietary and confidential"
)
"""How a file of its own names one; a licence may name others beside the one that holds."""
SHORT_NAMES = {
    **{name.lower(): name for name in WORDS},
    "expat": "MIT",
    "mit/x11": "MIT",
    "apache-2": "Apache-2.0",
    "apache": "Apache-2.0",
    "asl-2": "Apache-2.0",
    "bsd-2": "BSD-2-Clause",
    "bsd-3": "BSD-3-Clause",
    "bsd": "BSD-3-Clause",
    "bsd-3-clause-google": "BSD-3-Clause",
    "boost": "BSL-1.0",
    "boost-1.0": "BSL-1.0",
    "cc0": "CC0-1.0",
    "psf": "PSF-2.0",
    "python": "PSF-2.0",
    "public-domain": "public domain",
    "go": "BSD-3-Clause",
    "bsd-3-clause-like": "BSD-3-Clause",
}
"""Debian's names for them, in lower case."""
POINTER = 1500
"""Characters up to which a file may do no more than say where the licences stand."""


class LicenceError(ValueError):
    """A package that is not learnt from, and why."""


@dataclass(frozen=True, slots=True)
class Licence:
    """What holds for a package, and for those of its files that have another licence."""

    name: str  # SPDX identifiers, with AND between them
    others: tuple[tuple[str, bool], ...] = ()  # patterns of paths, and whether they are permissive: the last that fits holds
    holds_for_all: bool = True  # what no pattern fits

    def allows(self, path: str) -> bool:
        """Whether a file may be learnt from."""
        fitting = [is_permissive for pattern, is_permissive in self.others if fnmatchcase(path, pattern)]
        return fitting[-1] if fitting else self.holds_for_all


def licence_of(files: Mapping[str, bytes]) -> Licence:
    """The licence that a package's licence files grant. Raises LicenceError."""
    texts = {path: text.decode("utf-8", "replace") for path, text in files.items() if FILE.fullmatch(path)}
    if not texts:
        raise LicenceError("no licence file")
    for text in texts.values():
        if text.startswith("Format:"):
            return licence_of_debian(text)
    found = {name for path, text in texts.items() for name in names_in(text, path)}
    if not found:
        raise LicenceError(f"{', '.join(texts)}: not a licence that is known")
    return Licence(" AND ".join(sorted(found)), tuple(of_folders(files, found)))


def is_licence_file(path: str) -> bool:
    """Whether a file says under which licence a package or a folder is."""
    return bool(FILE.fullmatch(path) or OF_A_FOLDER.fullmatch(path))


def of_folders(files: Mapping[str, bytes], granted: AbstractSet[str]) -> Iterator[tuple[str, bool]]:
    """A pattern for each folder with licence files of its own, and whether these grant what the package's grant."""
    places = sorted((place[1], path) for path in files if (place := OF_A_FOLDER.fullmatch(path)) and not FILE.fullmatch(path))
    for folder, paths in groupby(places, key=lambda place: place[0]):
        texts = [(files[path].decode("utf-8", "replace"), path) for _, path in paths]
        yield f"{escape(folder)}*", all(grants_no_other(text, path, granted) for text, path in texts)


def grants_no_other(text: str, path: str, granted: AbstractSet[str]) -> bool:
    """Whether a licence file grants no licence but these."""
    try:
        return granted >= set(names_in(text, path))
    except LicenceError:
        return False


def names_in(text: str, path: str) -> list[str]:
    """The licences that a text grants. Raises LicenceError for one that is unknown, or asks for more than to be named."""
    plain = on_one_line(text)
    if more := asked_for_more(text):
        raise LicenceError(f"{path}: not permissive: {more}")
    found = [name for name, words in WORDS.items() if re.search(words, plain)]
    if not found and len(plain) > POINTER:
        raise LicenceError(f"{path}: not a licence that is known")
    return found


def asked_for_more(text: str) -> str | None:
    """What a text says of a licence that asks for more than to be named, wherever its lines break; None if it says nothing."""
    found = ASKS_FOR_MORE.search(on_one_line(text))
    return found[0] if found else None


def asked_for_more_at_head(text: str) -> str | None:
    """The same of the head of a file, which may name a licence by no more than its letters."""
    found = NAMED_AT_HEAD.search(on_one_line(text))
    return asked_for_more(text) or (found[0] if found else None)


def on_one_line(text: str) -> str:
    """A text in lower case, without the signs of comments and with single spaces."""
    return " ".join(re.sub(r"[#*>]|//", " ", text).lower().split())


def licence_of_debian(text: str) -> Licence:
    """What a machine-readable copyright file says. Raises LicenceError unless the licence of most files is permissive.

    That is what it says of `*`, or of what it names first, where it says nothing of all files.
    """
    stanzas = list(file_stanzas(text))
    of_all = [licence for patterns, licence in stanzas if "*" in patterns]
    name = permissive((of_all or [licence for _, licence in stanzas] or [""])[0])
    if not name:
        raise LicenceError("copyright: no permissive licence")
    others = [(pattern, bool(permissive(licence))) for patterns, licence in stanzas for pattern in patterns if pattern != "*"]
    patterns = tuple((f"*/{pattern.removeprefix('./')}", is_permissive) for pattern, is_permissive in others)
    return Licence(name, patterns, holds_for_all=bool(of_all))


def file_stanzas(text: str) -> Iterator[tuple[list[str], str]]:
    """The patterns of files, and the short name of their licence."""
    for paragraph in re.split(r"\n\s*\n", text):
        fields = dict(re.findall(r"^([\w-]+):[ \t]*((?:.*)(?:\n[ \t].*)*)", paragraph, re.MULTILINE))
        if "Files" in fields and "License" in fields:
            yield fields["Files"].split(), fields["License"].partition("\n")[0].strip()


def permissive(short_name: str) -> str:
    """The SPDX identifiers of a licence by Debian's name, of several that one may choose from the permissive ones; or none."""
    choices = [all_permissive(choice) for choice in re.split(r"\s+or\s+|\s*\|\s*", short_name.lower())]
    return " OR ".join(sorted(set(filter(None, choices))))


def all_permissive(names: str) -> str:
    """The SPDX identifiers of licences that all hold, if all are permissive."""
    known = [SHORT_NAMES.get(name.strip().removesuffix("~").rstrip(",")) for name in re.split(r"\s+and\s+|,\s*", names)]
    return " AND ".join(sorted({name for name in known if name})) if all(known) else ""
