-- The language server as a process: started with the first buffer, started again a few times if it dies, asked and told.

local api = vim.api
local config = require("elman.config")
local documents = require("elman.documents")
local messages = require("elman.messages")

local M = {}

local RESTART_MILLISECONDS = 200 -- doubled with each restart
local NO_TROUBLE = { [-32800] = true, [-32801] = true, [-32802] = true } -- the answer was given up: cancelled or outdated

local client ---@type vim.lsp.Client?
local process ---@type table? stands for the process of `client`: an end that comes late is another's
local wanted = {} ---@type table<integer, true> buffers to be told once the server is ready
local deaths = 0
local pending ---@type integer?

M.on_ready = function() end -- the server knows one more buffer
M.on_well = function() end -- what could suggest nothing may suggest again

function M.is_ready()
  return client ~= nil and client.initialized == true
end

--- Neovim 0.10 binds a client's functions, and later versions have methods.
local function call(name, ...)
  if vim.fn.has("nvim-0.11") == 1 then
    return client[name](client, ...)
  end
  return client[name](...)
end

documents.notify = function(method, params)
  if M.is_ready() then
    call("notify", method, params)
  end
end

--- The process has ended without being asked to.
local function ended(code, signal)
  client, process, pending = nil, nil, nil
  deaths = deaths + 1
  local buffers = vim.list_extend(documents.forget(), vim.tbl_keys(wanted))
  wanted = {}
  if deaths > config.now.restarts then
    return messages.trouble(("the language server ended (code %d, signal %d); `:Elman restart` starts it"):format(code, signal))
  end
  messages.trouble(("the language server ended and is started again, %d times at most"):format(config.now.restarts))
  vim.defer_fn(function()
    vim.iter(buffers):filter(api.nvim_buf_is_loaded):each(M.open)
  end, RESTART_MILLISECONDS * 2 ^ (deaths - 1))
end

--- Start the process. Its end is told by `ended` alone: Neovim's own message would come each time.
local function spawn(dispatchers)
  local this, tell = {}, dispatchers.on_exit
  process = this
  dispatchers.on_exit = function(code, signal)
    vim.schedule(function()
      if process == this and vim.v.exiting == vim.NIL then
        ended(code, signal)
      end
    end)
    tell(0, 0)
  end
  return vim.lsp.rpc.start(config.now.cmd, dispatchers)
end

local function capabilities()
  local all = vim.lsp.protocol.make_client_capabilities()
  all.general.positionEncodings = { "utf-8", "utf-16" }
  all.textDocument.inlineCompletion = { dynamicRegistration = false }
  return all
end

--- An empty table would travel as a list.
local function settings()
  return vim.tbl_isempty(config.now.settings) and vim.empty_dict() or config.now.settings
end

local function ready(of)
  if of.offset_encoding ~= "utf-8" then
    messages.trouble("the language server counts characters in " .. of.offset_encoding .. ", not in bytes: is it elman's?")
    return M.stop()
  end
  local buffers = vim.tbl_keys(wanted)
  wanted = {}
  vim.iter(buffers):filter(api.nvim_buf_is_loaded):each(documents.open)
  M.on_ready()
end

local function show_message(_, message)
  local text = message.message:gsub("^elman: ", "")
  messages.trouble(text, message.type == 1 and vim.log.levels.ERROR or vim.log.levels.WARN)
  return vim.NIL
end

local function note_status(_, status)
  if status.state == "ready" then
    M.on_well()
  end
end

local function start()
  if vim.fn.executable(config.now.cmd[1]) == 0 then
    return messages.trouble("there is no command " .. config.now.cmd[1] .. "; `:checkhealth elman` says more")
  end
  local description = {
    name = "elman",
    cmd = spawn,
    capabilities = capabilities(),
    init_options = settings(),
    settings = { elman = settings() },
    handlers = { ["window/showMessage"] = show_message, ["$/elman/status"] = note_status },
    on_init = vim.schedule_wrap(ready),
  }
  local id
  if vim.fn.has("nvim-0.11") == 1 then
    id = vim.lsp.start(description, {
      attach = false,
      reuse_client = function()
        return false
      end,
    })
  else
    id = vim.lsp.start_client(description)
  end
  client = id and vim.lsp.get_client_by_id(id)
end

--- Let the server know a buffer, in the language that it has now; start it for the first.
function M.open(buffer)
  if not client and deaths <= config.now.restarts then
    start()
  end
  if not M.is_ready() then
    wanted[buffer] = true
  elseif not documents.is_open(buffer) then
    documents.close(buffer)
    documents.open(buffer)
    M.on_ready()
  end
end

function M.close(buffer)
  wanted[buffer] = nil
  documents.close(buffer)
end

function M.knows(buffer)
  return M.is_ready() and documents.is_open(buffer)
end

function M.stop()
  documents.forget()
  if client then
    call("stop")
  end
  client, process, pending, deaths, wanted = nil, nil, nil, 0, {}
  messages.forget()
end

function M.cancel()
  if M.is_ready() and pending then
    call("cancel_request", pending)
  end
  pending = nil
end

function M.is_waiting()
  return pending ~= nil
end

local function params_at(place)
  return {
    textDocument = { uri = documents.uri(place.buffer) },
    position = { line = place.row, character = #place.before },
  }
end

local function items_of(result, place)
  return vim.tbl_map(function(item)
    return { text = item.insertText, replaced = item.range and item.range["end"].character - #place.before or 0 }
  end, result and (result.items or result) or {})
end

--- Ask for what may stand at a place, and give up what was asked before. The items go to `answer`.
function M.ask(is_invoked, place, answer)
  M.cancel()
  if not M.knows(place.buffer) then
    return
  end
  documents.flush(place.buffer)
  local params = params_at(place)
  params.context = { triggerKind = is_invoked and 1 or 2 }
  local this
  _, this = call("request", "textDocument/inlineCompletion", params, function(trouble, result)
    if pending ~= this then
      return
    end
    pending = nil
    if trouble and not NO_TROUBLE[trouble.code] then
      return messages.trouble(trouble.message)
    end
    answer(items_of(result, place))
  end, place.buffer)
  pending = this
end

--- Tell what became of a ghost at a place: `elman/accepted` or `elman/dismissed`.
function M.tell(method, place, more)
  if M.knows(place.buffer) then
    documents.flush(place.buffer)
    call("notify", method, vim.tbl_extend("force", params_at(place), more))
  end
end

--- Send the settings anew.
function M.configure()
  if M.is_ready() then
    client.settings = { elman = settings() }
    call("notify", "workspace/didChangeConfiguration", { settings = client.settings })
  end
end

--- Give `answer` the server's `elman/status` about a buffer; nil where there is none.
function M.status(buffer, answer)
  if not M.is_ready() then
    return answer(nil)
  end
  local uri = documents.uri(buffer)
  local params = uri and { textDocument = { uri = uri } } or vim.empty_dict()
  call("request", "elman/status", params, function(_, result)
    answer(result)
  end, buffer)
end

return M
