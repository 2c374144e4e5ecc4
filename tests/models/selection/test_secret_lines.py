"""Laws of secrets: what looks like one is found and told without being shown, and what speaks of secrets is not one."""

from pathlib import Path

import pytest

from elman_models.corpus import read_training_text
from elman_models.selection.secret_lines import secrets_in

KEY = "q7Zk2vLx9TbW4nRs8YdM3cHf6PgJ1aKe"
"""Random letters and digits."""
SECRETS = [
    ("AKIA" + "IOSFODNN7EXAMPL3", "an AWS key"),
    ("ghp_" + KEY + "aBcD12", "a GitHub token"),
    ("github_pat_" + KEY, "a GitHub token"),
    ("glpat-" + KEY[:20], "a GitLab token"),
    ("xoxb-" + "123456789012-abcdefABCDEF", "a Slack token"),
    ("sk_live_" + KEY, "a Stripe key"),
    ("AIza" + KEY + "abc", "a Google key"),
    ("sk-ant-" + KEY, "an API key"),
    ("npm_" + KEY + "abcd", "a package registry's token"),
    ("hf_" + KEY, "a Hugging Face token"),
    ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0." + KEY, "a JSON web token"),
    ("postgres://ann:hunter2@db.local/x", "a password in a URL"),
    ("https://:t0psecret@host/", "a password in a URL"),
    ("Authorization: Bearer abcdef0123456789", "an authorization header"),
    ("mysql --password hunter22", "a secret in a flag"),
    ("tool --api-key=abcdef99", "a secret in a flag"),
    ("My password: hunter22", "a password or token"),
    ("DB_PASSWORD=s3cr3tvalue", "a password or token"),
    ('SECRET_KEY = "correct-horse-battery"', "a password or token"),
    ('"apiKey": "abcdefgh",', "a password or token"),
    ("curl -H 'X-Api-Key: 9f8e7d6c5b4a39281706' https://example.org", "a password or token"),
    ("das Passwort: Sommer2024!", "a password or token"),
    (f"the wifi is {KEY}", "a random key"),
    ('password = "P@ss$w0rd17"', "a password or token"),
    ("DB_PASSWORD='Xk9$mQ2!vLp7zR'", "a password or token"),
    ('"password": "hunter2%2024"', "a password or token"),
    ("Server=db;Uid=sa;Password=S3cret99pass;Encrypt=yes", "a password or token"),
    ("password: hunter2abc, # old", "a password or token"),
    ("postgres://ann:S3cr$et9pw@db.local/x", "a password in a URL"),
    ("dop_v1_" + 8 * "4f6b1f0e", "a DigitalOcean token"),
    ("AGE-SECRET-KEY-1" + 6 * "QPZRYF8SAK", "an age key"),
    ("glrt-" + KEY[:20], "a GitLab token"),
    ("rubygems_" + 6 * "4f6b1f0e", "a package registry's token"),
    ("GOCSPX-" + KEY[:28], "a Google client's secret"),
    ("shpat_" + 4 * "4f6b1f0e", "a Shopify token"),
    ("dapi" + 4 * "4f6b1f0e", "a Databricks token"),
    ("NRAK-" + KEY[:27].upper(), "a New Relic key"),
    ("pul-" + 5 * "4f6b1f0e", "a Pulumi token"),
    ("key-" + 4 * "4f6b1f0e", "a Mailgun key"),
    ("DB_PASSWORD=9x)amN-(d9j.2v<q", "a secret in the environment"),
    ("DB_PASSWORD=correcthorsebattery", "a secret in the environment"),
    ("export API_TOKEN=sword[fish", "a secret in the environment"),
    ("AccountName=shop;AccountKey=B0cFaYhI0lMTVjT1FxX0X/UOdncT4b+9Qz7Lm2Kd==;Suffix=net", "a random key"),
    ("aws configure: s0fvVGyybrJI0QmJ3owp8LfddGvQpYpt/tT142dS", "a random key"),
    ("machine git.local login ann password sword", "a password of netrc"),
    ('os.environ["DB_PASSWORD"] = "swordfish"', "a password or token"),
    ("pass: Tr0ub4dor&3", "a password or token"),
    ('key = yourself; password = "your2hunter99X"', "a password or token"),
    ("define('DB_PASSWORD', 'hunter22abc');", "a password in a call"),
    ("<password>hunter22abc</password>", "a password in tags"),
]
NO_SECRETS = [
    "The password is the name of the cat.",
    "password = input('Password: ')",
    "token = tokens[0]",
    "--password PASSWORD  the password of the server",
    "curl https://$USER:$PASSWORD@example.com/",
    "PASSWORD=<your password>",
    'url = f"postgres://{user}:{password}@db/x"',
    'password = "${DB_PASSWORD}"',
    'password = "%(password)s"',
    'password: "{{ vault_password }}"',
    'set PASSWORD="%PASSWORD%"',
    'password: "changeme"',
    "http://localhost:8080/@user",
    "commit 3f2c9a1be07d4456a8c1d2e3f4a5b6c7d8e9f0a1",
    "test_that_the_Reader_2_Writer_3_Protocol_4_holds",
    "https://docs.python.org/3/library/asyncio-eventloop.html#asyncio.loop.run_in_executor",
    "PyUnicode_AsUTF8AndSize2Buffer16Bits",
    "ROMEO: O, speak again, bright angel!",
    "SECRET_KEY=os.environ.get('SECRET_KEY')",
    "PASSWORD=$(pass show router)",
    'PASSWORD="your_password"',
    "curl -u $USER:$PASSWORD https://host/",
    'columns = ("password", "username")',
    "usr/share/doc/Python3/Examples/Networking/Server2Client/index",
    "https://github.com/SomeBody/Project2/blob/main/Source/Network/Client3.swift",
]


@pytest.mark.parametrize(("line", "kind"), SECRETS)
def test_what_looks_like_a_secret_is_found(line: str, kind: str) -> None:
    text = f"before\n{line}\nafter\n"
    found = secrets_in(text)
    assert kind in {secret.kind for secret in found}
    assert all(secret.start >= len("before\n") and secret.end <= len("before\n") + len(line) for secret in found)


@pytest.mark.parametrize("line", NO_SECRETS)
def test_what_speaks_of_secrets_is_none(line: str) -> None:
    assert secrets_in(f"{line}\n") == []


def test_a_private_key_is_one_secret_with_all_its_lines() -> None:
    key = "-----BEGIN RSA PRIVATE KEY-----\nMIIEow\nabcdef\n-----END RSA PRIVATE KEY-----"
    (secret,) = secrets_in(f"a\n{key}\nb\n")
    assert (secret.start, secret.end, secret.kind) == (2, 2 + len(key), "a private key")
    assert [secret.kind for secret in secrets_in("-----BEGIN PRIVATE KEY-----\nMII\n")] == ["a private key"]


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("---- BEGIN SSH2 ENCRYPTED PRIVATE KEY ----\nMIIEow\n---- END SSH2 ENCRYPTED PRIVATE KEY ----", "a private key"),
        ("Private-Lines: 2\nAAAAgQC7\nMIIEow==", "a PuTTY key"),
        ("$ANSIBLE_VAULT;1.1;AES256\n  3133\n  6566", "an Ansible vault"),
    ],
)
def test_a_secret_of_several_lines_is_found_whole(key: str, kind: str) -> None:
    (secret,) = secrets_in(f"a\n{key}\n(b)\n")
    assert (secret.start, secret.end, secret.kind) == (2, 2 + len(key), kind)


def test_lines_with_secrets_are_left_out_and_told_without_the_secret(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("one\nMy password: hunter22\ntwo\npostgres://ann:hunter2@db.local/x and more\nthree\n")
    corpus = read_training_text([path])
    assert corpus.documents == ("one\ntwo\nthree\n",)
    assert list(corpus.secrets_found(is_verbose=False, are_kept=False)) == [
        "left out 2 lines that look like they hold a secret; --keep-secrets trains on them:",
        f"  {path}:2: a password or token",
        f"  {path}:4: a password in a URL",
    ]


def test_secrets_that_are_to_stay_stay_and_are_told(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("one\nMy password: hunter22\n" * 12)
    corpus = read_training_text([path], keep_secrets=True)
    assert corpus.documents == (path.read_text(),)
    said = list(corpus.secrets_found(is_verbose=False, are_kept=True))
    assert said[0] == "warning: trains on 12 lines that look like they hold a secret:"
    assert said[-1] == "  and 2 more; --verbose names all of them"
    assert len(list(corpus.secrets_found(is_verbose=True, are_kept=True))) == 13


def test_where_there_are_none_nothing_is_said(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("text\n")
    assert list(read_training_text([tmp_path]).secrets_found(is_verbose=True, are_kept=False)) == []


def test_one_line_is_told_as_one(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("the password = hunter2hunter2\n" + "words that hold nothing\n" * 9)
    corpus = read_training_text([tmp_path])
    words = "left out 1 line that looks like it holds a secret; --keep-secrets trains on it:"
    assert next(iter(corpus.secrets_found(False, False))) == words
