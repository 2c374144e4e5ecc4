-- The ghost: what is suggested after the cursor, how it is drawn, and whether it still fits the text. Knows no server.
--
--   def add(self, ot|her):|)        before | text | after; of after, text holds ")" again, which is `replaced`
--
-- A ghost belongs to one place: a buffer, a row, and that row's text before and after the cursor. Whatever else the row
-- says, the ghost is wrong there, and nothing shows or inserts it.

local api = vim.api

local M = {}

local namespace = api.nvim_create_namespace("elman")

---@class elman.Item
---@field text string
---@field replaced integer how many bytes after the cursor the text holds again

---@class elman.Ghost
---@field buffer integer
---@field row integer
---@field before string
---@field after string
---@field items elman.Item[] best first; each goes on from the cursor
---@field index integer

---@type elman.Ghost?
local ghost

M.on_show = function() end
M.on_hide = function() end

--- The place of the cursor: what a ghost belongs to.
function M.place()
  local row, column = unpack(api.nvim_win_get_cursor(0))
  local line = api.nvim_get_current_line()
  return {
    buffer = api.nvim_get_current_buf(),
    row = row - 1,
    before = line:sub(1, column),
    after = line:sub(column + 1),
  }
end

--- Where in the text each of the replaced characters stands, in order; nil where the text does not hold them all.
local function borders(text, replaced)
  local found, from = {}, 1
  for _, character in ipairs(vim.fn.split(replaced, [[\zs]])) do
    local first, last = text:find(character, from, true)
    if not first then
      return nil
    end
    found[#found + 1] = { first, last }
    from = last + 1
  end
  return found
end

--- Tabs as the spaces that they would take at this column: virtual text has no tab stops.
local function with_spaces(text, column)
  return (text:gsub("()\t", function(at)
    local shown = vim.fn.strdisplaywidth(text:sub(1, at - 1), column)
    return (" "):rep(vim.fn.strdisplaywidth("\t", column + shown))
  end))
end

--- Draw the text around the characters that it holds again, which stand in the buffer already.
local function draw()
  api.nvim_buf_clear_namespace(ghost.buffer, namespace, 0, -1)
  local item = ghost.items[ghost.index]
  local replaced = ghost.after:sub(1, item.replaced)
  local column = vim.fn.strdisplaywidth(ghost.before)
  local from, at = 1, #ghost.before
  local function chunk(last)
    if last >= from then
      api.nvim_buf_set_extmark(ghost.buffer, namespace, ghost.row, at, {
        virt_text = { { with_spaces(item.text:sub(from, last), column), "ElmanGhost" } },
        virt_text_pos = "inline",
        hl_mode = "replace",
      })
    end
  end
  for _, border in ipairs(borders(item.text, replaced) or {}) do
    chunk(border[1] - 1)
    from, at = border[2] + 1, at + border[2] - border[1] + 1
  end
  chunk(#item.text)
end

--- Whether an item can be shown there: something to be seen, around the characters that it holds again.
local function fits(place, item)
  return item.text:find("%S") ~= nil and borders(item.text, place.after:sub(1, item.replaced)) ~= nil
end

--- Show the items at this place, the one with that index first; without any that fits, hide.
function M.show(place, items, index)
  items = vim.tbl_filter(function(item)
    return fits(place, item)
  end, items)
  if #items == 0 then
    return M.hide()
  end
  local is_new = ghost == nil
  ghost = vim.tbl_extend("force", place, { items = items, index = math.min(index or 1, #items) })
  draw()
  if is_new then
    M.on_show()
  end
end

function M.hide()
  if not ghost then
    return
  end
  if api.nvim_buf_is_valid(ghost.buffer) then
    api.nvim_buf_clear_namespace(ghost.buffer, namespace, 0, -1)
  end
  ghost = nil
  M.on_hide()
end

--- What is shown, or nil.
function M.item()
  return ghost and ghost.items[ghost.index]
end

function M.items()
  return ghost and ghost.items or {}
end

--- Beside what is shown, have the others that say something else.
function M.add(items)
  local known = { [M.item().text] = true }
  local all = { M.item() }
  for _, item in ipairs(items) do
    if not known[item.text] and fits(ghost, item) then
      known[item.text] = true
      all[#all + 1] = item
    end
  end
  ghost.items, ghost.index = all, 1
end

--- Show the item so many further on, around the end.
function M.turn(by)
  ghost.index = (ghost.index - 1 + by) % #ghost.items + 1
  draw()
end

--- What is left of an item once the text goes on by what was typed and lost what was typed over; nil if it says otherwise.
local function rest(item, typed, lost)
  if lost <= item.replaced and vim.startswith(item.text, typed) then
    return { text = item.text:sub(#typed + 1), replaced = item.replaced - lost }
  end
end

--- Whether the ghost still fits the text at the cursor. What was typed as it says is taken off it; otherwise it is hidden.
function M.follow()
  if not ghost then
    return false
  end
  local place = M.place()
  local lost = #ghost.after - #place.after
  local goes_on = place.buffer == ghost.buffer
    and place.row == ghost.row
    and vim.startswith(place.before, ghost.before)
    and lost >= 0
    and ghost.after:sub(lost + 1) == place.after
  local typed = goes_on and place.before:sub(#ghost.before + 1)
  if typed == "" and lost == 0 then
    return true
  end
  local shown = goes_on and rest(M.item(), typed, lost)
  if not shown or not fits(place, shown) then
    M.hide()
    return false
  end
  local items, index = {}, 1
  for at, item in ipairs(ghost.items) do
    items[#items + 1] = rest(item, typed, lost)
    index = at == ghost.index and #items or index
  end
  M.show(place, items, index)
  return true
end

--- Take a part of the shown text into the buffer: it is one step of undo, and `.` repeats it with what was typed.
function M.accept(part)
  local place, item = M.place(), M.item()
  local lost = 0
  for _, border in ipairs(borders(item.text, place.after:sub(1, item.replaced)) or {}) do
    lost = lost + (border[2] <= #part and border[2] - border[1] + 1 or 0)
  end
  vim.cmd("let &undolevels = &undolevels") -- closes the step of undo
  require("elman.insertion").insert(part)
  if lost > 0 then
    local column = #place.before + #part
    api.nvim_buf_set_text(place.buffer, place.row, column, place.row, column + lost, {})
  end
  M.follow()
end

return M
