"""Which files hold what is nobody else's, by their names and folders: nothing is suggested in them.

Knows neither configuration nor what stands in a file.
"""

from fnmatch import fnmatchcase
from typing import Final

SECRETS: Final = (
    *(
        ".env",
        ".env.*",
        "*.env",
        ".envrc",
        "*.pem",
        "*.key",
        "*.p12",
        "*.pfx",
        "*.jks",
        "*.keystore",
        "*.kdbx",
        "*.gpg",
        "*.asc",
    ),
    *("id_rsa*", "id_dsa*", "id_ecdsa*", "id_ed25519*", ".netrc", "_netrc", ".pgpass", ".my.cnf", ".npmrc", ".pypirc"),
    *("*_history", ".htpasswd", "credentials*", "secrets*", "*.secret", "*.tfvars", "*.tfstate", ".git-credentials"),
    *("secrets/", ".secrets/", ".ssh/", ".gnupg/", ".aws/", ".kube/config", ".docker/config.json"),
)
"""Files for which nothing is suggested: what stands in them is nobody else's."""


def is_meant(path: str, pattern: str) -> bool:
    """Whether a pattern means a file, whatever the case of its letters.

    *.key       files of such a name, wherever they are
    secrets/    all in folders of that name          .aws/c*    all whose path ends so
    """
    path, pattern = path.replace("\\", "/").lower(), pattern.replace("\\", "/").lower()
    if "/" not in pattern:
        return fnmatchcase(path.rpartition("/")[2], pattern)
    whole = pattern if pattern.startswith(("/", "*")) else f"*/{pattern}"
    return fnmatchcase(path, f"{whole}*" if whole.endswith("/") else whole)


def may_hold_secrets(path: str) -> bool:
    """Whether a file's name or folder says that it holds secrets."""
    return any(is_meant(path, pattern) for pattern in SECRETS)
