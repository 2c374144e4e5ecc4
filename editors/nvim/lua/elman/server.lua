-- The language server as a process: started with the first buffer, started again a few times if it dies, asked and told.

local api = vim.api
local config = require("elman.config")

local M = {}

local RESTART_MILLISECONDS = 200 -- doubled with each restart
local NO_TROUBLE = { [-32800] = true, [-32801] = true, [-32802] = true } -- the answer was given up: cancelled or outdated

local id ---@type integer?
local process ---@type table? stands for the process of `id`: an end that comes late is another's
local languages = {} ---@type table<integer, string> of the buffers that the server knows, as it was told
local deaths = 0
local pending ---@type integer?
local said = {} ---@type table<string, boolean>

M.on_ready = function(_) end
M.last_trouble = nil ---@type string?

--- Say something in one line, once: a message of several lines would stop the editor until a key is pressed.
function M.say(text, level)
  if said[text] then
    return
  end
  said[text] = true
  M.last_trouble = text
  local line = ("elman: " .. text):gsub("%s+", " ")
  local room = math.max(vim.v.echospace, 20)
  if vim.fn.strdisplaywidth(line) > room then
    line = vim.fn.strcharpart(line, 0, room - 1) .. "…"
  end
  vim.notify(line, level or vim.log.levels.WARN)
end

function M.client()
  local client = id and vim.lsp.get_client_by_id(id)
  return client and client.initialized and not client.is_stopped(client) and client or nil
end

--- Neovim 0.10 binds a client's functions, and later versions have methods.
local function call(client, name, ...)
  if vim.fn.has("nvim-0.11") == 1 then
    return client[name](client, ...)
  end
  return client[name](...)
end

local function start_again()
  for buffer in pairs(languages) do
    languages[buffer] = nil
    if api.nvim_buf_is_loaded(buffer) then
      M.attach(buffer)
    end
  end
end

--- The process has ended without being asked to.
local function ended(code, signal)
  id, process, pending = nil, nil, nil
  deaths = deaths + 1
  local how = ("the language server ended (code %d, signal %d)"):format(code, signal)
  if deaths > config.now.restarts then
    return M.say(how .. " and is not started again; `:Elman restart` does")
  end
  M.say("the language server ended and is started again (at most " .. config.now.restarts .. " times)")
  vim.defer_fn(start_again, RESTART_MILLISECONDS * 2 ^ (deaths - 1))
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
  all.textDocument.inlineCompletion = { dynamicRegistration = false }
  return all
end

local function show_message(_, message)
  M.say(message.message, message.type == 1 and vim.log.levels.ERROR or vim.log.levels.WARN)
  return vim.NIL
end

--- An empty table would travel as a list.
local function settings()
  return vim.tbl_isempty(config.now.settings) and vim.empty_dict() or config.now.settings
end

local function description()
  return {
    name = "elman",
    cmd = spawn,
    capabilities = capabilities(),
    init_options = settings(),
    settings = { elman = settings() },
    handlers = { ["window/showMessage"] = show_message },
    on_attach = function(_, buffer)
      M.on_ready(buffer)
    end,
  }
end

--- Unnamed buffers share one address, so the server knows one of them at a time.
local function detach_other_unnamed(buffer)
  for other in pairs(languages) do
    if other ~= buffer and api.nvim_buf_is_valid(other) and api.nvim_buf_get_name(other) == "" then
      M.detach(other)
    end
  end
end

--- Let the server know a buffer, in the language that it has now.
function M.attach(buffer)
  local language = vim.bo[buffer].filetype
  if languages[buffer] == language then
    return
  end
  if vim.fn.executable(config.now.cmd[1]) == 0 then
    return M.say("there is no command " .. config.now.cmd[1] .. "; `:checkhealth elman` says more")
  end
  if deaths > config.now.restarts then
    return
  end
  M.detach(buffer)
  if api.nvim_buf_get_name(buffer) == "" then
    detach_other_unnamed(buffer)
  end
  languages[buffer] = language
  id = vim.lsp.start(description(), {
    bufnr = buffer,
    reuse_client = function(client)
      return client.id == id
    end,
  })
end

function M.detach(buffer)
  if languages[buffer] and id and vim.lsp.buf_is_attached(buffer, id) then
    vim.lsp.buf_detach_client(buffer, id)
  end
  languages[buffer] = nil
end

function M.is_attached(buffer)
  return M.client() ~= nil and vim.lsp.buf_is_attached(buffer, id)
end

function M.stop()
  local client = id and vim.lsp.get_client_by_id(id)
  id, process, pending, deaths, said, languages = nil, nil, nil, 0, {}, {}
  if client then
    call(client, "stop")
  end
end

--- What is asked about, at the cursor of the current window.
local function position(client)
  return vim.lsp.util.make_position_params(0, client.offset_encoding)
end

--- How many bytes so many units of the server's encoding have at the start of a text.
local function bytes(text, units, encoding)
  if encoding == "utf-8" then
    return units
  end
  return vim.fn.byteidx(text, units, encoding == "utf-16")
end

local function items(result, params, after, encoding)
  local list = {}
  for _, item in ipairs(result.items or result) do
    local replaced = item.range and item.range["end"].character - params.position.character or 0
    list[#list + 1] = { text = item.insertText, replaced = bytes(after, replaced, encoding) }
  end
  return list
end

function M.cancel()
  local client = M.client()
  if client and pending then
    call(client, "cancel_request", pending)
  end
  pending = nil
end

function M.is_waiting()
  return pending ~= nil
end

--- Ask for what may follow the cursor, and give up what was asked before. The answer's items go to `answer`.
function M.ask(is_invoked, place, answer)
  local client = M.client()
  M.cancel()
  if not client or not M.is_attached(place.buffer) then
    return
  end
  local params = position(client)
  params.context = { triggerKind = is_invoked and 1 or 2 }
  local request
  local _, number = call(client, "request", "textDocument/inlineCompletion", params, function(trouble, result)
    if pending == request then
      pending = nil
    end
    if trouble and not NO_TROUBLE[trouble.code] then
      return M.say(trouble.message)
    end
    answer(items(result or {}, params, place.after, client.offset_encoding))
  end, place.buffer)
  request = number
  pending = number
end

--- Tell what became of a ghost: `elman/accepted` or `elman/dismissed`.
function M.tell(method, more)
  local client = M.client()
  if client then
    call(client, "notify", method, vim.tbl_extend("force", position(client), more))
  end
end

--- Send the settings anew.
function M.configure()
  local client = M.client()
  if client then
    client.settings = { elman = settings() }
    call(client, "notify", "workspace/didChangeConfiguration", { settings = client.settings })
  end
end

--- The server's `elman/status` about the current buffer is given to `answer`; nil where no server runs.
function M.status(answer)
  local client = M.client()
  if not client then
    return answer(nil)
  end
  local params = { textDocument = vim.lsp.util.make_text_document_params() }
  call(client, "request", "elman/status", params, function(_, result)
    answer(result)
  end)
end

return M
