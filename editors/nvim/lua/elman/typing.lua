-- When to ask, and when a ghost must go: what happens in the editor, event by event.

local api = vim.api
local config = require("elman.config")
local ghost = require("elman.ghost")
local keys = require("elman.keys")
local menus = require("elman.menus")
local server = require("elman.server")
local words = require("elman.words")

local M = {}

local group ---@type integer?
local unasked ---@type integer? the buffer in which someone typed before the server knew it

local vain ---@type table? where nothing was suggested when it was asked last

--- Why nothing is suggested in a buffer (0: the current one), or nil.
function M.obstacle(buffer)
  local options, types = vim.bo[buffer], config.now.filetypes
  if not group then
    return "elman is disabled"
  end
  if options.buftype ~= "" and options.buftype ~= "acwrite" then
    return "the buffer is a " .. options.buftype
  end
  if not options.modifiable or options.readonly then
    return "the buffer is read-only"
  end
  if vim.b[buffer].elman == false then
    return "elman is disabled in this buffer"
  end
  local allowed = types[options.filetype]
  if allowed == nil then
    allowed = types["*"]
  end
  if allowed == false then
    return "elman is disabled for the file type " .. options.filetype
  end
  if options.binary then
    return "the buffer is binary"
  end
  if api.nvim_buf_get_offset(buffer, api.nvim_buf_line_count(buffer)) > config.now.max_bytes then
    return "the buffer has more than max_bytes"
  end
end

--- Insert mode by a person's hand: not what replays, and not what is recorded to be replayed where no ghost is.
local function is_typing()
  return api.nvim_get_mode().mode == "i" and vim.fn.reg_executing() == "" and vim.fn.reg_recording() == ""
end

local function is_in_the_way()
  return config.now.menu == "hide" and menus.is_open()
end

function M.hide()
  unasked = nil
  server.cancel()
  ghost.hide()
end

--- Ask about the cursor. What comes is given to `use`, if the text and the cursor are still the same.
local function ask(is_invoked, use)
  if not is_typing() or is_in_the_way() or M.obstacle(0) then
    return
  end
  local place, tick = ghost.place(), api.nvim_buf_get_changedtick(0)
  server.ask(is_invoked, place, function(items)
    local is_same = api.nvim_get_current_buf() == place.buffer
      and api.nvim_buf_get_changedtick(place.buffer) == tick
      and vim.deep_equal(ghost.place(), place)
    vain = #items == 0 and place or nil
    if is_same and is_typing() and not is_in_the_way() then
      use(place, items)
    end
  end)
end

--- Show what may follow the cursor.
function M.ask(is_invoked)
  ask(is_invoked, ghost.show)
end

local function changed()
  if not is_typing() or is_in_the_way() then
    M.hide()
  elseif not ghost.follow() then
    local buffer = api.nvim_get_current_buf()
    unasked = not server.knows(buffer) and buffer or nil
    M.ask(false)
  end
end

--- Show the next or the previous alternative. The others are asked for with the first.
local function turn(by)
  if #ghost.items() > 1 then
    return ghost.turn(by)
  end
  ask(true, function(_, items)
    if ghost.item() then
      ghost.add(items)
      ghost.turn(by)
    end
  end)
end

local function accept(by, part)
  ghost.accept(part)
  server.tell("elman/accepted", ghost.place(), { text = part, by = by })
end

local acts = {
  accept = function(text)
    accept("all", text)
  end,
  accept_word = function(text)
    accept("word", words.first(text))
  end,
  accept_character = function(text)
    accept("character", words.first_character(text))
  end,
  next = function()
    turn(1)
  end,
  previous = function()
    turn(-1)
  end,
  dismiss = function(text)
    server.tell("elman/dismissed", ghost.place(), { text = text })
    M.hide()
  end,
}

--- Do what a key is for, if there is a ghost that fits the text; whether there was one.
function M.act(name)
  if not ghost.follow() then
    return false
  end
  acts[name](ghost.item().text)
  return true
end

--- Let the server know the current buffer if anything may be suggested there, and otherwise no longer.
local function attach()
  local buffer = api.nvim_get_current_buf()
  if M.obstacle(buffer) then
    server.close(buffer)
  else
    server.open(buffer)
  end
end

--- The server knows a buffer: ask, if someone types there already.
local function ready()
  if unasked == api.nvim_get_current_buf() then
    unasked = nil
    M.ask(false)
  end
end

--- A server that had failed suggests again: ask once more, where it was asked in vain.
local function well()
  if vain and vim.deep_equal(vain, ghost.place()) then
    M.ask(false)
  end
end

local function watch()
  local function on(events, callback)
    api.nvim_create_autocmd(events, { group = group, callback = callback })
  end
  on({ "BufEnter", "FileType", "BufFilePost", "InsertEnter" }, vim.schedule_wrap(attach))
  on({ "TextChangedI", "TextChangedP" }, changed)
  on("CursorMovedI", function()
    if not ghost.follow() then
      ghost.hide()
    end
  end)
  on({ "InsertLeave", "BufLeave", "WinLeave", "CmdlineEnter" }, M.hide)
  on("ModeChanged", function()
    if vim.v.event.new_mode ~= "i" then
      M.hide()
    end
  end)
  menus.watch(group, function()
    if config.now.menu == "hide" then
      M.hide()
    end
  end, vim.schedule_wrap(changed))
end

function M.is_enabled()
  return group ~= nil
end

function M.enable()
  group = api.nvim_create_augroup("elman", { clear = true })
  ghost.on_show = function()
    keys.map(function(name, key)
      if not M.act(name) then
        keys.press(key)
      end
    end)
  end
  ghost.on_hide = keys.unmap
  server.on_ready, server.on_well = ready, well
  watch()
  vim.schedule(attach)
end

function M.disable()
  M.hide()
  if group then
    api.nvim_del_augroup_by_id(group)
  end
  group = nil
  server.stop()
end

return M
