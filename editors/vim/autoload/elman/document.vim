vim9script
# What the server knows of each buffer, and the shortest change that tells it the rest. Knows nothing of ghost text.
#
# Vim says which lines changed, not what they were, so the lines that the server has are kept here. Positions count
# UTF-16 code units, as every language server does.

import autoload 'elman/server.vim'

const LONGEST_TRIMMED = 100'000  # bytes of changed lines: longer ones are sent whole

# By buffer: {uri, language, tick, lines, listener, above, below, count}. Lines `above` and `below` the changes since
# `tick` are as the server knows them; `count` lines are there now.
var documents: dict<dict<any>> = {}

export def Position(line: number, before: string): dict<number>
  return {line: line - 1, character: Units(before)}
enddef

# UTF-16 code units of a text: two for each character beyond the basic plane.
export def Units(text: string): number
  return strchars(text) + str2list(text)->filter((_, code) => code > 0xFFFF)->len()
enddef

# The server knows the current buffer as it is now, and this is its name.
export def Tell(): string
  const buffer = bufnr()
  if has_key(documents, buffer) && documents[buffer].language !=# &filetype
    Close(buffer)
  endif
  if has_key(documents, buffer)
    Change(documents[buffer])
  else
    Open(buffer)
  endif
  return documents[buffer].uri
enddef

export def Close(buffer: number)
  if !has_key(documents, buffer)
    return
  endif
  const document = remove(documents, buffer)
  listener_remove(document.listener)
  server.Notify('textDocument/didClose', {textDocument: {uri: document.uri}})
enddef

# A new server knows no documents.
export def Reset()
  for document in values(documents)
    listener_remove(document.listener)
  endfor
  documents = {}
enddef

def Open(buffer: number)
  final document = {
    uri: Uri(buffer),
    language: &filetype,
    tick: b:changedtick,
    lines: getline(1, '$'),
    listener: listener_add(Gather, buffer),
  }
  documents[buffer] = document
  Settle(document)
  server.Notify('textDocument/didOpen', {textDocument: {
    uri: document.uri,
    languageId: document.language,
    version: document.tick,
    text: Sent(document.lines) .. "\n",
  }})
enddef

# No line has changed.
def Settle(document: dict<any>)
  const count = len(document.lines)
  extend(document, {above: count, below: count, count: count})
enddef

# Vim's listener: the lines of each change are those at the time of that change.
def Gather(buffer: number, _, _, _, changes: list<any>)
  final document = documents[buffer]
  for change in changes
    document.above = min([document.above, change.lnum - 1])
    document.below = min([document.below, document.count - change.end + 1])
    document.count += change.added
  endfor
enddef

def Change(document: dict<any>)
  if document.tick == b:changedtick
    return
  endif
  listener_flush(bufnr())
  document.tick = b:changedtick
  const change = Catch(document)
  if !empty(change)
    server.Notify('textDocument/didChange', {
      textDocument: {uri: document.uri, version: document.tick},
      contentChanges: [change],
    })
  endif
enddef

# Brings the document's lines up to the buffer's, and returns the change that does so; {} where nothing differs.
def Catch(document: dict<any>): dict<any>
  final lines: list<string> = document.lines
  const is_known = document.count == line('$')
  const fewest = min([len(lines), line('$')])
  const above = min([is_known ? document.above : 0, fewest - 1])
  const below = min([is_known ? document.below : 0, fewest - above - 1])
  const new = getline(above + 1, line('$') - below)
  const old = remove(lines, above, len(lines) - below - 1)
  extend(lines, new, above)
  Settle(document)
  return Between(above, join(old, "\n"), join(new, "\n"))
enddef

def Between(above: number, old: string, new: string): dict<any>
  if old ==# new
    return {}
  endif
  const trimmed = max([len(old), len(new)]) <= LONGEST_TRIMMED
  const start = trimmed ? CommonStart(old, new) : 0
  const end = trimmed ? CommonEnd(old->strpart(start), new->strpart(start)) : 0
  const before = old->strpart(0, start)
  const gone = old->strpart(0, len(old) - end)
  return {
    range: {start: After(above, before), end: After(above, gone)},
    text: new->strpart(start, len(new) - end - start)->split("\n", true)->Sent(),
  }
enddef

def After(above: number, text: string): dict<number>
  const lines = text->split("\n", true)
  return {line: above + max([len(lines) - 1, 0]), character: Units(get(lines, -1, ''))}
enddef

# Bytes that both begin with, up to a whole character.
def CommonStart(one: string, other: string): number
  var [same, end] = [0, min([len(one), len(other)])]
  while same < end
    const middle = (same + end + 1) / 2
    if one->strpart(0, middle) ==# other->strpart(0, middle)
      same = middle
    else
      end = middle - 1
    endif
  endwhile
  while same > 0 && (IsInside(one, same) || IsInside(other, same))
    same -= 1
  endwhile
  return same
enddef

def CommonEnd(one: string, other: string): number
  var [same, end] = [0, min([len(one), len(other)])]
  while same < end
    const middle = (same + end + 1) / 2
    if one->strpart(len(one) - middle) ==# other->strpart(len(other) - middle)
      same = middle
    else
      end = middle - 1
    endif
  endwhile
  while same > 0 && IsInside(one, len(one) - same)
    same -= 1
  endwhile
  return same
enddef

# Whether a byte goes on with a character of UTF-8 that began before it.
def IsInside(text: string, byte: number): bool
  return and(char2nr(text->strpart(byte, 1)), 0xC0) == 0x80
enddef

# Vim has a line feed where a line holds NUL, and a protocol that counts lines takes a carriage return for a line's end.
def Sent(lines: list<string>): string
  if lines->match("[\n\r]") < 0
    return lines->join("\n")
  endif
  return lines->mapnew((_, line) => line->tr("\n\r", '  '))->join("\n")
enddef

def Uri(buffer: number): string
  if bufname(buffer)->empty()
    return $'untitled:{buffer}'
  endif
  const path = bufname(buffer)->fnamemodify(':p')
  return 'file://' .. path->substitute('[^A-Za-z0-9/._~-]', (found) => Escaped(found[0]), 'g')
enddef

def Escaped(character: string): string
  return range(len(character))->map((_, byte) => printf('%%%02X', char2nr(character->strpart(byte, 1))))->join('')
enddef
