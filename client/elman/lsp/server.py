"""`elman lsp` by pygls: which method means what, and what is agreed with the editor at the start."""

import asyncio
import logging
import sys
import time
from collections.abc import Coroutine, Sequence
from importlib.metadata import version
from typing import Any, Final, NamedTuple, cast

from lsprotocol import types
from pygls.capabilities import get_capability
from pygls.exceptions import JsonRpcException
from pygls.lsp.server import LanguageServer

from elman.credentials import NONE, Credentials
from elman.errors import ElmanError, MendRequest
from elman.lsp import messages, protocol
from elman.lsp.encodings import Encoding
from elman.lsp.engines import Engine, EngineElsewhere, EngineHere
from elman.lsp.ghosts import Ghost
from elman.lsp.preferences import Preferences
from elman.lsp.service import OpenEngine, Question, Service
from elman.lsp.streams import Output, bodies, standard_input
from elman.lsp.troubles import Troubles

NAME: Final = "elman"


class Arrived(NamedTuple):
    """A question, and what its answer needs; None for a place where nothing may be shown."""

    asked: messages.Asked
    question: Question | None


class Server(LanguageServer):
    """One editor's server."""

    def __init__(self, preferences: Preferences, credentials: Credentials, version: str) -> None:
        super().__init__(NAME, version, protocol_cls=protocol.Protocol)  # pyright: ignore[reportUnknownMemberType] (its *args)
        self._given = preferences
        self._at_start: object = None
        self._configured: object = None
        self._troubles = Troubles(self, time.monotonic)
        self.service = Service(preferences, opener(preferences.server, credentials), self._troubles)
        self._tasks: set[asyncio.Task[Any]] = set()
        register(self)

    async def run(self) -> int:
        """Answer until the editor has gone."""
        try:
            spoken = cast("protocol.Protocol", self.protocol)
            async for body in bodies(await standard_input()):
                spoken.take(body)
        finally:
            await self.service.end()
        return 1  # it went without a word

    def open(self, opened: messages.Opened) -> None:
        """A document is open from now on."""
        self.service.open(*opened)
        self.begin(self.service.prepare(opened.uri))

    def arrived(self, asked: messages.Asked) -> Arrived:
        """A question has arrived: it is about the text as it is now."""
        revision = self.service.revision(asked.uri)
        question = Question(asked.uri, asked.position, asked.is_invoked, revision)
        return Arrived(asked, None if revision is None or asked.has_selection else question)

    async def ghosts(self, arrived: Arrived) -> Sequence[Ghost]:
        """What is to be shown."""
        return await self.service.ask(arrived.question) if arrived.question else ()

    def begin(self, work: Coroutine[Any, Any, Any]) -> None:
        """Do something beside all else."""
        task = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def start(self, params: types.InitializeParams) -> None:
        """Agree with the editor on how it counts, and take its settings."""
        self.service.encoding = Encoding(self.workspace.position_encoding or Encoding.UTF_16)
        self._at_start = params.initialization_options
        preferences = self._preferences()
        self.begin(self._go_by(preferences))
        knows_ghosts = get_capability(params.capabilities, "text_document.inline_completion") is not None
        if preferences.completion and not knows_ghosts:
            register_completion(self)

    def _preferences(self) -> Preferences:
        """What the command line and the configuration file say, over that the editor at the start, and over that later."""
        preferences = self._given
        for values in self._at_start, self._configured:
            preferences, problems = preferences.with_values(values, self.service.preferences)
            for problem in problems:
                self._troubles.tell(str(problem), f"elman: {problem}")
        return preferences

    async def configure(self, settings: Any = None) -> None:
        """The editor's settings have changed: ask for them, if it answers such questions, otherwise go by those given."""
        if get_capability(self.client_capabilities, "workspace.configuration"):
            items = [types.ConfigurationItem(section=NAME)]
            try:
                answers: Any = await self.workspace_configuration_async(types.ConfigurationParams(items))
            except JsonRpcException as error:
                return self.log(f"the editor does not tell its settings: {error}")
            self._configured = answers[0] if answers else None
        elif isinstance(settings, dict):
            self._configured = settings.get(NAME)  # pyright: ignore[reportUnknownMemberType]
        return await self._go_by(self._preferences())

    async def _go_by(self, preferences: Preferences) -> None:
        try:
            await self.service.prefer(preferences)
        except ElmanError as error:
            self._troubles.tell(str(error), f"elman: {error}")

    async def watch_configuration(self) -> None:
        """Have the editor tell when its settings change, and ask for them."""
        if get_capability(self.client_capabilities, "workspace.did_change_configuration.dynamic_registration"):
            options = types.DidChangeConfigurationRegistrationOptions(section=NAME)
            method = types.WORKSPACE_DID_CHANGE_CONFIGURATION
            registration = types.Registration(id=method, method=method, register_options=options)
            self.begin(self.client_register_capability_async(types.RegistrationParams([registration])))
        if get_capability(self.client_capabilities, "workspace.configuration"):
            await self.configure()

    def show(self, message: str) -> None:
        """Tell the person."""
        self.window_show_message(types.ShowMessageParams(types.MessageType.Warning, message))

    def log(self, message: str) -> None:
        """Note it where a person may look."""
        self.window_log_message(types.LogMessageParams(types.MessageType.Info, message))

    def report_server_error(self, error: Exception, source: Any) -> None:
        """A message could not be handled."""
        self.log(f"a message was passed over: {error}" if isinstance(error, MendRequest) else type(error).__name__)


def opener(given: Sequence[str], credentials: Credentials) -> OpenEngine:
    """Opens what suggests: servers, or engines in this process. The credentials are for the given servers alone."""

    def open_engine(addresses: Sequence[str]) -> Engine:
        if not addresses:
            return EngineHere()
        return EngineElsewhere(addresses, credentials if tuple(addresses) == tuple(given) else NONE)

    return open_engine


def register(server: Server) -> None:
    """Say which method means what. pygls takes functions alone."""
    register_start(server)
    register_documents(server)
    register_questions(server)
    register_judgements(server)


def register_start(server: Server) -> None:
    """What is agreed on."""

    @server.feature(types.INITIALIZE)
    def start(params: types.InitializeParams) -> None:
        server.start(params)

    @server.feature(types.INITIALIZED)
    async def watch(params: types.InitializedParams) -> None:
        await server.watch_configuration()

    @server.feature(types.EXIT)
    def leave(params: Any) -> None:
        sys.exit(0 if cast("protocol.Protocol", server.protocol).is_over else 1)

    @server.feature(types.WORKSPACE_DID_CHANGE_CONFIGURATION)
    async def configure(params: Any) -> None:
        await server.configure(messages.mapping(params).get("settings"))


def register_documents(server: Server) -> None:
    """What happens to documents."""

    @server.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: Any) -> None:
        server.open(messages.opened(params))

    @server.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def edited(params: Any) -> None:
        server.service.edit(*messages.edited(params))

    @server.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: Any) -> None:
        server.service.close(messages.closed(params))


def register_questions(server: Server) -> None:
    """What editors ask."""

    @server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
    async def inline_completion(arrived: Arrived) -> dict[str, Any]:
        return messages.items_of(arrived.asked, await server.ghosts(arrived))

    @server.feature(protocol.GHOST_TEXT)
    async def ghost_text(arrived: Arrived) -> dict[str, Any]:
        return messages.items_of(arrived.asked, await server.ghosts(arrived))

    @server.feature(protocol.STATUS)
    def status(params: Any) -> dict[str, Any]:
        return server.service.status(messages.asked_status(params))

    @server.command(messages.STATUS)
    def tell_status() -> dict[str, Any]:
        return server.service.status()


def register_judgements(server: Server) -> None:
    """What became of what was shown."""
    service = server.service

    @server.feature(protocol.ACCEPTED)
    def accepted(params: Any) -> None:
        judged = messages.judged(params)
        service.note_accepted(judged.uri, judged.text)

    @server.feature(protocol.DISMISSED)
    def dismissed(params: Any) -> None:
        uri, text, position = messages.judged(params)
        if position:
            service.note_dismissed(uri, position, text)

    @server.command(messages.ACCEPTED)
    def accept(uri: str, text: str) -> None:
        service.note_accepted(uri, text)


def register_completion(server: Server) -> None:
    """Offer an item of a menu, where the editor knows no ghosts."""

    @server.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions())
    async def completion(arrived: Arrived) -> dict[str, Any]:
        word = server.service.word_before(arrived.asked.uri, arrived.asked.position)
        return messages.completions_of(arrived.asked, await server.ghosts(arrived), word)


def serve(preferences: Preferences, credentials: Credentials = NONE) -> int:
    """Answer one editor over standard input and output until it leaves; returns the exit code.

    The credentials are for the servers of these preferences: others, which an editor's settings name, get none of them.
    """
    logging.getLogger("pygls").setLevel(logging.CRITICAL + 1)  # what it logs holds the text
    return asyncio.run(answer(preferences, credentials, Output.take()))


async def answer(preferences: Preferences, credentials: Credentials, output: Output) -> int:
    """The same, in an event loop, to which what waits for servers belongs."""
    server = Server(preferences, credentials, version(NAME))
    server.protocol.set_writer(output)
    return await server.run()
