-- What a person's configuration calls. `:help elman`.

local config = require("elman.config")
local ghost = require("elman.ghost")
local messages = require("elman.messages")
local server = require("elman.server")
local typing = require("elman.typing")

local M = {}

local function map_ask()
  for _, key in ipairs(type(config.now.keys.ask) == "table" and config.now.keys.ask or { config.now.keys.ask or nil }) do
    vim.keymap.set("i", key, M.ask, { desc = "elman: ask" })
  end
end

--- Ghosts look as comments do; Neovim's own comments have no colour of their own where a terminal has no true ones.
local function colour_ghosts()
  local comment = vim.api.nvim_get_hl(0, { name = "Comment", link = false })
  local ghost = comment.ctermfg and { link = "Comment" } or vim.tbl_extend("force", comment, { ctermfg = 244 })
  vim.api.nvim_set_hl(0, "ElmanGhost", vim.tbl_extend("force", ghost, { default = true }))
end

--- Take the options and begin, unless they say `enabled = false`. Called again, the new options hold from then on.
function M.setup(options)
  local command = config.now.cmd
  config.take(options)
  colour_ghosts()
  vim.api.nvim_create_autocmd("ColorScheme", {
    group = vim.api.nvim_create_augroup("ElmanGhost", {}),
    callback = colour_ghosts,
  })
  map_ask()
  if not config.now.enabled or not vim.deep_equal(command, config.now.cmd) then
    typing.disable()
  end
  if config.now.enabled then
    typing.enable()
    server.configure()
  end
end

M.enable, M.disable, M.is_enabled = typing.enable, typing.disable, typing.is_enabled

--- Ask for alternatives at the cursor.
function M.ask()
  typing.ask(true)
end

--- What is suggested now, or nil.
function M.text()
  local item = ghost.item()
  return item and item.text
end

--- Each does its work and says true, if a ghost is visible.
for _, name in ipairs({ "accept", "accept_word", "accept_character", "next", "previous", "dismiss" }) do
  M[name] = function()
    return typing.act(name)
  end
end

--- Say what is suggested, for screen readers: a ghost is never announced by itself.
function M.say()
  messages.say(M.text() or "nothing is suggested")
end

--- Forget how often the server died, and start it anew.
function M.restart()
  typing.disable()
  typing.enable()
end

--- Enable or disable the current buffer.
function M.buffer(is_enabled)
  vim.b.elman = is_enabled
  typing.hide()
  if is_enabled then
    vim.api.nvim_exec_autocmds("BufEnter", { group = "elman", buffer = 0 })
  else
    server.close(vim.api.nvim_get_current_buf())
  end
end

return M
