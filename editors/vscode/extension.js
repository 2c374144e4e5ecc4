// Ghost text of `elman lsp` in VS Code: what is made at the start, and what is let go at the end.

const vscode = require("vscode");
const { register } = require("./lib/commands");
const { Ghosts } = require("./lib/ghosts");
const { Server } = require("./lib/server");
const { Status } = require("./lib/status");

/** Documents that somebody writes; not what VS Code shows in editors besides, such as logs and other versions. */
const SELECTOR = [{ scheme: "file" }, { scheme: "untitled" }, { scheme: "vscode-notebook-cell" }];

let server;

async function activate(context) {
  server = new Server(SELECTOR);
  const ghosts = new Ghosts(server);
  const status = new Status(server);
  ghosts.onDidAnswer((document) => status.noteAnswer(document));
  context.subscriptions.push(
    ghosts,
    status,
    ...register(server, ghosts, status),
    vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("elman.command") && server.restart()),
    vscode.languages.registerInlineCompletionItemProvider(SELECTOR, ghosts),
  );
  await server.start();
}

function deactivate() {
  return server?.stop();
}

module.exports = { activate, deactivate };
