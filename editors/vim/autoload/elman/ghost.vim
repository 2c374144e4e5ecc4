vim9script
# What is shown after the cursor: a line of virtual text, the keys that hold while it is there, and what is left of it
# as one types. Knows nothing of the server.

const KIND = 'ElmanGhost'
const KEYS = {
  accept: '<Tab>',
  'accept-word': '<C-Right>',
  'accept-character': '<Right>',
  next: '<C-Down>',
  previous: '<C-Up>',
  dismiss: '<C-]>',
}

# {buffer, line, before, after, text, gone}: the line as it is, what would be inserted, and how many characters after
# the cursor give way to its end. {} where nothing is shown.
var ghost: dict<any> = {}
var own: list<dict<any>> = []  # the buffer's own mappings of these keys, while ours stand in their place

export def IsShown(): bool
  return !empty(ghost)
enddef

export def Text(): string
  return get(ghost, 'text', '')
enddef

export def Colour()
  highlight default ElmanGhost term=italic ctermfg=DarkGray guifg=#808080
enddef

export def Show(text: string, gone: number)
  Hide()
  const [line, at] = [getline('.'), col('.') - 1]
  ghost = {
    buffer: bufnr(), line: line('.'), before: line->strpart(0, at), after: line->strpart(at), text: text, gone: gone,
  }
  Draw()
  Map()
enddef

export def Hide()
  if !empty(ghost)
    Unmap()
    Erase()
    ghost = {}
  endif
enddef

# Whether the cursor is where the ghost text is.
export def IsHere(): bool
  return line('.') == ghost.line && col('.') == len(ghost.before) + 1
enddef

# Whether the text became what the ghost text said; the rest of it is then shown.
export def IsFollowed(): bool
  if empty(ghost) || bufnr() != ghost.buffer || line('.') != ghost.line
    return false
  endif
  const [line, at] = [getline('.'), col('.') - 1]
  const typed = line->strpart(len(ghost.before), at - len(ghost.before))
  const rest = ghost.text->strpart(len(typed))
  if at < len(ghost.before) || empty(rest) || ghost.before .. typed .. ghost.after !=# line || typed .. rest !=# ghost.text
    return false
  endif
  Erase()
  extend(ghost, {before: line->strpart(0, at), text: rest})
  Draw()
  return true
enddef

# The first part of the text: all, a word with the space before it, or a character with its accents.
export def Part(by: string): string
  if by ==# 'all'
    return ghost.text
  endif
  return by ==# 'character' ? ghost.text[0] : ghost.text->matchstr('^\s*\%(\k\+\|\%(\k\|\s\)\@!.\+\)\|^\s\+')
enddef

# How many characters after the cursor give way where a part is inserted: those that the text's end stands for.
export def Gone(part: string): number
  return part ==# ghost.text ? ghost.gone : 0
enddef

# Undo brings lines back with the properties that they had.
export def Clean()
  if !empty(prop_type_get(KIND))
    prop_remove({type: KIND, all: true})
  endif
enddef

def Draw()
  if empty(prop_type_get(KIND))
    Colour()
    prop_type_add(KIND, {highlight: KIND})
  endif
  prop_add(ghost.line, len(ghost.before) + 1, {type: KIND, text: Expanded(ghost.text)})
enddef

# Vim shows a tab in virtual text as one space.
def Expanded(text: string): string
  const [first; others] = text->split("\t", true)
  var [shown, column] = [first, virtcol('.') - 1]
  for part in others
    shown ..= repeat(' ', &tabstop - (column + strdisplaywidth(shown)) % &tabstop) .. part
  endfor
  return shown
enddef

def Erase()
  if bufexists(ghost.buffer) && bufloaded(ghost.buffer)
    prop_remove({type: KIND, all: true, bufnr: ghost.buffer})
  endif
enddef

def Map()
  own = []
  for [action, key] in KEYS->copy()->extend(get(g:, 'elman_keys', {}))->items()
    if !empty(key)
      const mapping = maparg(key, 'i', false, true)
      add(own, {key: key, mapping: get(mapping, 'buffer', 0) ? mapping : {}})
      const literal = key->substitute('<', '\\<lt>', 'g')
      execute $'inoremap <buffer> <nowait> <silent> {key} <Cmd>call elman#Press("{action}", "{literal}")<CR>'
    endif
  endfor
enddef

def Unmap()
  if bufnr() != ghost.buffer
    return
  endif
  for old in own
    if empty(old.mapping)
      execute $'iunmap <buffer> {old.key}'
    else
      mapset('i', false, old.mapping)
    endif
  endfor
enddef
