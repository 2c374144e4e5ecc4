"""`elman lsp`: which method means what, and what is agreed with the editor at the start."""

import asyncio
import time
from collections.abc import Coroutine, Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final, cast

from elman.credentials import NONE, Credentials
from elman.errors import ElmanError
from elman.lsp import messages
from elman.lsp.connection import INVALID_REQUEST, METHOD_NOT_FOUND, NOT_INITIALIZED, Connection, Method, Refused
from elman.lsp.encodings import Encoding
from elman.lsp.engines import Engine, EngineElsewhere, EngineHere
from elman.lsp.messages import Asked, Json
from elman.lsp.preferences import Preferences
from elman.lsp.service import OpenEngine, Question, Service
from elman.lsp.streams import Output, bodies, standard_input
from elman.lsp.troubles import Troubles

NAME: Final = "elman"
WARNING: Final = 2
"""How grave what a person is told is."""


class Server:
    """One editor's server."""

    def __init__(self, preferences: Preferences, credentials: Credentials, editor: Connection) -> None:
        self._given, self._editor = preferences, editor
        self._at_start: object = None
        self._configured: object = None
        self._capabilities: object = None
        self._troubles = Troubles(self, time.monotonic)
        self._service = Service(preferences, opener(preferences.server, credentials), self._troubles)
        self._is_over = False
        self._code: int | None = None  # what to leave with
        editor.expect({"initialize": self._start, "exit": self._leave}, NOT_INITIALIZED)

    async def run(self) -> int:
        """Answer until the editor has gone; returns the exit code."""
        try:
            async for body in bodies(await standard_input()):
                self._editor.take(body)
                if self._code is not None:
                    return self._code
        finally:
            await self._service.end()
        return 1  # it went without a word

    def _start(self, params: Any) -> Json:
        """Agree with the editor on how it counts, and take its settings."""
        begun = messages.begun(params)
        self._capabilities, self._at_start = begun.capabilities, begun.options
        self._service.encoding = encoding_of(begun.encodings)
        preferences = self._preferences()
        self._editor.begin(self._go_by(preferences))
        offers_menu = preferences.completion and not self._can("textDocument", "inlineCompletion")
        menu = {"textDocument/completion": self._complete} if offers_menu else {}
        self._editor.expect({**self._start_and_end, **self._documents, **self._questions, **menu}, METHOD_NOT_FOUND)
        return {
            "capabilities": messages.capabilities(self._service.encoding, offers_menu=offers_menu),
            "serverInfo": {"name": NAME, "version": version(NAME)},
        }

    @property
    def _start_and_end(self) -> Mapping[str, Method]:
        return {
            "initialized": lambda _: self._watch_configuration(),
            "workspace/didChangeConfiguration": lambda params: self._configure(messages.value_of(params, "settings", NAME)),
            "shutdown": self._shut_down,
            "exit": self._leave,
        }

    @property
    def _documents(self) -> Mapping[str, Method]:
        return {
            "textDocument/didOpen": self._open,
            "textDocument/didChange": lambda params: self._service.edit(*messages.edited(params)),
            "textDocument/didClose": lambda params: self._service.close(messages.closed(params)),
        }

    @property
    def _questions(self) -> Mapping[str, Method]:
        return {
            "textDocument/inlineCompletion": self._ask,
            "elman/ghostText": self._ask,
            "elman/status": lambda params: self._service.status(messages.asked_status(params)),
            "elman/accepted": self._note_accepted,
            "elman/dismissed": self._note_dismissed,
            "workspace/executeCommand": self._execute,
        }

    def _can(self, *names: str) -> bool:
        return messages.is_able(self._capabilities, *names)

    def _open(self, params: Any) -> None:
        """A document is open from now on."""
        opened = messages.opened(params)
        self._service.open(*opened)
        self._editor.begin(self._service.prepare(opened.uri))

    def _ask(self, params: Any) -> Coroutine[Any, Any, Json]:
        """What is suggested at a place, in the text as it is now."""
        asked = messages.asked(params)
        return self._items(asked, self._question(asked))

    async def _items(self, asked: Asked, question: Question | None) -> Json:
        return messages.items_of(asked, await self._service.ask(question) if question else ())

    def _complete(self, params: Any) -> Coroutine[Any, Any, Json]:
        """The same as an item of a menu, where the editor knows no ghosts."""
        asked = messages.asked(params, by_menu=True)
        return self._completions(asked, self._question(asked), self._service.word_before(asked.uri, asked.position))

    async def _completions(self, asked: Asked, question: Question | None, word: str) -> Json:
        return messages.completions_of(asked, await self._service.ask(question) if question else (), word)

    def _question(self, asked: Asked) -> Question | None:
        """None for a place where nothing may be shown."""
        revision = self._service.revision(asked.uri)
        return (
            None if revision is None or asked.has_selection else Question(asked.uri, asked.position, asked.is_invoked, revision)
        )

    def _note_accepted(self, params: Any) -> None:
        judged = messages.judged(params)
        self._service.note_accepted(judged.uri, judged.text)

    def _note_dismissed(self, params: Any) -> None:
        uri, text, position = messages.judged(params)
        if position:
            self._service.note_dismissed(uri, position, text)

    def _execute(self, params: Any) -> Json | None:
        """What the editor's person or the menu's item has it do."""
        command, arguments = messages.commanded(params)
        if command == messages.STATUS:
            return self._service.status()
        return self._service.note_accepted(*messages.accepted(arguments))

    def _shut_down(self, params: Any) -> None:
        """Nothing more is asked."""
        self._is_over = True
        self._editor.cancel_all()
        self._editor.expect({"exit": self._leave}, INVALID_REQUEST)

    def _leave(self, params: Any) -> None:
        self._code = 0 if self._is_over else 1

    def _preferences(self) -> Preferences:
        """What the command line and the configuration file say, over that the editor at the start, and over that later.

        What an editor names later as null is as if it had never named it.
        """
        preferences = self._given
        for values in without(self._at_start, self._configured), self._configured:
            preferences, problems = preferences.with_values(values, self._service.preferences)
            for problem in problems:
                self._troubles.tell(str(problem), f"elman: {problem}")
        return preferences

    async def _configure(self, given: object = None) -> None:
        """The editor's settings have changed: ask for them, if it answers such questions, otherwise go by those given."""
        if self._can("workspace", "configuration"):
            try:
                answers = await self._editor.ask("workspace/configuration", {"items": [{"section": NAME}]})
            except Refused as error:
                return self.log(f"the editor does not tell its settings: {error}")
            self._configured = answers[0] if answers else None
        else:
            self._configured = given
        return await self._go_by(self._preferences())

    async def _go_by(self, preferences: Preferences) -> None:
        try:
            await self._service.prefer(preferences)
        except ElmanError as error:
            self._troubles.tell(str(error), f"elman: {error}")

    async def _watch_configuration(self) -> None:
        """Have the editor tell when its settings change, and ask for them."""
        if self._can("workspace", "didChangeConfiguration", "dynamicRegistration"):
            self._editor.begin(self._register())
        if self._can("workspace", "configuration"):
            await self._configure()

    async def _register(self) -> None:
        try:
            await self._editor.ask("client/registerCapability", messages.CONFIGURATION_WATCHED)
        except Refused as error:
            self.log(f"the editor does not tell when its settings change: {error}")

    def show(self, message: str) -> None:
        """Tell the person."""
        self._editor.tell("window/showMessage", {"type": WARNING, "message": message})

    def log(self, message: str) -> None:
        """Note it where a person may look."""
        self._editor.log(message)

    def tell_status(self) -> None:
        """Tell the editor how things stand now."""
        self._editor.tell(messages.STATUS_CHANGED, self._service.status())


def without(settings: object, others: object) -> object:
    """Settings without those that others name as well."""
    if not isinstance(settings, dict) or not isinstance(others, dict):
        return cast("object", settings)
    return {name: value for name, value in cast("Json", settings).items() if name not in others}


def encoding_of(offered: Sequence[object]) -> Encoding:
    """The first that an editor offers and that is known here; UTF-16, which every editor knows, if there is none."""
    return next((encoding for one in offered for encoding in Encoding if encoding == one), Encoding.UTF_16)


def opener(given: Sequence[str], credentials: Credentials) -> OpenEngine:
    """Opens what suggests: servers, or engines in this process. The credentials are for the given servers alone."""

    def open_engine(addresses: Sequence[str]) -> Engine:
        if not addresses:
            return EngineHere()
        return EngineElsewhere(addresses, credentials if tuple(addresses) == tuple(given) else NONE)

    return open_engine


def serve(preferences: Preferences, credentials: Credentials = NONE) -> int:
    """Answer one editor over standard input and output until it leaves; returns the exit code.

    The credentials are for the servers of these preferences: others, which an editor's settings name, get none of them.
    """
    return asyncio.run(answer(preferences, credentials, Connection(Output.take())))


async def answer(preferences: Preferences, credentials: Credentials, editor: Connection) -> int:
    """The same, in an event loop, to which what waits for servers belongs."""
    return await Server(preferences, credentials, editor).run()
