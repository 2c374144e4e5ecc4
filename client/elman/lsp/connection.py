"""One editor by JSON-RPC 2.0, as the Language Server Protocol uses it: what it asks and tells, and what it is asked and told.

One message after another is handled where it arrives; only an answer that has to be waited for comes later, by a task.
Knows no methods but those that cancel and note.
"""

import asyncio
import json
from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from itertools import count
from typing import Any, Final, NamedTuple, Protocol, TypeAlias, cast

from elman.errors import MendRequest

VERSION: Final = "2.0"
INFORMATION: Final = 3
"""How grave what is noted is."""

Message: TypeAlias = dict[str, Any]
Method: TypeAlias = Callable[[Any], Any]
"""Takes the parameters. Gives the answer, or a coroutine that will; what it gives to a notification is told to nobody."""


class Refusal(NamedTuple):
    """Why a request is not answered, by the protocol's number."""

    code: int
    message: str


NOT_INITIALIZED: Final = Refusal(-32002, "initialize comes first")
INVALID_REQUEST: Final = Refusal(-32600, "nothing is answered after shutdown")
METHOD_NOT_FOUND: Final = Refusal(-32601, "Method Not Found")
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
CANCELLED: Final = Refusal(-32800, "the request was cancelled")


class Refused(Exception):
    """A request was refused: the server's by the editor, or the editor's by the server."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


class Output(Protocol):
    """Where messages are written."""

    def write(self, data: bytes) -> None:
        """Write all of it."""
        ...


class Connection:
    """The editor, as the server has it."""

    def __init__(self, output: Output) -> None:
        self._output = output
        self._answering: dict[Any, asyncio.Task[Any]] = {}  # by the request's number
        self._working: set[asyncio.Task[Any]] = set()
        self._numbers = count(1)
        self._asked: dict[Any, asyncio.Future[Any]] = {}
        self.expect({}, NOT_INITIALIZED)

    def expect(self, methods: Mapping[str, Method], otherwise: Refusal) -> None:
        """Handle these methods from now on. Other requests are refused, and other notifications passed over."""
        self._methods: Mapping[str, Method] = {"$/cancelRequest": self._cancel, **methods}
        self._otherwise = otherwise

    def take(self, body: bytes) -> None:
        """Handle a message. What cannot be understood is refused if it is a request, and noted otherwise."""
        try:
            message: object = json.loads(body)
        except (ValueError, RecursionError):
            return self.log("a message that is no JSON was passed over")
        if not isinstance(message, dict) or cast("Message", message).get("jsonrpc") != VERSION:
            return self.log("a message that is no JSON-RPC 2.0 was passed over")
        if "method" in message:
            return self._handle(cast("Message", message))
        return self._hear(cast("Message", message))

    def _handle(self, message: Message) -> None:
        try:
            answer = self._method(message)(message.get("params"))
        except Exception as error:
            self._fail(message, error)
        else:
            if asyncio.iscoroutine(answer):
                self._wait(message, answer)
            else:
                self._answer(message, answer)

    def _method(self, message: Message) -> Method:
        found = self._methods.get(message["method"])
        if found is None and "id" in message:
            raise Refused(self._otherwise)
        return found or pass_over

    def _wait(self, message: Message, answer: Coroutine[Any, Any, Any]) -> None:
        task = self.begin(answer)
        if "id" in message:
            self._answering[message["id"]] = task
        task.add_done_callback(partial(self._finish, message))

    def begin(self, work: Coroutine[Any, Any, Any]) -> "asyncio.Task[Any]":
        """Do something beside all else."""
        task = asyncio.ensure_future(work)
        self._working.add(task)
        task.add_done_callback(self._working.discard)
        return task

    def _finish(self, message: Message, task: "asyncio.Task[Any]") -> None:
        self._answering.pop(message.get("id"), None)
        if task.cancelled():
            self._fail(message, Refused(CANCELLED))
        elif error := task.exception():
            self._fail(message, error)
        else:
            self._answer(message, task.result())

    def _answer(self, message: Message, result: Any) -> None:
        if "id" in message:
            self._write({"id": message["id"], "result": result})

    def _fail(self, message: Message, error: BaseException) -> None:
        code, text = refusal_of(error)
        if "id" in message:
            self._write({"id": message["id"], "error": {"code": code, "message": text}})
        else:
            self.log(f"{message['method']} was passed over: {text}")

    def _cancel(self, params: Any) -> None:
        """The editor wants an answer no longer."""
        if task := self._answering.get(params["id"]):
            task.cancel()

    def cancel_all(self) -> None:
        """Nothing more is to be answered."""
        for task in self._answering.values():
            task.cancel()

    async def ask(self, method: str, params: Any) -> Any:
        """What the editor answers. Raises Refused."""
        number = next(self._numbers)
        answered = self._asked[number] = asyncio.get_running_loop().create_future()
        self._write({"id": number, "method": method, "params": params})
        try:
            return await answered
        finally:
            del self._asked[number]

    def _hear(self, message: Message) -> None:
        """The editor has answered."""
        number, error = message.get("id"), message.get("error")
        asked = self._asked.get(number) if isinstance(number, int) else None
        if asked is None or asked.done():
            return
        if isinstance(error, dict):
            asked.set_exception(Refused(Refusal(INTERNAL_ERROR, str(cast("Message", error).get("message")))))
        else:
            asked.set_result(message.get("result"))

    def tell(self, method: str, params: Any) -> None:
        """Tell the editor something."""
        self._write({"method": method, "params": params})

    def log(self, message: str) -> None:
        """Note something where a person may look."""
        self.tell("window/logMessage", {"type": INFORMATION, "message": message})

    def _write(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": VERSION, **message}).encode()
        self._output.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))


def pass_over(params: Any) -> None:
    """What nobody knows is told to nobody."""


def refusal_of(error: BaseException) -> Refusal:
    """What an editor is told of an error. Of a defect that is its kind alone, for its message may hold text."""
    if isinstance(error, Refused):
        return error.refusal
    if isinstance(error, MendRequest):
        return Refusal(INVALID_PARAMS, str(error))
    return Refusal(INTERNAL_ERROR, type(error).__name__)
