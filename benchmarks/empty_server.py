"""A language server of pygls that computes nothing and always suggests a dot: what an editor and a common library cost."""

from lsprotocol import types
from pygls.lsp.server import LanguageServer

DOT = "\N{MIDDLE DOT}"
"""Nobody types it, so each key asks anew."""

server = LanguageServer("dot", "1", text_document_sync_kind=types.TextDocumentSyncKind.Incremental)


@server.feature(types.TEXT_DOCUMENT_INLINE_COMPLETION, types.InlineCompletionOptions())
async def inline_completion(params: types.InlineCompletionParams) -> types.InlineCompletionList:
    """The dot."""
    here = types.Range(params.position, params.position)
    return types.InlineCompletionList([types.InlineCompletionItem(DOT, range=here)])


if __name__ == "__main__":
    server.start_io()
