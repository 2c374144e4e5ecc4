-- `:Elman`: what is typed after it.

local M = {}

--- One line of how things stand: more would stop the editor until a key is pressed.
local function summary(status, obstacle, trouble)
  local parts = { obstacle }
  if not status then
    parts[#parts + 1] = "the language server is not running"
  else
    parts[#parts + 1] = status.state .. ((status.message or "") ~= "" and ": " .. status.message or "")
    parts[#parts + 1] = (status.model or "") ~= "" and "model " .. status.model or nil
    if status.latencyMilliseconds then
      parts[#parts + 1] = ("%s ms, %d shown, %d accepted"):format(status.latencyMilliseconds, status.shown, status.accepted)
      parts[#parts + 1] = ("%d keys saved"):format(status.keysSaved)
    end
  end
  parts[#parts + 1] = trouble and "last trouble: " .. trouble
  return "elman: " .. table.concat(parts, "; ")
end

local function status()
  local messages, server = require("elman.messages"), require("elman.server")
  local obstacle = require("elman.typing").obstacle(0)
  server.status(vim.api.nvim_get_current_buf(), function(answer)
    messages.say(summary(answer, obstacle, messages.last))
  end)
end

local function toggled(on, off, is_on)
  return function()
    local elman = require("elman")
    return (is_on() and off or on)(elman)
  end
end

local function enable(elman) elman.enable() end
local function disable(elman) elman.disable() end
local function buffer_on(elman) elman.buffer(true) end
local function buffer_off(elman) elman.buffer(false) end

local commands = {
  enable = function() enable(require("elman")) end,
  disable = function() disable(require("elman")) end,
  toggle = toggled(enable, disable, function() return require("elman").is_enabled() end),
  restart = function() require("elman").restart() end,
  status = status,
  say = function() require("elman").say() end,
  ask = function() require("elman").ask() end,
  buffer = {
    enable = function() buffer_on(require("elman")) end,
    disable = function() buffer_off(require("elman")) end,
    toggle = toggled(buffer_on, buffer_off, function() return vim.b.elman ~= false end),
  },
}

--- Do what the words say; without any, say how things stand.
function M.run(words)
  local found = commands
  for _, word in ipairs(#words > 0 and words or { "status" }) do
    found = type(found) == "table" and found[word] or nil
  end
  if type(found) == "table" then
    found = found.toggle
  end
  if not found then
    return vim.notify("elman: no such command: " .. table.concat(words, " "), vim.log.levels.ERROR)
  end
  found()
end

function M.complete(lead, line)
  local words = vim.split(line:sub(1, #line - #lead), "%s+", { trimempty = true })
  local found = #words == 2 and commands[words[2]] or #words == 1 and commands
  return vim.tbl_filter(function(name)
    return vim.startswith(name, lead)
  end, type(found) == "table" and vim.fn.sort(vim.tbl_keys(found)) or {})
end

return M
