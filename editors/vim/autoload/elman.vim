vim9script
# What happens in the buffer at hand: when to ask, what to make of the answer, and what keys and commands do.

import autoload 'elman/document.vim'
import autoload 'elman/ghost.vim'
import autoload 'elman/server.vim'

const INVOKED = 1
const AUTOMATIC = 2

var asked = 0  # the newest request
var question = 0  # how many were asked
var is_late = false  # the newest has no answer yet
var vain: list<number> = []  # where nothing was suggested when it was asked last
var before: list<number> = []  # buffer, lines, line and its length, as they were at the last key

export def Command(arguments: list<string>)
  const [verb, scope] = [arguments[0], get(arguments, 1, 'global')]
  final settings: dict<any> = scope ==# 'buffer' ? b: : g:
  if verb ==# 'status'
    Status()
  elseif index(['enable', 'disable', 'toggle'], verb) >= 0 && index(['global', 'buffer'], scope) >= 0
    Switch(settings, verb ==# 'toggle' ? !get(settings, 'elman_enabled', true) : verb ==# 'enable')
  else
    echoerr 'elman: enable, disable, toggle or status; behind the first three, buffer'
  endif
enddef

export def Complete(_, line: string, _): list<string>
  return line =~# '\s\(enable\|disable\|toggle\)\s' ? ['buffer'] : ['enable', 'disable', 'toggle', 'status']
enddef

# The buffer will be edited, perhaps: the server reads it while nobody waits.
export def Expect()
  augroup elman_calm
    autocmd!
    autocmd SafeState * ++once call elman#Prepare()
  augroup END
enddef

export def Prepare()
  if empty(Refusal())
    server.Start(Ready, Again)
    if server.State() ==# 'ready'
      document.Tell()
    endif
  endif
enddef

export def Entered()
  before = Extent()
enddef

export def Changed()
  const [old, new] = [before, Extent()]
  before = new
  if !IsMoment() || !empty(Refusal())
    Hide()
  elseif !ghost.IsFollowed()
    Hide()
    if !IsShorter(old, new)
      Ask(AUTOMATIC)
    endif
  endif
enddef

# A cursor that moved with the text is Changed()'s.
export def Moved()
  if ghost.IsShown() && !ghost.IsHere() && before == Extent()
    Hide()
  endif
enddef

export def Hide()
  server.Cancel(asked)
  asked = 0
  is_late = false
  ghost.Hide()
enddef

# Whether an answer is on its way, for a status line.
export def IsWaiting(): bool
  return is_late
enddef

# Undo and redo, outside of Insert mode.
export def Undone()
  ghost.Clean()
enddef

export def Forget(buffer: number)
  document.Close(buffer)
enddef

export def Colour()
  ghost.Colour()
enddef

# What a key does: it acts on what is shown. Where keys came faster than the screen, what is shown may belong to an
# older text; the key then does what it did before.
export def Press(action: string, key: string = '')
  if !empty(key) && !ghost.IsFollowed()
    Hide()
    feedkeys(key, 'i')
  else
    ACTIONS[action]()
  endif
enddef

# A part is one change, to undo and to repeat. It goes in as if typed, but for mappings, abbreviations and 'expandtab'.
def Accept(by: string)
  if ghost.IsFollowed()
    const part = ghost.Part(by)
    server.Notify('elman/accepted', {textDocument: {uri: document.Tell()}, text: part, by: by})
    const gone = repeat("\<Del>", ghost.Gone(part))
    const keys = part->substitute('[[:cntrl:]]', "\<C-V>\\0", 'g')
    feedkeys($"\<C-G>u{gone}{keys}\<C-G>u", 'ni')
  endif
enddef

# Shows another alternative, or the first where nothing is shown.
def Turn(step: number)
  if IsMoment() && empty(Refusal())
    Ask(INVOKED, step)
  endif
enddef

def Dismiss()
  if ghost.IsShown()
    server.Notify('elman/dismissed', {
      textDocument: {uri: document.Tell()}, position: Position(), text: ghost.Text(),
    })
    Hide()
  endif
enddef

# For those who hear the screen: only on demand, and in a popup, for Vim's mode covers what is echoed.
def Say()
  popup_notification(ghost.IsShown() ? ghost.Text() : 'elman: nothing is suggested', {})
enddef

def Switch(settings: dict<any>, is_on: bool)
  settings.elman_enabled = is_on
  if is_on
    server.Forgive()
    Prepare()
    return
  endif
  Hide()
  if settings is g:
    server.Stop()
    document.Reset()
  else
    document.Close(bufnr())
  endif
enddef

def Status()
  const refusal = Refusal()
  if !empty(refusal) || server.State() !=# 'ready'
    echo $'elman: {refusal ?? server.State()}'
  else
    server.Request('elman/status', {textDocument: {uri: document.Tell()}}, (status) => Report(status))
  endif
enddef

def Report(status: any)
  if type(status) != v:t_dict
    echo $'elman: {server.State()}'
    return
  endif
  const parts = [status.state, status.model, status.message]->filter((_, part) => !empty(part))
  const figures = status.latencyMilliseconds == null ? ''
    : printf('; last answer in %s ms, %s keys saved', status.latencyMilliseconds, status.keysSaved)
  const text = $"elman: {parts->join(', ')}{figures}"
  if strdisplaywidth(text) <= v:echospace
    echo text
  else # of what is longer, nothing would stay on the screen
    popup_notification(text, {time: 10000, moved: 'any'})
  endif
enddef

# Why nothing is ever suggested in this buffer; empty where something may be.
def Refusal(): string
  const types: dict<any> = get(g:, 'elman_filetypes', {})
  if !get(g:, 'elman_enabled', true)
    return 'off'
  elseif !get(b:, 'elman_enabled', true)
    return 'off in this buffer'
  elseif !get(types, &filetype, get(types, '*', true))
    return $'off for the file type {&filetype}'
  elseif index(['', 'acwrite'], &buftype) < 0
    return $'off where the buffer is of the type {&buftype}'
  elseif &readonly || !&modifiable || &binary
    return 'off in what is read-only or binary'
  elseif line2byte(line('$') + 1) > get(g:, 'elman_max_bytes', 16 * 1024 * 1024)
    return 'off in a buffer of so many bytes'
  endif
  return ''
enddef

# Whether a suggestion may be shown now: while one types, and neither a menu nor a macro is at work.
def IsMoment(): bool
  return mode(1) ==# 'i' && !&paste && !pumvisible() && empty(reg_recording()) && empty(reg_executing())
enddef

def Extent(): list<number>
  return [bufnr(), line('$'), line('.'), len(getline('.'))]
enddef

# Whether text was deleted.
def IsShorter(old: list<number>, new: list<number>): bool
  return old[0] == new[0] && (new[1] < old[1] || new[1 : 2] == old[1 : 2] && new[3] < old[3])
enddef

def Position(): dict<number>
  return document.Position(line('.'), getline('.')->strpart(0, col('.') - 1))
enddef

def Ready()
  document.Reset()
  Prepare()
  if is_late && IsMoment()
    Ask(AUTOMATIC)
  endif
enddef

# A server that had failed suggests again: ask once more, where it was asked in vain.
def Again()
  if vain == Here() && IsMoment() && empty(Refusal())
    Ask(AUTOMATIC)
  endif
enddef

def Ask(trigger: number, step: number = 0)
  server.Start(Ready, Again)
  is_late = true
  if server.State() !=# 'ready'
    return
  endif
  server.Configure()
  server.Cancel(asked)
  question += 1
  const [number, here] = [question, Here()]
  asked = server.Request('textDocument/inlineCompletion', {
    textDocument: {uri: document.Tell()},
    position: Position(),
    context: {triggerKind: trigger},
  }, (answer) => Answered(number, answer, here, step))
enddef

def Here(): list<number>
  return [bufnr(), b:changedtick, line('.'), col('.')]
enddef

# An answer about an older text, or for another place, is none.
def Answered(number: number, answer: any, here: list<number>, step: number)
  if number != question
    return
  endif
  [asked, is_late] = [0, false]
  const items: list<any> = type(answer) == v:t_dict ? answer.items : answer ?? []
  vain = empty(items) ? here : []
  if empty(items) || here != Here() || !IsMoment()
    return
  endif
  const now = items->copy()->map((_, item) => item.insertText)->index(ghost.Text())
  const item = items[(now < 0 ? min([step, 0]) : now + step) % len(items)]
  ghost.Show(item.insertText, Gone(item))
enddef

# How many characters after the cursor the item puts its own end in the place of.
def Gone(item: dict<any>): number
  const after = getline('.')->strpart(col('.') - 1)
  const units = item.range.end.character - Position().character
  var gone = 0
  while gone < strchars(after) && document.Units(after->slice(0, gone)) < units
    gone += 1
  endwhile
  return gone
enddef

# Last, for it names what stands above.
const ACTIONS = {
  accept: () => Accept('all'),
  'accept-word': () => Accept('word'),
  'accept-character': () => Accept('character'),
  next: () => Turn(1),
  previous: () => Turn(-1),
  dismiss: Dismiss,
  say: Say,
}
