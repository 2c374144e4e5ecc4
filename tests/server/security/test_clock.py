"""A clock that jumps, days and years to and fro, under a real server."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from elman.credentials import Credentials
from elman.errors import GoElsewhere
from elman.protocol.retry import Retry
from elman.sync.client import Client
from elman_server.security.limits import Limits
from elman_server.security.tokens import new_token

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping

    from tests.conftest import Authority

DAY = timedelta(days=1)
JUMPS = (("+1h", True), ("-3d", False), ("+20y", False), ("+0", True))
"""What is added to the time, and whether a certificate from yesterday until tomorrow is good then."""
FAKETIME = next(iter(Path("/usr/lib").glob("*/faketime/libfaketimeMT.so.1")), None)
TEXT = "a bad cab"
PATIENCE_SECONDS = 30.0
ONCE = Retry(attempts=1)


class Clock:
    """What a process of its own takes for the time of day; its monotonic clock is left alone, as a jump leaves it."""

    def __init__(self, file: Path) -> None:
        self._file = file
        self.jump("+0")

    def jump(self, by: str) -> None:
        """It is so much later than it is."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{by}\n")
        new.rename(self._file)

    @property
    def environment(self) -> Mapping[str, str]:
        """Of the process."""
        file = str(self._file)
        faked = {"FAKETIME_TIMESTAMP_FILE": file, "FAKETIME_NO_CACHE": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1"}
        return {**os.environ, "LD_PRELOAD": str(FAKETIME), **faked}


@contextmanager
def serving(clock: Clock, *flags: str) -> Generator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """A server whose clock jumps, and the line in which it said that it serves."""
    command = [sys.executable, "-m", "elman", "serve", "--host=localhost", "--port=0", "--metrics-port=0", *flags]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=clock.environment) as process:
        try:
            assert process.stderr
            yield process, json.loads(process.stderr.readline())
        finally:
            process.kill()


def completes(client: Client) -> bool:
    """Whether it gets a completion; otherwise it is told that the certificate is not taken."""
    try:
        return len(client.complete(TEXT, seed=1, max_characters=20, timeout=PATIENCE_SECONDS).read()) == 20
    except GoElsewhere:
        return False


@pytest.mark.skipif(FAKETIME is None, reason="no libfaketime: apt install faketime")
def test_whoever_is_there_stays_and_certificates_alone_go_by_the_time_of_day(
    tmp_path: Path, authority: Authority, artifacts: dict[str, Path]
) -> None:
    clock, now = Clock(tmp_path / "clock"), datetime.now(UTC)
    certificate, key = authority.issue("localhost")
    own = authority.issue("somebody", name="own", not_before=now - DAY, not_after=now + DAY)
    token, line = new_token("somebody", Limits())
    (tmp_path / "tokens").write_text(f"{line}\n")
    (tmp_path / "token").write_text(token)
    flags = [f"--tls-certificate={certificate}", f"--tls-key={key}", f"--client-ca={authority.certificate}"]
    flags += [f"--tokens={tmp_path}/tokens", f"--model={artifacts['one']}", "--drain-notice-seconds=0.2"]
    credentials = Credentials(
        certificate_authority=str(authority.certificate),
        client_certificate=str(own[0]),
        client_key=str(own[1]),
        token_file=str(tmp_path / "token"),
    )
    with serving(clock, *flags) as (process, told):
        address = f"localhost:{told['port']}"
        with Client(address, credentials=credentials, retry=ONCE) as client, client.document(TEXT) as document:
            for jump, is_good in JUMPS:
                clock.jump(jump)
                assert completes(client)
                document.insert("a")
                assert next(document.suggestions(), None) is not None
                with Client(address, credentials=credentials, retry=ONCE) as other:
                    assert completes(other) is is_good
        clock.jump("-1d")
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_SECONDS) == 0
