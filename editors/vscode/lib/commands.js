// The commands of the palette.

const vscode = require("vscode");

/** Registers them all; returns what unregisters them. */
function register(server, ghosts, status) {
  const commands = {
    enable: () => setEnabled(true),
    disable: () => setEnabled(false),
    enableLanguage: () => setLanguage(true),
    disableLanguage: () => setLanguage(false),
    showStatus: () => status.show(),
    restart: () => server.restart(),
    acceptCharacter: () => acceptCharacter(ghosts),
    dismiss: () => dismiss(ghosts),
  };
  return Object.entries(commands).map(([name, run]) => vscode.commands.registerCommand(`elman.${name}`, run));
}

function setEnabled(value) {
  return vscode.workspace.getConfiguration("elman").update("enabled", value, vscode.ConfigurationTarget.Global);
}

function setLanguage(value) {
  const document = vscode.window.activeTextEditor?.document;
  if (!document) return undefined;
  const settings = vscode.workspace.getConfiguration("elman");
  const languages = { ...settings.inspect("languages").globalValue, [document.languageId]: value };
  return settings.update("languages", languages, vscode.ConfigurationTarget.Global);
}

/** VS Code accepts words and lines by itself; a character is typed, and what is shown stays. */
async function acceptCharacter(ghosts) {
  const editor = vscode.window.activeTextEditor;
  const rest = editor && ghosts.rest(editor.document, editor.selection.active);
  if (!rest) return;
  const [{ segment }] = new Intl.Segmenter().segment(rest);
  await vscode.commands.executeCommand("type", { text: segment });
}

async function dismiss(ghosts) {
  const editor = vscode.window.activeTextEditor;
  if (editor) ghosts.dismiss(editor.document, editor.selection.active);
  await vscode.commands.executeCommand("editor.action.inlineSuggest.hide");
}

module.exports = { register };
