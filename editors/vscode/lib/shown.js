// A ghost in a document, and how much of it has been typed. Knows nothing of VS Code but what a change looks like.

class Shown {
  /** `replaced` is how many closing brackets and quotes after the cursor make way for the text's own. */
  constructor(position, text, replaced) {
    this._start = position;
    this._text = text;
    this._replaced = replaced;
    this._typed = 0;
  }

  get rest() {
    return this._text.slice(this._typed);
  }

  get replaced() {
    return this._replaced;
  }

  get line() {
    return this._start.line;
  }

  /** Where the cursor is, if nothing has happened but typing. */
  get character() {
    return this._start.character + this._typed;
  }

  isAt(position) {
    return position.line === this.line && position.character === this.character;
  }

  /**
   * What a change has brought of the text; undefined if it has brought anything else, so that the ghost is gone.
   * VS Code accepts by putting all of the text in the place of what was typed of it; so a change may begin before the cursor.
   */
  advance(change) {
    const { start, end } = change.range;
    const known = start.character - this._start.character;
    const closed = end.character - this.character;
    const isHere = start.line === this.line && end.line === this.line && known >= 0 && known <= this._typed;
    if (!isHere || closed < 0 || closed > this._replaced) return undefined;
    const now = this._text.slice(0, known) + change.text;
    if (now.length <= this._typed || !this._text.startsWith(now)) return undefined;
    const brought = now.slice(this._typed);
    this._typed = now.length;
    this._replaced -= closed;
    return brought;
  }
}

module.exports = { Shown };
