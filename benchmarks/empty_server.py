"""A language server of the same library that knows nothing: whatever it is asked, nothing is suggested."""

import asyncio

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("empty", "1")


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """Nothing."""
    await asyncio.sleep(0)
    return types.InlineCompletionList([])


if __name__ == "__main__":
    server.start_io()
