// Ghost text in a page, with nothing but the service behind it: each key is one call of Follow, with one request, as JSON.
// What the servers know of the text travels with the call (a state), so a key costs what was written since, and any server answers.

const SERVICE = "/elman.v1.CompletionService/";
const MOST_CHARACTERS = 64;
const LONGEST_STEP = 1024; // characters that are sent without a state before one is asked for
const SPOKEN_MILLISECONDS = 1500; // of rest, after which a screen reader hears the ghost

const [choice, model, login, token, text, before, ghost, after, trouble, spoken] = (
  "choice model login token text before ghost after trouble spoken".split(" ").map((id) => document.getElementById(id))
);

let suggestion = { base: "", text: "", isWhole: true }; // how the text `base` goes on
let states = []; // what was told of beginnings of the text: {text, state}, the newest last
let asking = new AbortController();
let speaking = 0;

async function call(method, request, signal) {
  const headers = { "content-type": "application/json" };
  if (token.value) headers.authorization = `Bearer ${token.value.trim()}`;
  const response = await fetch(SERVICE + method, { method: "POST", headers, body: JSON.stringify(request), signal });
  if (response.ok) return response;
  const status = await response.json().catch(() => ({}));
  throw Object.assign(new Error(status.message || `the server answered ${response.status}`), { status: response.status });
}

// The messages of a streamed answer: a line for each.
async function* messages(response) {
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (let rest = ""; ; ) {
    const { value, done } = await reader.read();
    if (done) return;
    const lines = (rest + value).split("\n");
    rest = lines.pop();
    for (const line of lines) if (line) yield JSON.parse(line);
  }
}

// What to ask for the text before the cursor: the newest state of a beginning of it, and the rest.
function known(base) {
  states = states.filter((one) => base.startsWith(one.text)).slice(-8);
  return states.at(-1) ?? { text: "", state: "" };
}

async function suggest(base) {
  asking.abort();
  asking = new AbortController();
  const { signal } = asking;
  const mine = (suggestion = { base, text: "", isWhole: false });
  show();
  try {
    const from = await stepTo(base, signal);
    const open = {
      model: { name: model.value },
      state: from.state,
      prefix: base.slice(from.text.length),
      sampling: { temperature: 0 },
      limits: { maxCharacters: MOST_CHARACTERS },
      useModelConfidence: true,
      includeState: true,
    };
    for await (const event of messages(await call("Follow", [{ revision: "1", open }], signal))) {
      mine.text += event.suggestion?.text ?? "";
      if (event.finished) states.push({ text: base + mine.text, state: event.finished.state });
      show();
    }
    mine.isWhole = true;
    trouble.textContent = "";
    if (mine.text && remainder() === "") suggest(written()); // all of it was typed meanwhile
  } catch (error) {
    mine.isWhole = true;
    if (error.name !== "AbortError") tell(error);
  }
}

// A state of the text, or of most of it: asked for where much was written since the last one.
async function stepTo(base, signal) {
  const from = known(base);
  if (base.length - from.text.length <= LONGEST_STEP) return from;
  const request = { model: { name: model.value }, state: from.state, text: base.slice(from.text.length) };
  const { state } = await (await call("Score", request, signal)).json();
  states.push({ text: base, state });
  return { text: base, state };
}

function tell(error) {
  login.hidden = error.status !== 401;
  trouble.textContent = error.status === 401 ? "This server asks for a token." : `Nothing is suggested: ${error.message}`;
  if (error.status === 401 && !token.value) token.focus();
}

// The text before the cursor, as models read it; where something is selected or the line goes on, nothing is suggested.
const written = () => text.value.slice(0, text.selectionEnd).normalize("NFC");
const isAtEndOfLine = () => text.selectionStart === text.selectionEnd && !/^[^\n]/.test(text.value.slice(text.selectionEnd));

// What of the suggestion is still to come, after what was typed of it; null where the text says something else.
function remainder() {
  const now = written();
  const whole = suggestion.base + suggestion.text;
  return isAtEndOfLine() && now.startsWith(suggestion.base) && whole.startsWith(now) ? whole.slice(now.length) : null;
}

function show() {
  const shown = remainder() ?? "";
  before.textContent = text.value.slice(0, text.selectionEnd);
  ghost.textContent = shown;
  after.textContent = text.value.slice(text.selectionEnd);
  clearTimeout(speaking);
  spoken.textContent = "";
  if (shown) speaking = setTimeout(() => (spoken.textContent = `Suggested: ${shown}`), SPOKEN_MILLISECONDS);
}

function dismiss() {
  asking.abort();
  suggestion = { base: "", text: "", isWhole: true };
  show();
}

text.addEventListener("input", (event) => {
  const isTyped = event.inputType.startsWith("insert") && !event.isComposing;
  const left = remainder();
  if (!isTyped || !isAtEndOfLine()) dismiss();
  else if (left === null || (left === "" && suggestion.isWhole)) suggest(written());
  else show();
});

text.addEventListener("compositionend", () => isAtEndOfLine() && suggest(written()));

text.addEventListener("keydown", (event) => {
  if (!ghost.textContent || event.isComposing || event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
  if (event.key === "Tab") document.execCommand("insertText", false, ghost.textContent); // which the browser can undo
  else if (event.key === "Escape") dismiss();
  else return;
  event.preventDefault();
});

document.addEventListener("selectionchange", () => {
  if (document.activeElement === text && remainder() === null) dismiss();
});

model.addEventListener("change", () => {
  states = [];
  dismiss();
  text.focus();
  if (text.value && isAtEndOfLine()) suggest(written());
});

login.addEventListener("submit", (event) => {
  event.preventDefault();
  begin();
});

async function begin() {
  try {
    const { models } = await (await call("ListModels", {})).json();
    model.replaceChildren(...models.map((one) => new Option(one.model.name)));
    choice.hidden = false;
    login.hidden = true;
    trouble.textContent = "";
    text.focus();
  } catch (error) {
    tell(error);
  }
}

begin();
