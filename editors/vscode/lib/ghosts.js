// What VS Code is told to show, and what it is asked for. While the text that is shown is typed, its rest stays without a
// question; what is accepted is told from the edits, since VS Code tells no extension of a word that was accepted.

const vscode = require("vscode");
const { Shown } = require("./shown");

const INVOKED = 1; // as the protocol has them; VS Code counts from 0
const AUTOMATIC = 2;
const ACCEPTED = "elman.noteAccepted";

class Ghosts {
  constructor(server) {
    this._server = server;
    this._document = undefined;
    this._shown = [];
    this._taken = undefined;
    this._vain = undefined; // where it was asked last, unless something was suggested there
    this._isAskingAgain = false;
    this._answered = new vscode.EventEmitter();
    this.onDidAnswer = this._answered.event;
    this._listeners = [
      vscode.workspace.onDidChangeTextDocument((event) => this._note(event)),
      server.onDidChange((state) => state === "ready" && this._askAgain()),
      vscode.commands.registerCommand(ACCEPTED, () => this._noteAccepted()),
      this._answered,
    ];
  }

  dispose() {
    for (const listener of this._listeners) listener.dispose();
  }

  async provideInlineCompletionItems(document, position, context, token) {
    if (!isWanted(document)) return [];
    const isInvoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke && !this._isAskingAgain;
    if (!isInvoked && this._isAt(document, position)) return this._items();
    const version = document.version;
    this._vain = { document, version, position };
    const found = await this._server.ask(document, position, isInvoked ? INVOKED : AUTOMATIC, token);
    this._answered.fire(document);
    if (found === undefined || token.isCancellationRequested || document.version !== version) return [];
    if (found.length) this._vain = undefined;
    this._document = document;
    this._shown = found.map(({ insertText, range }) => {
      return new Shown(position, insertText, range.end.character - range.start.character);
    });
    return this._items();
  }

  /** Servers that had failed suggest again. VS Code asks then as if a person had; nobody has. */
  async _askAgain() {
    const editor = vscode.window.activeTextEditor;
    const vain = this._vain;
    if (!vain || editor?.document !== vain.document || vain.version !== vain.document.version) return;
    if (!editor.selection.isEmpty || !editor.selection.active.isEqual(vain.position)) return;
    this._isAskingAgain = true;
    await vscode.commands.executeCommand("editor.action.inlineSuggest.trigger");
    this._isAskingAgain = false;
  }

  /** What is left of the ghost that was shown last; "" if its place has been left. */
  rest(document, position) {
    return this._isAt(document, position) ? this._shown[0].rest : "";
  }

  /** The person wants none of what is shown. */
  dismiss(document, position) {
    const text = this.rest(document, position);
    if (!text) return;
    this._shown = [];
    this._server.noteDismissed(document, position, text);
  }

  _isAt(document, position) {
    return document === this._document && this._shown.some((each) => each.isAt(position));
  }

  _items() {
    return this._shown.map((each) => {
      const { line, character } = each;
      const item = new vscode.InlineCompletionItem(each.rest, new vscode.Range(line, character, line, character + each.replaced));
      item.command = { title: "Accepted", command: ACCEPTED };
      return item;
    });
  }

  _note({ document, contentChanges }) {
    if (document !== this._document || contentChanges.length === 0) return;
    const [change, ...others] = contentChanges;
    const brought = new Map(this._shown.map((each) => [each, others.length ? undefined : each.advance(change)]));
    this._shown = this._shown.filter((each) => brought.get(each));
    this._taken = undefined;
    if (this._shown.length) this._noteBrought(document, brought.get(this._shown[0]));
    this._shown = this._shown.filter((each) => each.rest);
  }

  /** One key brings one character; more than that at once was accepted. Of all the rest, the item's command tells. */
  _noteBrought(document, text) {
    if (this._shown.some((each) => !each.rest)) this._taken = { document, text };
    else if ([...text].length > 1) this._server.noteAccepted(document, text, "word");
  }

  _noteAccepted() {
    if (this._taken) this._server.noteAccepted(this._taken.document, this._taken.text, "all");
    this._taken = undefined;
  }
}

/** Whether suggestions are on, and there is one cursor for them. */
function isWanted(document) {
  const settings = vscode.workspace.getConfiguration("elman", document);
  const editor = vscode.window.activeTextEditor;
  const isAlone = editor?.document !== document || editor.selections.length === 1;
  return settings.get("enabled") && settings.get("languages")[document.languageId] !== false && isAlone;
}

module.exports = { Ghosts };
