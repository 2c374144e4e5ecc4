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
    this._answered = new vscode.EventEmitter();
    this.onDidAnswer = this._answered.event;
    this._listeners = [
      vscode.workspace.onDidChangeTextDocument((event) => this._note(event)),
      vscode.commands.registerCommand(ACCEPTED, () => this._noteAccepted()),
      this._answered,
    ];
  }

  dispose() {
    for (const listener of this._listeners) listener.dispose();
  }

  async provideInlineCompletionItems(document, position, context, token) {
    if (!isWanted(document)) return [];
    const isInvoked = context.triggerKind === vscode.InlineCompletionTriggerKind.Invoke;
    if (!isInvoked && this._isAt(document, position)) return this._items();
    const version = document.version;
    const found = await this._server.ask(document, position, isInvoked ? INVOKED : AUTOMATIC, token);
    this._answered.fire(document);
    if (found === undefined || token.isCancellationRequested || document.version !== version) return [];
    this._document = document;
    this._shown = found.map(({ insertText, range }) => {
      return new Shown(position, insertText, range.end.character - range.start.character);
    });
    return this._items();
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
