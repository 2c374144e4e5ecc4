"""The barest client of a language server: it writes a message, and reads until the answer. It costs less than any editor."""

import json
import subprocess
from collections.abc import Sequence
from itertools import count
from typing import Any, Self

CAPABILITIES: dict[str, Any] = {
    "general": {"positionEncodings": ["utf-16"]},
    "textDocument": {"inlineCompletion": {}, "synchronization": {}},
}


class LanguageClient:
    """A server's process, and one conversation with it."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._ids, self._versions = count(1), count(2)
        assert self._process.stdin
        assert self._process.stdout
        self._to, self._from = self._process.stdin, self._process.stdout

    @property
    def pid(self) -> int:
        """The server's process."""
        return self._process.pid

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.ask("shutdown", None)
        self.tell("exit", None)
        self._to.close()
        self._process.wait(10)

    def initialize(self, **options: Any) -> None:
        """Begin the conversation."""
        self.ask(
            "initialize", {"processId": None, "rootUri": None, "capabilities": CAPABILITIES, "initializationOptions": options}
        )
        self.tell("initialized", {})

    def open(self, uri: str, language: str, text: str) -> None:
        """Open a document."""
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.tell("textDocument/didOpen", {"textDocument": document})

    def type(self, uri: str, line: int, unit: int, text: str) -> None:
        """Put text at a place."""
        here = {"line": line, "character": unit}
        changes = [{"range": {"start": here, "end": here}, "text": text}]
        identifier = {"uri": uri, "version": next(self._versions)}
        self.tell("textDocument/didChange", {"textDocument": identifier, "contentChanges": changes})

    def ghosts(self, uri: str, line: int, unit: int, trigger: int = 2) -> list[str]:
        """What is suggested at a place."""
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": unit},
            "context": {"triggerKind": trigger},
        }
        return [item["insertText"] for item in self.ask("textDocument/inlineCompletion", params)["items"]]

    def ask(self, method: str, params: Any) -> Any:
        """The result of a request."""
        number = next(self._ids)
        self._write({"id": number, "method": method, "params": params})
        while (message := self._read()).get("id") != number or "method" in message:
            pass
        return message["result"]

    def tell(self, method: str, params: Any) -> None:
        """Send a notification."""
        self._write({"method": method, "params": params})

    def _write(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        self._to.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._to.flush()

    def _read(self) -> dict[str, Any]:
        size = 0
        while header := self._from.readline().strip():
            if header.lower().startswith(b"content-length:"):
                size = int(header.partition(b":")[2])
        if not size:
            raise EOFError("the server has gone")
        return json.loads(self._from.read(size))
