"""Commands that look like they hold a secret: beside those of any text, what stands where a shell's commands take secrets.

    mysql -phunter2 shop          curl -u ann:hunter2 https://host/       export DB_PASSWORD=hunter
    echo hunter2 | sudo -S make   docker login --password-stdin <<< x     Tr0ub4dor3&          (typed at the wrong prompt)

A command is cheap to leave out, so this net is finer than that of other texts. Knows no file.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Final

from elman_models.selection.secret_lines import LEAST_CHANGES, NAMES, PLACEHOLDER, Secret, is_mixed, kinds_changing, secrets_in

WORD: Final = re.compile(r"""(?:[^\s'"\\|;&()<>]|\\.|'[^']*(?:'|\Z)|"(?:[^"\\]|\\.)*(?:"|\Z))+""", re.DOTALL)
"""A word of a command line, quotes and all."""
SECRET_NAME: Final = rf"(?:{NAMES}|pass|\w*[_-](?:auth|key|pass|pw))\d*"
FLAG: Final = re.compile(rf"--?(?:[\w-]*[_-])?{SECRET_NAME}(?:=(?P<value>.+))?", re.IGNORECASE | re.DOTALL)
ASSIGNED: Final = re.compile(
    rf"(?:.*[?&\s;'\"/:{{,=])?[\w.-]*{SECRET_NAME}['\"]?\s*[=:]\s*['\"]?(?P<value>[^\s'\"&]+)", re.IGNORECASE
)
PATH: Final = re.compile(r"[~./]|.*\.(?:pem|key|pub|json|txt|ya?ml|env|crt)\Z|.*/.*\.\w+\Z", re.DOTALL)
"""A file that holds a secret is none."""
ATTACHED: Final = {"-p": ("mysql", "mysqldump", "mysqladmin", "mariadb", "sshpass", "7z", "7za"), "-hp": ("rar",)}
FOLLOWING: Final = {
    "-p": ("sshpass", "login", "mongo", "mongosh", "rdesktop"),
    "-P": ("zip", "unzip", "sqlcmd", "bcp", "ipmitool"),
    "-N": ("ssh-keygen",),
    "-a": ("redis-cli",),
    "-w": ("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd"),
    "-A": ("snmpwalk", "snmpget", "snmpset"),
    "-X": ("snmpwalk", "snmpget", "snmpset"),
}
"""Flags of one letter whose value is a password, attached or the next word, and whose they are."""
WITH_NAME: Final = {
    "-u": ("curl", "lftp", "ncftp"),
    "--user": ("curl",),
    "-U": ("smbclient", "curl"),
    "--proxy-user": ("curl",),
}
NAME_AND_PASSWORD: Final = re.compile(r"['\"]?[^:,%@/]+[:,%].+", re.DOTALL)
PIPED: Final = re.compile(
    r"sudo\s+(?:-\w+\s+)*-\w*S|--password-stdin|\b(?:ch)?passwd\b|--with-token|--passphrase-fd|\bcryptsetup\b"
)
GIVEN: Final = re.compile(r"\b(?:echo|printf|print)\s+(?:-\w+\s+)*(?![\"']?\$)\S|<<")
UNNAMED: Final = re.compile(
    r"\bpass:\S+|/p:\S+|\bvault\s+login\s+(?!-)\S+|\b(?:htpasswd|net\s+user)\s+.*\s\S+\Z"
    r"|(?i:\b(?:password|identified\s+by)\s+['\"][^'\"]+)"
)
SPOKEN: Final = re.compile(rf"(?P<prefix>.*[_:/.-]\w*)?{NAMES}", re.IGNORECASE)
LEAST_SPOKEN: Final = 8
"""Characters, letters and digits among them, of what follows a word such as password; after one such as db_password, any."""
BY_ITSELF: Final = re.compile(r"(?=.*\d)(?=.*[a-z])(?=.*[A-Z])[^\s/=.]{8,64}")
RANDOM: Final = re.compile(r"(?<![\w-])(?:[0-9a-fA-F]{32,}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})(?![\w-])")
MIXED: Final = re.compile(r"(?<![\w/.-])(?=[\w+=-]*\d)(?=[\w+=-]*[a-z])(?=[\w+=-]*[A-Z])[\w+=-]{16,}(?![\w/.])")
MASK: Final = "***"


def secrets_in_command(command: str) -> list[Secret]:
    """All that looks like a secret, in whole words of the command, in their order."""
    words = list(WORD.finditer(command))
    found = [*secrets_in(command), *in_words(words), *elsewhere(command)]
    return sorted((widened(secret, words) for secret in found), key=lambda secret: (secret.start, secret.end))


def masked(command: str, secrets: Sequence[Secret]) -> str:
    """The command with a mask in place of each word that is secret."""
    kept: list[str] = []
    reached = 0
    for secret in secrets:
        if secret.start >= reached:
            kept += [command[reached : secret.start], MASK]
        reached = max(reached, secret.end)
    return "".join([*kept, command[reached:]])


def widened(secret: Secret, words: Sequence[re.Match[str]]) -> Secret:
    """The secret with all of the words that it touches."""
    touched = [word for word in words if word.start() < secret.end and secret.start < word.end()]
    start, end = [word.start() for word in touched], [word.end() for word in touched]
    return Secret(min([secret.start, *start]), max([secret.end, *end]), secret.kind)


def in_words(words: Sequence[re.Match[str]]) -> Iterator[Secret]:
    """Values of flags and variables whose names tell what they are, and of flags that one program has for its password."""
    programs = {word[0].rpartition("/")[2] for word in words}
    for word, following in zip(words, [*words[1:], None], strict=False):
        if found := ASSIGNED.match(word[0]):
            if is_value(found["value"]):
                yield secret_of(word, "a secret in a variable")
        elif found := FLAG.fullmatch(word[0]):
            value = found["value"] or (following[0] if following else "")
            if is_value(value):
                yield secret_of(word if found["value"] or not following else following, "a secret in a flag")
        elif secret := of_program(word, following, programs) or of_key(word[0], following):
            yield secret


def of_key(word: str, following: re.Match[str] | None) -> Secret | None:
    """The word that follows the name of a secret."""
    if following is None or not (found := SPOKEN.fullmatch(word)) or not is_value(following[0]):
        return None
    is_long = len(following[0]) >= LEAST_SPOKEN and is_mixed(following[0])
    return secret_of(following, "a password or token") if found["prefix"] or is_long else None


def of_program(word: re.Match[str], following: re.Match[str] | None, programs: set[str]) -> Secret | None:
    """The value of a flag that means a password to one of the programs that are named."""
    kind = "a password in a flag"
    for flag, owners in ATTACHED.items():
        if word[0].startswith(flag) and word[0] != flag and programs & set(owners) and is_value(word[0][len(flag) :]):
            return secret_of(word, kind)
    if following is None:
        return None
    if programs & set(FOLLOWING.get(word[0], ())) and is_value(following[0]):
        return secret_of(following, kind)
    is_pair = programs & set(WITH_NAME.get(word[0], ())) and NAME_AND_PASSWORD.fullmatch(following[0])
    return secret_of(following, kind) if is_pair and "$" not in following[0] else None


def elsewhere(command: str) -> Iterator[Secret]:
    """What is piped to who reads a password, what some programs take without a flag, and what nobody could read."""
    if BY_ITSELF.fullmatch(command):
        yield Secret(0, len(command), "a password by itself")
    if PIPED.search(command) and (given := GIVEN.search(command)):
        yield Secret(given.start(), len(command), "a password in a pipe")
    for found in UNNAMED.finditer(command):
        yield Secret(*found.span(), "a password")
    for found in RANDOM.finditer(command):
        yield Secret(*found.span(), "a random key")
    for found in MIXED.finditer(command):
        if kinds_changing(found[0]) >= LEAST_CHANGES:
            yield Secret(*found.span(), "a random key")


def secret_of(word: re.Match[str], kind: str) -> Secret:
    """The word as a secret."""
    return Secret(*word.span(), kind)


def is_value(value: str) -> bool:
    """Whether it may be a secret itself: no variable, no placeholder, no file that holds one, no other flag."""
    bare = value.strip("'\"")
    return bool(bare) and not bare.startswith(("-", "<", "|")) and not PLACEHOLDER.search(bare) and not PATH.match(bare)
