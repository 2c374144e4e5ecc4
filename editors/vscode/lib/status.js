// The item of the status bar: the model that suggests, or why nothing is suggested.

const vscode = require("vscode");

const PATIENCE_MILLISECONDS = 500; // until what may be about to change is looked at again
const ICONS = { ready: "$(edit)", off: "$(circle-slash)", failed: "$(warning)", starting: "$(loading~spin)", "no model": "$(dash)" };

class Status {
  constructor(server) {
    this._server = server;
    this._state = "";
    this._timer = undefined;
    this._item = vscode.window.createStatusBarItem("elman.status", vscode.StatusBarAlignment.Right, 100);
    this._item.name = "Elman";
    this._item.command = "elman.showStatus";
    this._item.show();
    this._listeners = [
      this._item,
      server.onDidChange(() => this.refresh()),
      vscode.window.onDidChangeActiveTextEditor(() => this.refresh()),
      vscode.workspace.onDidChangeConfiguration((event) => event.affectsConfiguration("elman") && this._noteSettings()),
    ];
  }

  dispose() {
    clearTimeout(this._timer);
    for (const listener of this._listeners) listener.dispose();
  }

  /** Something was answered about a document. */
  noteAnswer(document) {
    if (this._state !== "ready" && document === vscode.window.activeTextEditor?.document) this.refresh();
  }

  /** How things stand in the active editor's document. */
  async read() {
    const document = vscode.window.activeTextEditor?.document;
    const settings = vscode.workspace.getConfiguration("elman", document);
    if (!settings.get("enabled")) return { state: "off", message: "nothing is suggested anywhere", model: "" };
    if (document && settings.get("languages")[document.languageId] === false) {
      return { state: "off", message: `nothing is suggested in ${document.languageId}`, model: "" };
    }
    return this._server.status(document);
  }

  async refresh() {
    const { state, message, model } = await this.read();
    this._state = state;
    clearTimeout(this._timer);
    if (state === "starting") this._lookAgain();
    this._item.text = `${ICONS[state] ?? "$(edit)"} elman: ${state === "ready" ? model : state}`;
    this._item.tooltip = message || "elman: show the status";
    this._item.backgroundColor = state === "failed" ? new vscode.ThemeColor("statusBarItem.warningBackground") : undefined;
  }

  /** The server asks for its settings after it has heard that they are others. */
  async _noteSettings() {
    await this.refresh();
    this._lookAgain();
  }

  _lookAgain() {
    clearTimeout(this._timer);
    this._timer = setTimeout(() => this.refresh(), PATIENCE_MILLISECONDS);
  }

  /** Say how things stand, and offer what can be done about it. */
  async show() {
    const document = vscode.window.activeTextEditor?.document;
    const found = await this.read();
    const actions = { "Show Settings": () => vscode.commands.executeCommand("workbench.action.openSettings", "elman.") };
    if (found.state === "failed") actions["Start It Again"] = () => this._server.restart();
    else if (found.state === "off") actions["Turn On"] = () => this._turnOn(document);
    else actions["Turn Off"] = () => vscode.commands.executeCommand("elman.disable");
    const answer = await vscode.window.showInformationMessage(sentence(found), ...Object.keys(actions));
    await actions[answer]?.();
  }

  /** Off everywhere and off in the language are two settings. */
  async _turnOn(document) {
    const isOff = !vscode.workspace.getConfiguration("elman", document).get("enabled");
    await vscode.commands.executeCommand(isOff ? "elman.enable" : "elman.enableLanguage");
  }
}

function sentence({ state, message, model, latencyMilliseconds, keysSaved, charactersTyped }) {
  if (state !== "ready") return `elman: ${state}${message ? `: ${message}` : ""}`;
  const latency = latencyMilliseconds === null ? "" : `, ${latencyMilliseconds} ms`;
  return `elman: ${model}${latency}, ${keysSaved} keys saved at ${charactersTyped} characters`;
}

module.exports = { Status };
