"""The command line as a shell sees it: standard output, standard error, exit code."""

import argparse
import json
import os
import re
import signal
import subprocess
import sys
from base64 import b64decode
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from elman.cli.complete import goes_in_circles
from elman.cli.engine import vocabulary
from elman.cli.main import COMMANDS, main, naming_flag
from elman.cli.replay import for_programs
from elman.languages import PROSE
from elman.protocol.results import ModelDescription
from elman.sync.client import Client

ELMAN = [sys.executable, "-m", "elman"]
ENVIRONMENT = {name: value for name, value in os.environ.items() if not name.startswith("ELMAN_")} | {"ELMAN_CONFIG": ""}


def elman(*arguments: str, given: bytes = b"", **environment: str) -> tuple[int, bytes, str]:
    """Exit code, standard output and standard error."""
    environment = {**ENVIRONMENT, **environment}
    done = subprocess.run([*ELMAN, *arguments], input=given, capture_output=True, env=environment, timeout=60, check=False)
    return done.returncode, done.stdout, done.stderr.decode()


def started(*arguments: str) -> "subprocess.Popen[bytes]":
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [*ELMAN, *arguments], stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe, env=ENVIRONMENT, preexec_fn=heed_interrupts
    )


def heed_interrupts() -> None:
    """A shell has what it runs in the background ignore them, and the tests with it."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.mark.parametrize("prefix", ["a bad ", "gé😀 \n", ""])
def test_complete_prints_the_continuation_and_nothing_else(prefix: str, scripted: Any, client: Client) -> None:
    text = client.complete(prefix, seed=3, max_characters=40).read()
    flags = ("complete", "--server", scripted.address, "--seed", "3", "--max-characters", "40")
    assert elman(*flags, prefix) == (0, text.encode(), "")
    assert elman(*flags, given=prefix.encode()) == (0, text.encode(), "")


def test_nothing_is_stripped_from_standard_input(scripted: Any) -> None:
    elman("complete", "--server", scripted.address, given=b"\n\n a\x00b \n\n")
    assert scripted.requests[0].prefix == "\n\n a\x00b \n\n"


def test_a_text_is_folded_for_the_model_which_is_said_and_echoed_as_it_was_given(scripted: Any) -> None:
    given, flags = "\ufeffcafe\u0301\r\n", ("--server", scripted.address)
    code, output, errors = elman("complete", *flags, "--echo", "--stop", "\\r\\n", given=given.encode())
    assert (code, scripted.requests[0].prefix, list(scripted.requests[0].limits.stop)) == (0, "café\n", ["\n"])
    assert output.decode().startswith(given)
    changes = "1 line end from CRLF to LF, 1 byte order mark left out, 1 character composed (NFC)"
    assert errors.splitlines() == [
        f"elman: note: the prefix was folded: {changes}",
        "elman: note: --stop was folded: 1 line end from CRLF to LF",
    ]
    code, _, errors = elman("score", *flags, given)
    assert errors.startswith(f"elman: note: the text was folded: {changes}\n")


def test_a_prefix_over_a_mebibyte_is_its_end(scripted: Any) -> None:
    code, _, errors = elman("complete", "--server", scripted.address, given=b"egg" + b"a bad cab " * 105_000)
    assert (code, errors) == (0, "elman: note: standard input holds 1,050,003 bytes; its last 1,048,576 are used\n")
    assert scripted.requests[0].prefix == ("a bad cab " * 105_000)[-1_048_576:]


def test_an_argument_is_utf8_in_every_locale(scripted: Any) -> None:
    flags = ("--server", scripted.address, "--echo")
    code, output, errors = elman("complete", *flags, "é😀", LC_ALL="C", PYTHONUTF8="0", PYTHONCOERCECLOCALE="0")
    assert (code, errors, output[:6].decode()) == (0, "", "é😀")
    code, _, errors = elman("complete", "--server", scripted.address, "a\udcff")
    assert code == 2
    assert "argument: byte 0xff at offset 1 is not UTF-8" in errors


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no device that is always full")
def test_a_full_disk_is_one_line(scripted: Any) -> None:
    with Path("/dev/full").open("wb") as full:
        command = [*ELMAN, "complete", "--server", scripted.address, "ab"]
        done = subprocess.run(command, stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT, timeout=60, check=False)
    assert (done.returncode, done.stderr) == (1, b"elman: error: No space left on device\n")


def test_every_flag_reaches_its_field(scripted: Any) -> None:
    flags = (
        "--temperature 0.5 --top-k 3 --top-p 0.5 --min-p 0.25 --seed 18446744073709551615 --max-characters 7 --stop a --stop b"
    )
    more = "--min-confidence 0.5 --alternatives 2 --first-alternative 1 --include-log-probabilities --json --model tiny"
    elman("complete", "--server", scripted.address, *flags.split(), *more.split(), "ab")
    request = scripted.requests[0]
    sampling, limits = request.sampling, request.limits
    assert (sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p) == (0.5, 3, 0.5, 0.25)
    assert (sampling.seed, limits.max_characters, list(limits.stop)) == (2**64 - 1, 7, ["a", "b"])
    assert (limits.min_confidence, request.alternatives, request.first_alternative) == (0.5, 2, 1)
    assert (request.include_log_probabilities, request.model.name) == (True, "tiny")


@pytest.mark.parametrize("command", ["complete", "score"])
def test_log_probabilities_that_nothing_would_show_are_refused(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([command, "--server", "127.0.0.1:1", "--include-log-probabilities", "a"]) == 2
    assert capsys.readouterr() == ("", "elman: error: --include-log-probabilities needs --json, which shows them\n")


@pytest.mark.parametrize("flags", [(), ("--json",)])
@pytest.mark.parametrize("command", ["complete", "score"])
def test_unknown_characters_are_named_once_on_standard_error(
    command: str, flags: Sequence[str], scripted: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([command, "--server", scripted.address, *flags, "a Zürich bad è Z"]) == 0  # è is read as é
    unknown = "6 of the 16 characters are unknown to the model: 'Z', 'ü', 'r', 'i', 'h'"
    assert capsys.readouterr().err == f"elman: note: {unknown}\n"
    assert main([command, "--server", scripted.address, *flags, "a bad cab"]) == 0
    assert capsys.readouterr().err == ""


def test_many_unknown_characters_are_counted_and_the_first_few_named(scripted: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["score", "--server", scripted.address, "--digest", "", "ABCDEFGHIJKL" * 100]) == 0
    named = "'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', ..."
    assert capsys.readouterr().err == f"elman: note: 1,200 of the 1,200 characters are unknown to the model: {named}\n"


def test_the_unknown_characters_are_those_of_the_model_that_answered() -> None:
    one, other = (ModelDescription(name, name * 64, 2, (1,), known, 0, {}) for name, known in (("a", "xy"), ("b", "z")))
    asked = [(None, ""), ("", ""), ("b", ""), (None, "b" * 64), ("a", "a" * 64), ("nobody", "")]
    assert [vocabulary([one, other], *each) for each in asked] == ["xy", "xy", "z", "z", "xy", ""]


def test_json_tells_how_many_characters_were_recalled(scripted: Any, client: Client) -> None:
    flags = ("complete", "--server", scripted.address, "--json", "--seed", "9", "--max-characters", "60")
    counted = client.complete("a bad cab ", seed=9, max_characters=60, include_log_probabilities=True)
    counted.read()
    plain = client.complete("a bad cab ", seed=9, max_characters=60)
    plain.read()
    assert counted.usage is not None
    assert plain.usage is not None
    assert counted.usage.recalled_characters
    assert plain.usage.recalled_characters is None
    _, output, _ = elman(*flags, "a bad cab ")
    record = json.loads(output)
    assert record["usage"]["recalled_characters"] == counted.usage.recalled_characters
    assert record["alternatives"][0]["usage"]["recalled_characters"] == counted.usage.recalled_characters
    _, output, _ = elman(*flags, "--include-log-probabilities", "a bad cab ")
    assert len(json.loads(output)["alternatives"][0]["log_probabilities"]) == 60


def test_json_is_the_whole_record_and_its_state_continues_the_text(scripted: Any, client: Client) -> None:
    server = ("complete", "--server", scripted.address, "--json", "--seed", "9", "--max-characters", "5")
    code, output, errors = elman(*server, "ab")
    record = json.loads(output)
    assert (code, errors, output.count(b"\n")) == (0, "", 1)
    request = record["request"]
    again = client.complete(**request | {"state": b64decode(request["state"]), "seed": int(request["seed"])})
    again.read()
    assert for_programs(again.record()) | {"usage": 0, "alternatives": 0} == record | {"usage": 0, "alternatives": 0}
    (alternative,) = record["alternatives"]
    assert "log_probabilities" not in alternative
    _, rest, _ = elman(*server, "--state", record["state"], "--digest", record["model"]["digest"], "")
    assert record["text"] + json.loads(rest)["text"] == client.complete("ab", seed=9, max_characters=10).read()


def test_several_alternatives_are_printed_whole_under_headings(scripted: Any, client: Client) -> None:
    completion = client.complete("ab", seed=3, max_characters=9, alternatives=2)
    completion.read()
    one, two = (alternative.text for alternative in completion.alternatives)
    flags = ("--server", scripted.address, "--seed", "3", "--max-characters", "9", "--alternatives", "2")
    expected = f"==> alternative 0 <==\n{one}\n\n==> alternative 1 <==\n{two}\n\n"
    assert elman("complete", *flags, "ab") == (0, expected.encode(), "")


def test_echo_prints_the_prefix_first_and_a_pipe_gets_no_colour(scripted: Any) -> None:
    _, output, _ = elman("complete", "--server", scripted.address, "--echo", "a bad ")
    assert output.startswith(b"a bad ")
    assert b"\x1b" not in output


@pytest.mark.parametrize(
    ("text", "circles"),
    [
        ("I will not see the matter?\n" * 4, True),
        ("It was " + "import os\n" * 6, True),
        ("import os\n" * 5, False),
        ("=" * 60, True),
        ("=" * 59, False),
        ("import os\n" * 6 + "import re\n", False),
        ("one two three " * 2 + "one two three, four five six, and so on without an end of it.", False),
        ("", False),
    ],
)
def test_a_text_goes_in_circles_if_its_end_is_one_run_again_and_again(text: str, circles: bool) -> None:
    assert goes_in_circles(text) is circles


def test_whole_words_leave_out_a_last_one_that_may_be_incomplete(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def said(*flags: str) -> str:
        assert main(["complete", "--model", PROSE, "--seed", "5", "It was ", *flags]) == 0
        return capsys.readouterr().out

    for length in ("5", "20", "33"):
        flags = ("--max-characters", length)
        text = said(*flags)
        assert said(*flags, "--whole-words") == re.sub(r"\s*[\w'’]*\Z", "", text) != text
    monkeypatch.setenv("ELMAN_COMPLETE_WHOLE_WORDS", "true")
    assert len(said(*flags, "--no-whole-words")) == 33
    assert len(said(*flags)) == len(said(*flags, "--alternatives", "1")) < 33
    assert len(json.loads(said(*flags, "--json"))["text"]) == 33
    stop = text[20:22]
    assert said("--stop", stop) == text[: text.index(stop)]
    assert text[: text.index(stop)][-1].isalpha()


def test_a_completion_that_goes_in_circles_is_noted(capsys: pytest.CaptureFixture[str]) -> None:
    command = ["complete", "--server", "", "--model", "python", "--max-characters", "300", "import os\n"]
    assert main([*command, "--temperature", "0"]) == 0
    assert "a long text wanders on with --temperature 0.5 or more" in capsys.readouterr().err
    assert main([*command, "--temperature", "0.8", "--seed", "1"]) == 0
    assert capsys.readouterr().err == ""


def test_the_server_may_come_from_the_environment_and_be_one_of_several(scripted: Any) -> None:
    code, output, _ = elman("score", "ab", ELMAN_SERVER=f"127.0.0.1:1, {scripted.address}")
    assert code == 0
    assert output.decode().endswith("bits a character (2 characters, 0 unknown)\n")


def test_score_tells_nats_and_bits(scripted: Any, client: Client) -> None:
    _, output, _ = elman(
        "score", "--server", scripted.address, "--json", "--include-log-probabilities", given=b"a bad \xe2\x98\x82"
    )
    score = client.score("a bad ☂", include_log_probabilities=True)
    assert json.loads(output) == score.to_json() | {"log_probabilities": list(score.log_probabilities)}
    assert score.unknown_characters == 1


def test_models_prints_a_table(scripted: Any, client: Client) -> None:
    _, output, _ = elman("models", "--server", scripted.address)
    headings, row = output.decode().splitlines()
    assert headings.split()[:4] == ["NAME", "DIGEST", "LAYERS", "CHARACTERS"]
    assert row.split()[:5] == ["tiny", client.models()[0].digest[:16], "12x7x9", "13", str(client.models()[0].state_bytes)]
    assert (headings.split()[-1], row.split(maxsplit=5)[5]) == ("FOR", "by name only")
    assert elman("models", "--server", scripted.address, "--model", "tiny")[1] == output
    code, _, error = elman("models", "--server", scripted.address, "--model", "huge")
    assert (code, error.startswith("elman: error: --model: the server has no 'huge'")) == (3, True)
    _, output, _ = elman("models", "--server", scripted.address, "--json")
    assert json.loads(output)["models"][0]["about"]["licence"] == "none"
    assert json.loads(output)["models"][0]["for"] == []


def test_models_with_a_name_prints_that_one_alone(start_scripted: Any) -> None:
    several = start_scripted("one", "two")
    _, output, _ = elman("models", "--server", several.address, "--model", "two", "--json")
    assert [model["name"] for model in json.loads(output)["models"]] == ["two"]
    _, output, _ = elman("models", "--server", several.address, "--json")
    assert [model["name"] for model in json.loads(output)["models"]] == ["one", "two"]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("complete --bogus", "unrecognized arguments: --bogus"),
        ("complete --bogus a", "unrecognized arguments: --bogus"),
        ("complete a --bogus", "unrecognized arguments: --bogus"),
        ("complete a b", "unrecognized arguments: b"),
        ("complete --top-k", "argument --top-k: expected one argument"),
        ("type --bogus", "unrecognized arguments: --bogus"),
        ("score --bogus a", "unrecognized arguments: --bogus"),
        ("models --bogus", "unrecognized arguments: --bogus"),
        ("serve --bogus", "unrecognized arguments: --bogus"),
        ("train a -o b --bogus", "unrecognized arguments: --bogus"),
        ("export a -o b --bogus", "unrecognized arguments: --bogus"),
        ("eval a b --bogus", "unrecognized arguments: --bogus"),
        ("inspect units --bogus", "unrecognized arguments: --bogus"),
        ("inspect bogus", "argument what: invalid choice: 'bogus'"),
    ],
)
def test_a_command_that_cannot_be_read_shows_its_own_usage(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    command = line.split()[0]
    with pytest.raises(SystemExit, match="2"):
        main(line.split())
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith(f"usage: elman {command} ")
    assert errors.splitlines()[-1].startswith(f"elman {command}: error: {words}")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("inspect units --plot x.png TEXT", {"what": "units", "plot": Path("x.png"), "text": "TEXT"}),
        ("inspect --model m units TEXT", {"what": "units", "model": "m", "text": "TEXT"}),
        ("inspect characters --nearest 2", {"what": "characters", "nearest": 2, "text": None}),
        ("eval M --training D F", {"model": "M", "training": [Path("D")], "files": [Path("F")]}),
        ("eval --training D M F G --training E", {"training": [Path("D"), Path("E")], "files": [Path("F"), Path("G")]}),
        ("eval M F --validation V G", {"validation": [Path("V")], "files": [Path("F"), Path("G")]}),
        ("train A -o m B", {"files": [Path("A"), Path("B")], "output": Path("m")}),
        ("complete --seed 3 -- --seed", {"seed": "3", "prefix": "--seed"}),
        ("complete --seed 3 --echo", {"seed": "3", "prefix": None}),
        ("complete TEXT --stop . --echo", {"stop": ["."], "prefix": "TEXT"}),
    ],
)
def test_flags_may_stand_among_the_words(line: str, expected: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    command, *_ = line.split()
    seen: list[argparse.Namespace] = []

    def run(namespace: argparse.Namespace) -> int:
        seen.append(namespace)
        return 0

    monkeypatch.setattr(f"elman.cli.{command}.run", run)
    assert main(line.split()) == 0
    assert {name: getattr(seen[0], name) for name in expected} == expected


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("eval M", "the following arguments are required: FILES"),
        ("eval", "MODEL, FILES"),
        ("train -o m", "FILES"),
        ("-- complete", "invalid choice: '--'"),
        ("complet hi", "'complet' is no command; did you mean complete?"),
    ],
)
def test_words_that_are_missing_are_named(line: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        main(line.split())
    assert words in capsys.readouterr().err.splitlines()[-1]


def test_an_instruction_set_beside_a_gpu_is_refused() -> None:
    code, output, errors = elman(*["serve", "--device", "cuda", "--instructions", "avx2", "--port", "0", "--metrics-port", "0"])
    assert (code, output) == (2, b"")
    assert errors == "elman: error: --instructions: 'avx2' is out of range; allowed: auto\n"


@pytest.mark.parametrize(
    ("arguments", "given", "code", "words"),
    [
        (("complete",), b"ab\xffcd", 2, "standard input: byte 0xff at offset 2 is not UTF-8"),
        (("complete", "--top-k", "x", "a"), b"", 2, "--top-k: 'x' is out of range; allowed: 0 to 4294967295, whole"),
        (("complete", "--top-k", "-1", "a"), b"", 2, "--top-k: -1 is out of range; allowed: 0 to 4294967295"),
        (("complete", "--temperature", "nan", "a"), b"", 2, "--temperature: nan is out of range; allowed: 0, or 0.05 to 10"),
        (("complete", "--state", "%", "a"), b"", 2, "--state: '%' is out of range; allowed: Base64"),
        (("complete", "--top-p=2", "a"), b"", 2, "--top-p: 2.0 is out of range; allowed: above 0, at most 1"),
        (("complete", "--digest", "x", "a"), b"", 2, "--digest: 'x' is out of range; allowed: 64 lower-case"),
        (("complete", "--stop", "a", "--stop", "", "a"), b"", 2, "--stop[1]: 0 characters is out of range"),
        (("complete", "--model", "nobody", "a"), b"", 3, "model.name: 'nobody' is not served; there are: tiny"),
        (("complete", "--digest", "0" * 64, "a"), b"", 4, "leave out --state and --digest"),
        (("score", "--timeout", "0", "a"), b"", 2, "--timeout: 0.0 is out of range"),
    ],
)
def test_an_error_is_one_line_that_says_what_to_mend(
    arguments: Sequence[str], given: bytes, code: int, words: str, scripted: Any
) -> None:
    command, *rest = arguments
    returned, output, errors = elman(command, "--server", scripted.address, *rest, given=given)
    assert (returned, output) == (code, b"")
    assert errors.startswith("elman: error: ")
    assert errors.count("\n") == 1
    assert words in errors


def test_a_field_that_no_flag_gave_keeps_its_name() -> None:
    assert naming_flag("top_k: 7 is out of range", ["complete", "--top-p", "1"]) == "top_k: 7 is out of range"
    assert naming_flag("nothing: here", []) == "nothing: here"
    assert naming_flag("no field", ["--no-field"]) == "no field"


def test_a_variable_out_of_range_is_named(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    for value in ("70000", "x"):
        monkeypatch.setenv("ELMAN_PORT", value)
        assert main(["serve"]) == 2
        assert capsys.readouterr().err.startswith(
            f"elman: error: ELMAN_PORT: {value if value == '70000' else repr(value)} is out"
        )


def test_no_server_at_the_port_says_how_to_start_one() -> None:
    code, output, errors = elman("complete", "--server", "127.0.0.1:1", "a")
    assert (code, output) == (8, b"")
    assert "no completion service at 127.0.0.1:1" in errors
    assert "start one with: elman serve" in errors
    assert errors.count("\n") == 1


def test_a_short_timeout_ends_as_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["complete", "--server", "127.0.0.1:1", "--timeout", "0.02", "a"]) == 9
    output, errors = capsys.readouterr()
    assert output == ""
    assert errors.startswith("elman: error: the timeout ")
    assert errors.endswith("; give more with --timeout\n")


@pytest.mark.parametrize("arguments", [("complete", "--tempreature", "1"), ("complete", "--temp", "1"), ("compleet",)])
def test_an_unknown_flag_or_command_is_an_error_of_usage(arguments: Sequence[str]) -> None:
    code, output, errors = elman(*arguments)
    assert (code, output) == (2, b"")
    assert "error: " in errors


@pytest.mark.parametrize("command", ["complete", "type", "score", "models", "config", "serve", "train", "export", "eval"])
def test_every_command_explains_itself(command: str) -> None:
    code, output, errors = elman(command, "--help")
    assert (code, errors) == (0, "")
    assert f"usage: elman {command}" in output.decode()


@pytest.mark.parametrize(
    ("command", "package"),
    [("complete", "numpy"), ("type", "prompt_toolkit"), ("serve --model", "numpy"), ("train -o b", "torch")],
)
def test_a_thin_client_says_what_to_install(command: str, package: str) -> None:
    hidden = ("numpy", "torch", "prompt_toolkit")
    hide = f"import sys\nfor name in {hidden}: sys.modules[name] = None\n"
    code = f"{hide}from elman.cli.main import main\nsys.exit(main([*{command.split()}, 'a']))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=ENVIRONMENT, check=False)
    assert done.returncode == 11
    assert f"this needs {package}, which is not installed; type: " in done.stderr
    assert done.stderr.endswith(f" {package}\n")
    assert done.stderr.count("\n") == 1


def test_without_a_command_help_says_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    output, errors = capsys.readouterr()
    assert output == ""
    assert "To begin with: elman complete" in errors
    assert all(re.search(rf"^    {command}\b", errors, re.MULTILINE) for command in COMMANDS)


def test_an_interrupt_ends_with_130_and_without_a_traceback(scripted: Any) -> None:
    scripted.pause_after = 3
    with started("complete", "--server", scripted.address, "ab") as process:
        assert process.stdout is not None
        process.stdout.read(1)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=20)
    assert (process.returncode, errors) == (130, b"")
    assert scripted.is_gone.wait(10)


def test_a_reader_that_goes_away_ends_it_quietly(scripted: Any) -> None:
    scripted.pause_after = 1
    with started("complete", "--server", scripted.address, "ab") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        process.stdout.read(1)
        process.stdout.close()
        scripted.proceed.set()
        errors = process.stderr.read()
    assert (process.returncode, errors) == (141, b"")


def test_without_a_server_the_engine_runs_in_the_process(artifact: Path, client: Client) -> None:
    text = client.complete("a bad ", seed=3, max_characters=20).read()
    arguments = ("complete", "--model", str(artifact), "--seed", "3", "--max-characters", "20", "a bad ")
    assert elman(*arguments) == (0, text.encode(), "")
