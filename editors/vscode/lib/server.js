// The language server: its process, how often it is started again, and what is said to it.

const { spawn } = require("node:child_process");
const vscode = require("vscode");
const { CloseAction, ErrorAction, LanguageClient, State } = require("vscode-languageclient/node");

const { properties } = require("../package.json").contributes.configuration;
const OWN = ["elman.command", "elman.restarts"]; // settings of this extension, which the server does not know
const WINDOW_MILLISECONDS = 10 * 60 * 1000;
const RESTART = "Start It Again";

/** Of what goes wrong with a server, its library would show each bit; here it is logged, and said once by `Server`. */
class Client extends LanguageClient {
  error(message, data) {
    super.error(message, data, false);
  }
}

class Server {
  constructor(selector) {
    this._selector = selector;
    this._client = undefined;
    this._ends = [];
    this._hasSaid = false;
    this._changed = new vscode.EventEmitter(); // with the state, where it is the server that tells
    this.onDidChange = this._changed.event;
    /** Why there is none; "" while there is. */
    this.trouble = "";
  }

  get isRunning() {
    return this._client?.state === State.Running;
  }

  async start() {
    this.trouble = "";
    this._client = new Client("elman", "Elman", () => this._spawn(), this._options());
    this._client.registerFeature(new KnowsGhosts());
    this._client.onDidChangeState(() => this._changed.fire());
    this._client.onNotification("$/elman/status", ({ state }) => this._changed.fire(state));
    try {
      await this._client.start();
    } catch (error) {
      this._fail(error.message);
    }
  }

  async restart() {
    await this.stop();
    this._ends = [];
    this._hasSaid = false;
    await this.start();
  }

  async stop() {
    const client = this._client;
    this._client = undefined;
    await client?.dispose().catch(() => undefined); // one that has not started, or has ended
  }

  /** What is suggested; undefined if nothing can be known of that. */
  async ask(document, position, triggerKind, token) {
    if (!this.isRunning) return undefined;
    const params = { ...this._of(document), position: plain(position), context: { triggerKind } };
    try {
      return (await this._client.sendRequest("textDocument/inlineCompletion", params, token)).items;
    } catch {
      return undefined; // cancelled, overtaken, or the server has ended, which is said elsewhere
    }
  }

  async status(document) {
    if (!this.isRunning) return { state: this.trouble ? "failed" : "starting", message: this.trouble, model: "" };
    try {
      return await this._client.sendRequest("elman/status", document ? this._of(document) : {});
    } catch (error) {
      return { state: "failed", message: error.message, model: "" };
    }
  }

  noteAccepted(document, text, by) {
    this._notify("elman/accepted", { ...this._of(document), text, by });
  }

  noteDismissed(document, position, text) {
    this._notify("elman/dismissed", { ...this._of(document), position: plain(position), text });
  }

  _notify(method, params) {
    if (this.isRunning) this._client.sendNotification(method, params).catch(() => undefined); // it has just ended
  }

  _of(document) {
    return { textDocument: { uri: this._client.code2ProtocolConverter.asUri(document.uri) } };
  }

  _options() {
    return {
      documentSelector: this._selector,
      initializationOptions: chosen(),
      errorHandler: { error: () => ({ action: ErrorAction.Continue, handled: true }), closed: () => this._closed() },
      initializationFailedHandler: () => false,
      middleware: {
        workspace: { configuration: ({ items }) => items.map(chosen) },
      },
    };
  }

  _spawn() {
    const [program, ...words] = vscode.workspace.getConfiguration("elman").get("command");
    const started = spawn(program, words, { cwd: vscode.workspace.workspaceFolders?.[0]?.uri.fsPath });
    return new Promise((resolve, reject) => {
      started.once("spawn", () => resolve(started));
      started.once("error", () => {
        this._fail(`${program} cannot be started: install elman with its extra lsp, or set elman.command`);
        reject(new Error(this.trouble));
      });
    });
  }

  /** It has ended by itself. */
  _closed() {
    const now = Date.now();
    this._ends = [...this._ends.filter((then) => now - then < WINDOW_MILLISECONDS), now];
    const restarts = vscode.workspace.getConfiguration("elman").get("restarts");
    if (this._ends.length > restarts) {
      this._fail("the language server has ended once more, and is not started again");
      return { action: CloseAction.DoNotRestart, handled: true };
    }
    if (!this._hasSaid) vscode.window.showWarningMessage("elman: the language server has ended, and is started again");
    this._hasSaid = true;
    return { action: CloseAction.Restart, handled: true };
  }

  async _fail(message) {
    if (this.trouble) return;
    this.trouble = message;
    this._changed.fire();
    const answer = await vscode.window.showErrorMessage(`elman: ${message}`, RESTART);
    if (answer) await this.restart();
  }
}

/** Tells the server that ghosts can be shown, so that it offers no item of a menu in their place. */
class KnowsGhosts {
  fillClientCapabilities(capabilities) {
    capabilities.textDocument.inlineCompletion = {};
  }

  initialize() {}

  getState() {
    return { kind: "static" };
  }

  clear() {}
}

/** The settings that are the server's. What nobody has chosen is null, so that its flags and its configuration file hold. */
function chosen() {
  const settings = vscode.workspace.getConfiguration();
  const names = Object.keys(properties).filter((name) => !OWN.includes(name));
  return Object.fromEntries(names.map((name) => [name.slice("elman.".length), valueOf(settings, name)]));
}

function valueOf(settings, name) {
  const { defaultValue, globalValue } = settings.inspect(name);
  const value = settings.get(name);
  return globalValue === undefined && JSON.stringify(value) === JSON.stringify(defaultValue) ? null : value;
}

function plain({ line, character }) {
  return { line, character };
}

module.exports = { Server };
