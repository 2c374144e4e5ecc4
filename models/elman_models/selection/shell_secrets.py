r"""Commands that look like they hold a secret: beside those of any text, what stands where a shell's commands take secrets.

    mysql -phunter2 shop          curl -u ann:hunter2 https://host/       export DB_PASSWORD=hunter
    echo hunter2 | sudo -S make   docker login --password-stdin <<< x     Tr0ub4dor3&          (typed at the wrong prompt)

A command is cheap to leave out, so this net is finer than that of other texts: a weak password is one, and so is SECRET; a
variable, a mask and a file are none. Knows no file.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from elman_models.selection.secret_lines import LEAST_CHANGES, NAMES, Secret, is_mixed, kinds_changing, secrets_in

WORD: Final = re.compile(r"""(?:[^\s'"\\|;&()<>]|\\[^\n]|'[^']*(?:'|\Z)|"(?:[^"\\]|\\.)*(?:"|\Z))+""", re.DOTALL)
"""A word of a command line, quotes and all; a backslash at a line's end is in none."""
SECRET_NAME: Final = rf"(?:{NAMES}|(?<!by)pass|pw|otp|bearer|(?:(?<=\w)-|_)(?:auth|key))\d*"
FLAG: Final = re.compile(
    rf"--?(?:[\w-]*(?:[_-]|(?=pass|[_-])))?{SECRET_NAME}(?:[_-](?:string|value|data))?(?:=(?P<value>.+))?",
    re.IGNORECASE | re.DOTALL,
)
ASSIGNED: Final = re.compile(rf"{SECRET_NAME}['\"\]]*\s*[=:]\s*['\"]?(?P<value>[^\s'\"&]+)", re.IGNORECASE)
STANDS_FOR: Final = re.compile(r"\$(?:[\w({@]|\Z)|[`<|]|\{\{|%\w|[*.xX_]+\Z")
"""How a value begins that is none itself: a variable, a command's output, a mask."""
PATH: Final = re.compile(r"[~./]|.*\.(?:pem|key|pub|json|txt|ya?ml|env|crt)\Z|.*/.*\.\w+\Z", re.DOTALL)
"""A file that holds a secret is none."""
ATTACHED: Final = {"-p": ("mysql", "mysqldump", "mysqladmin", "mariadb", "7z", "7za", "rar", "unrar"), "-hp": ("rar",)}
"""Flags whose value is a password, but only where nothing stands between, and whose they are."""
EITHER: Final = {
    "-p": (
        *("sshpass", "login", "mongo", "mongosh", "mongodump", "rdesktop", "useradd", "usermod", "unlock-keychain"),
        *("hydra", "crackmapexec", "nxc", "evil-winrm", "rabbitmqadmin", "cqlsh", "snowsql", "beeline", "twine"),
        *("yt-dlp", "youtube-dl"),
    ),
    "-P": ("zip", "unzip", "sqlcmd", "bcp", "ipmitool", "mosquitto_pub", "mosquitto_sub", "knife", "ssh-keygen"),
    "-N": ("ssh-keygen",),
    "-a": ("redis-cli",),
    "-w": (
        *("ldapsearch", "ldapadd", "ldapmodify", "ldapdelete", "ldappasswd"),
        *("add-generic-password", "add-internet-password"),
    ),
    "-A": ("snmpwalk", "snmpget", "snmpset"),
    "-X": ("snmpwalk", "snmpget", "snmpset"),
    "-pw": ("plink", "pscp", "mqtt"),
}
"""Flags whose value is a password, attached or the next word."""
WITH_NAME: Final = {
    "-u": ("curl", "lftp", "ncftp"),
    "--user": ("curl", "etcdctl"),
    "-U": ("smbclient", "curl"),
    "-a": ("http", "https"),
    "--auth": ("http", "https"),
    "--proxy-user": ("curl",),
    "-b": ("curl",),
    "--cookie": ("curl",),
}
"""Flags whose value is a name and a password, or a cookie."""
NAME_AND_PASSWORD: Final = re.compile(r"['\"]?[^:,%=@/]+[:,%=](?P<value>.+)", re.DOTALL)
READERS: Final = re.compile(
    r"sudo\s+(?:-\S+\s+)*(?:-\w*S|--stdin)\b|--password-stdin|--with-token|--passphrase-fd|pass\w*-file[ =]*<\("
    r"|\b(?:cryptsetup|kinit|secret-tool|pass\s+insert|secret|read\s+-\w*s|su|sql\s+connect|(?:ch|vnc|smb|ht)?passwd)\b"
    rf"|>\s*\S*(?:{NAMES}|\.netrc|\.pgpass|\.my\.cnf|\.npmrc|\.pypirc|\.env\b)",
    re.IGNORECASE,
)
"""Who reads a password from standard input, and files that hold some."""
GIVEN: Final = re.compile(r"\b(?:echo|printf|print)\s+(?:-\w+\s+)*(?![\"']?\$\w)[^\s|]|<<|<\(")
TOLD: Final = re.compile(
    r"\b(?:vault\s+(?:login|write|kv\s+(?:put|patch))|(?:cargo|bw|wandb)\s+(?:login|unlock)|op\s+signin|mkpasswd|openssl\s+passwd"
    r"|oathtool|wpa_passphrase\s+\S+|ngrok\s+(?:config\s+add-)?authtoken|nuget\s+setapikey|ConvertTo-SecureString"
    r"|rabbitmqctl\s+\w+_(?:user|password)\s+\S+|poetry\s+config\s+(?:http-basic|pypi-token)\S*|ansible-vault\s+encrypt_string"
    r"|doctl\s+auth\s+init|cloudflared\s+service\s+install|qpdf\s+--encrypt|sops\s+(?:--)?set|eyaml\s+encrypt"
    r"|smbclient\s+[/\\]{2}\S+|net\s+user\s+\S+|(?:user-)?secrets?\s+(?:set|create|add|put|versions\s+add)(?:\s+\S+|(?=\s+\w+=))"
    r"|create\s+secret\s+\S+\s+\S+|secretsmanager\s+(?:create|put|update)\S*|ssm\s+put-parameter)"
    r"(?:\s+-[\w-]+)*\s+(?![\"']?\$\w)[^-\s<>|;&].*",
    re.DOTALL,
)
"""Commands that are told a secret without saying so, and all that follows."""
UNNAMED: Final = re.compile(
    r"\bpass:\S+|/p:\S+|\bhtpasswd\s+.*\s\S+\Z|\bnet\s+use\s.*/user:.*|\b(?:sqlplus|sqlldr|expdp|impdp)\s+[^\s/]+/\S+"
    r"|\bcookie:\s*\S+|[?&](?:sig|signature|code|session\w*)=[^&\s'\"]+"
    r"|\b(?:password|identified\s+by)\s*(?:for\s+\S+\s*)?=?\s*(?:password)?\(?\s*['\"][^'\"\s][^'\"]*['\"]"
    r"|\w://(?!\$)[^\s/:@'\"]*:(?!\$[\w({])[^\s/'\"]+@|\w://(?!\$)[^\s/:@'\"]{20,}@"
    r"|(?<![^\s'\"])[\w.-]+:(?![\s$])[^\s/:@'\"]+@(?!sha256)[\w-]+(?:\.[\w-]+)*(?![^\s'\"])",
    re.IGNORECASE,
)
SPOKEN: Final = re.compile(rf"(?P<prefix>.*[_:/.-]\w*)?(?:{NAMES}|pw)['\"]?", re.IGNORECASE)
TAKERS: Final = frozenset(("set", "nmcli", "mysqladmin", "netrc", "config", "put"))
"""Programs to which a word such as password says what the next word is."""
KNOWN: Final = TAKERS.union(*(names for flags in (ATTACHED, EITHER, WITH_NAME) for names in flags.values()))
LEAST_SPOKEN: Final = 8
"""Characters, letters and digits among them, of what follows a word such as password; after one such as db_password, any."""
BY_ITSELF: Final = re.compile(
    r"(?=.*\d)(?:(?=.*[a-z])(?=.*[A-Z])|(?=.*[A-Za-z])(?=.*[!@#%^*?]))[^\s/=.]{8,64}",
)
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
    programs = KNOWN.intersection(word[0].rpartition("/")[2] for word in words)
    for word, following in zip(words, [*words[1:], None], strict=False):
        if found := FLAG.fullmatch(word[0]):
            value = found["value"] or (following[0] if following else "")
            if is_value(value):
                yield secret_of(word if found["value"] or not following else following, "a secret in a flag")
        elif any(is_value(found["value"]) for found in ASSIGNED.finditer(word[0])):
            yield secret_of(word, "a secret in a variable")
        elif secret := (of_program(word, following, programs) if programs else None) or of_key(word, following, programs):
            yield secret


def of_key(word: re.Match[str], following: re.Match[str] | None, programs: frozenset[str]) -> Secret | None:
    """The word that follows the name of a secret."""
    if not word.start() or following is None or not (found := SPOKEN.fullmatch(word[0])) or not is_value(following[0]):
        return None
    is_told = following[0] not in TAKERS and not programs.isdisjoint(TAKERS)
    is_long = len(following[0]) >= LEAST_SPOKEN and is_mixed(following[0])
    return secret_of(following, "a password or token") if found["prefix"] or is_long or is_told else None


def of_program(word: re.Match[str], following: re.Match[str] | None, programs: frozenset[str]) -> Secret | None:
    """The value of a flag that means a password to one of the programs that are named."""
    for flag in flags_of(ATTACHED, programs):
        if word[0].startswith(flag) and is_value(word[0].removeprefix(flag)):
            return secret_of(word, "a password in a flag")
    for flag in flags_of(EITHER, programs):
        if (found := given_to(flag, word, following)) and is_value(found[1]):
            return secret_of(found[0], "a password in a flag")
    for flag in flags_of(WITH_NAME, programs):
        found = given_to(flag, word, following)
        pair = NAME_AND_PASSWORD.fullmatch(found[1]) if found else None
        if found and pair and not STANDS_FOR.match(pair["value"].strip("'\"")):
            return secret_of(found[0], "a password in a flag")
    return None


def flags_of(owners: Mapping[str, Sequence[str]], programs: frozenset[str]) -> Iterator[str]:
    """Those that mean something to one of the programs."""
    return (flag for flag, names in owners.items() if not programs.isdisjoint(names))


def given_to(flag: str, word: re.Match[str], following: re.Match[str] | None) -> tuple[re.Match[str], str] | None:
    """The word that holds the flag's value, and the value: -pX, -p=X, -p X, --user=X, --user X."""
    if word[0] == flag:
        return (following, following[0]) if following else None
    if word[0].startswith(f"{flag}=") or (len(flag) == 2 and word[0].startswith(flag)):
        return word, word[0].removeprefix(flag).removeprefix("=")
    return None


def elsewhere(command: str) -> Iterator[Secret]:
    """What is piped to who reads a password, what some programs take without a flag, and what nobody could read."""
    if BY_ITSELF.fullmatch(command):
        yield Secret(0, len(command), "a password by itself")
    if (given := GIVEN.search(command)) and READERS.search(command):
        yield Secret(given.start(), len(command), "a password in a pipe")
    for pattern, kind in ((TOLD, "a password"), (UNNAMED, "a password"), (RANDOM, "a random key")):
        yield from (Secret(*found.span(), kind) for found in pattern.finditer(command))
    for found in MIXED.finditer(command):
        if kinds_changing(found[0]) >= LEAST_CHANGES:
            yield Secret(*found.span(), "a random key")


def secret_of(word: re.Match[str], kind: str) -> Secret:
    """The word as a secret."""
    return Secret(*word.span(), kind)


def is_value(value: str) -> bool:
    """Whether it may be a secret itself: no variable, no mask, no file that holds one, no other flag."""
    bare = value.strip("'\"")
    return bool(bare) and not bare.startswith("-") and not STANDS_FOR.match(bare) and not PATH.match(bare)
