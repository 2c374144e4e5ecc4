-- What the language server knows of each buffer's text, and the difference to what is there now.
--
-- Neovim's own synchronisation is not used: it has one address for all buffers without a name, sends no more changes of a
-- buffer that changed while no server knew it, and copies all lines for each change.

local api = vim.api

local M = {}

---@class elman.Document
---@field uri string
---@field language string
---@field version integer
---@field lines string[] as the server knows them
---@field change? { first: integer, old: integer, new: integer } lines from first to old became those from first to new

local open = {} ---@type table<integer, elman.Document>

--- How a message is sent; set by who has a server.
M.notify = function(_, _) end

local function uri_of(buffer)
  local name = api.nvim_buf_get_name(buffer)
  return name == "" and ("untitled:Untitled-%d"):format(buffer) or vim.uri_from_bufnr(buffer)
end

local CHARACTERS = { -- of more than one byte, as UTF-8 has them
  "[\194-\223][\128-\191]",
  "\224[\160-\191][\128-\191]",
  "[\225-\236\238\239][\128-\191][\128-\191]",
  "\237[\128-\159][\128-\191]",
  "\240[\144-\191][\128-\191][\128-\191]",
  "[\241-\243][\128-\191][\128-\191][\128-\191]",
  "\244[\128-\143][\128-\191][\128-\191]",
}

--- A line as text of as many bytes: Neovim shows NUL as a line feed, and bytes that are no text cannot travel.
local function text_of_line(line)
  line = line:gsub("\n", "\0")
  local rest = line
  for _, character in ipairs(CHARACTERS) do
    rest = rest:gsub(character, " ")
  end
  return rest:find("[\128-\255]") and line:gsub("[\128-\255]", "?") or line
end

--- Whether it is all ASCII without NUL. (This loop is compiled, and a pattern takes fifty times as long.)
local function is_plain(line)
  for at = 1, #line do
    local byte = line:byte(at)
    if byte > 127 or byte == 10 then
      return false
    end
  end
  return true
end

local function lines_of(buffer, first, last)
  local lines = api.nvim_buf_get_lines(buffer, first, last, true)
  for at, line in ipairs(lines) do
    if not is_plain(line) then
      lines[at] = text_of_line(line)
    end
  end
  return lines
end

--- Add a change to those that the server was not told.
local function note(document, first, old, new)
  local before = document.change
  if not before then
    document.change = { first = first, old = old, new = new }
    return
  end
  local grown = math.max(old - before.new, 0)
  before.first = math.min(before.first, first)
  before.old = before.old + grown
  before.new = before.new + grown + new - old
end

local function watch(buffer, document)
  api.nvim_buf_attach(buffer, false, {
    on_lines = function(_, _, _, first, old, new)
      if open[buffer] ~= document then
        return true
      end
      note(document, first, old, new)
    end,
    on_reload = function()
      if open[buffer] == document then
        document.change = { first = 0, old = #document.lines, new = api.nvim_buf_line_count(buffer) }
      end
    end,
    on_detach = function()
      if open[buffer] == document then
        M.close(buffer)
      end
    end,
  })
end

--- Tell the server a buffer and all of its text; later changes are told by flush().
function M.open(buffer)
  local lines = lines_of(buffer, 0, -1)
  local document = { uri = uri_of(buffer), language = vim.bo[buffer].filetype, version = 0, lines = lines }
  open[buffer] = document
  watch(buffer, document)
  M.notify("textDocument/didOpen", {
    textDocument = {
      uri = document.uri,
      languageId = document.language,
      version = document.version,
      text = table.concat(lines, "\n") .. "\n",
    },
  })
end

local function text_of(lines)
  return #lines == 0 and "" or table.concat(lines, "\n") .. "\n"
end

local function is_inside_character(text, at)
  local byte = text:byte(at)
  return byte ~= nil and byte >= 0x80 and byte < 0xC0
end

--- How many bytes two texts have in common at their starts, and then at their ends: no parts of characters.
local function common(one, other)
  local least = math.min(#one, #other)
  local first = 0
  while first < least and one:byte(first + 1) == other:byte(first + 1) do
    first = first + 1
  end
  while is_inside_character(one, first + 1) or is_inside_character(other, first + 1) do
    first = first - 1
  end
  local last = 0
  while last < least - first and one:byte(-1 - last) == other:byte(-1 - last) do
    last = last + 1
  end
  while last > 0 and is_inside_character(one, #one - last + 1) do
    last = last - 1
  end
  return first, last
end

--- The position after a text that begins at a row.
local function position(row, text)
  local rows, last = 0, 0
  for at in text:gmatch("()\n") do
    rows, last = rows + 1, at
  end
  return { line = row + rows, character = #text - last }
end

local function with(lines, first, old, new)
  if old - first == #new then
    for at, line in ipairs(new) do
      lines[first + at] = line
    end
    return lines
  end
  local all = vim.list_slice(lines, 1, first)
  return vim.list_extend(vim.list_extend(all, new), lines, old + 1)
end

--- What changed, checked: Neovim does not tell that an emptied buffer has a line all the same.
local function change_of(buffer, document)
  local change, count = document.change, api.nvim_buf_line_count(buffer)
  if #document.lines - change.old + change.new == count then
    return change.first, change.old, change.new
  end
  return 0, #document.lines, count
end

--- Tell the server what changed since it was told, in one piece.
function M.flush(buffer)
  local document = open[buffer]
  if not document or not document.change then
    return
  end
  local first, old, new = change_of(buffer, document)
  document.change = nil
  local lines = lines_of(buffer, first, new)
  local before, after = text_of(vim.list_slice(document.lines, first + 1, old)), text_of(lines)
  document.lines = with(document.lines, first, old, lines)
  if before == after then
    return
  end
  local head, tail = common(before, after)
  document.version = document.version + 1
  M.notify("textDocument/didChange", {
    textDocument = { uri = document.uri, version = document.version },
    contentChanges = {
      {
        range = { start = position(first, before:sub(1, head)), ["end"] = position(first, before:sub(1, #before - tail)) },
        text = after:sub(head + 1, #after - tail),
      },
    },
  })
end

--- Tell the server that a buffer is of no more interest.
function M.close(buffer)
  local document = open[buffer]
  open[buffer] = nil
  if document then
    M.notify("textDocument/didClose", { textDocument = { uri = document.uri } })
  end
end

--- Whether the server knows the buffer by its present address and language.
function M.is_open(buffer)
  local document = open[buffer]
  return document ~= nil and document.uri == uri_of(buffer) and document.language == vim.bo[buffer].filetype
end

function M.uri(buffer)
  return open[buffer] and open[buffer].uri
end

--- The server has gone, with all that it knew: which buffers these were.
function M.forget()
  local buffers = vim.tbl_keys(open)
  open = {}
  return buffers
end

return M
