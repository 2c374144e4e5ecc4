vim9script
# The language server's process: started when it is first needed, asked without ever waiting, started again when it
# ends, a few times at most. Knows nothing of buffers.

const WITHIN_SECONDS = 600

var process: any = null  # the job
var state = 'off'  # off, starting, ready, failed
var restarts: list<number> = []  # when, in seconds
var last_words = ''  # what the process last said on standard error
var settings: dict<any> = {}  # as the server has them
var Ready: func()  # called once the server can be told of documents
var Well: func()  # called when what could suggest nothing may suggest again
var said: dict<bool> = {}

export def State(): string
  return state
enddef

# Starts the process unless it runs or has failed; `OnReady` is called when it can be told of documents, `OnWell` when
# what could suggest nothing may suggest again.
export def Start(OnReady: func(), OnWell: func())
  if state !=# 'off'
    return
  endif
  const command: list<string> = get(g:, 'elman_command', ['elman', 'lsp'])
  if !executable(command[0])
    Fail($'{command[0]} is not there to be run: install elman[lsp], or set g:elman_command')
    return
  endif
  [state, Ready, Well, last_words] = ['starting', OnReady, OnWell, '']
  process = job_start(command, {
    in_mode: 'lsp', out_mode: 'lsp', err_mode: 'nl', noblock: 1,
    out_cb: Heard, err_cb: (_, line) => Noted(line), exit_cb: Ended,
  })
  Initialize()
enddef

# The process ends by itself, and by force where it does not; meanwhile another may start.
export def Stop()
  if state ==# 'starting' || state ==# 'ready'
    const ending: job = process
    Request('shutdown', null, (_) => 0)
    Send({method: 'exit'})
    timer_start(2000, (_) => job_stop(ending, 'kill'))
    [state, process] = ['off', null]
  endif
enddef

# Whoever enables elman anew wants it tried anew.
export def Forgive()
  restarts = []
  said = {}
  if state ==# 'failed'
    state = 'off'
  endif
enddef

export def Notify(method: string, params: dict<any>)
  if state ==# 'ready'
    Send({method: method, params: params})
  endif
enddef

# The number to cancel by, 0 where nothing could be asked. `Answered` gets the result, or null for an error.
export def Request(method: string, params: any, Answered: func): number
  const sent = Send({method: method, params: params}, {callback: (_, reply) => Answered(get(reply, 'result', null))})
  return get(sent, 'id', 0)
enddef

export def Cancel(request: number)
  if request > 0
    Notify('$/cancelRequest', {id: request})
  endif
enddef

# Settings are told where they changed.
export def Configure()
  final wanted: dict<any> = get(g:, 'elman_settings', {})
  if settings !=# wanted
    settings = deepcopy(wanted)
    Notify('workspace/didChangeConfiguration', {settings: {elman: settings}})
  endif
enddef

# Each kind of trouble is said once.
export def Say(message: string)
  if !has_key(said, message)
    said[message] = true
    echohl WarningMsg
    echomsg $'elman: {message}'
    echohl None
  endif
enddef

def Initialize()
  settings = deepcopy(get(g:, 'elman_settings', {}))
  Request('initialize', {
    processId: getpid(),
    clientInfo: {name: 'Vim', version: string(v:versionlong)},
    rootUri: null,
    capabilities: {
      general: {positionEncodings: ['utf-16']},
      textDocument: {inlineCompletion: {}, synchronization: {}},
    },
    initializationOptions: settings,
  }, (_) => Initialized())
enddef

def Initialized()
  if state ==# 'starting'
    state = 'ready'
    Notify('initialized', {})
    Ready()
  endif
enddef

def Send(message: dict<any>, options: dict<any> = {}): dict<any>
  var sent: any
  try
    sent = ch_sendexpr(process, message, options)
  catch /^Vim\%((\S\+)\)\=:E\%(630\|631\|906\):/  # it ended: Ended() is on its way
  endtry
  return type(sent) == v:t_dict ? sent : {}
enddef

def Heard(_, message: dict<any>)
  const method = get(message, 'method', '')
  if method ==# 'window/showMessage'
    Say(InOneLine(message.params.message->substitute('^elman: ', '', '')))
  elseif method ==# '$/elman/status'
    if message.params.state ==# 'ready'
      Well()
    endif
  elseif has_key(message, 'id')
    Send({id: message.id, result: null})
  endif
enddef

# What is longer would stop Vim until a key is pressed; `:Elman status` says all of it.
def InOneLine(message: string): string
  return strcharpart(message, 0, max([v:echospace - strlen('elman: '), 20]))
enddef

def Noted(line: string)
  last_words = line
enddef

def Ended(ended: job, code: number)
  if ended == process
    Restart(code)
  endif
enddef

def Restart(code: number)
  restarts = restarts->filter((_, time) => time > localtime() - WITHIN_SECONDS)
  if len(restarts) >= get(g:, 'elman_restarts', 3)
    Fail($'the server ended once more ({code}); `:Elman enable` tries again. {last_words}')
    return
  endif
  add(restarts, localtime())
  state = 'off'
  Say('the server ended and is started again')
  Start(Ready, Well)
enddef

def Fail(message: string)
  state = 'failed'
  Say(message)
enddef
