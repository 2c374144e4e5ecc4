-- What setup() takes, and what holds where it says nothing. Knows no server and no buffer.

local M = {}

M.defaults = {
  cmd = { "elman", "lsp" },
  settings = {}, -- the language server's: model, models, server, exclude, ... (:help elman-settings)
  enabled = true,
  filetypes = {}, -- { gitcommit = false, ["*"] = true }
  max_bytes = 16 * 1024 * 1024, -- nothing is suggested in larger buffers
  menu = "hide", -- or "show": whether a ghost stands beside an open completion menu
  restarts = 5, -- how many times a server that died is started again
  keys = {
    accept = "<Tab>",
    accept_word = { "<C-Right>", "<M-f>" },
    accept_character = "<M-l>",
    next = "<M-]>",
    previous = "<M-[>",
    dismiss = "<C-]>",
    ask = false, -- asks without a change of the text: always mapped, the others only while a ghost is visible
  },
}

M.now = vim.deepcopy(M.defaults)

local function refuse(name, value, allowed)
  error(("elman: %s is %s; allowed: %s"):format(name, vim.inspect(value), allowed), 0)
end

local function refuse_unknown(given, known, where)
  for name in pairs(given) do
    if known[name] == nil then
      refuse(where .. tostring(name), given[name], "no such option")
    end
  end
end

local function is_keys(value)
  return value == false or type(value) == "string" or vim.islist(value)
end

local function is_count(value)
  return type(value) == "number" and value >= 0 and value % 1 == 0
end

local checks = {
  cmd = { "a list of words", vim.islist },
  settings = { "a table", function(value) return type(value) == "table" end },
  enabled = { "true or false", function(value) return type(value) == "boolean" end },
  filetypes = { "a table", function(value) return type(value) == "table" end },
  max_bytes = { "a whole number from 0", is_count },
  menu = { '"hide" or "show"', function(value) return value == "hide" or value == "show" end },
  restarts = { "a whole number from 0", is_count },
  keys = { "a table", function(value) return type(value) == "table" end },
}

--- Take what the user gives; an unknown option or a bad value is an error, and the old options stay.
function M.take(given)
  given = given or {}
  refuse_unknown(given, M.defaults, "")
  for name, value in pairs(given) do
    local allowed, check = unpack(checks[name])
    if not check(value) then
      refuse(name, value, allowed)
    end
  end
  refuse_unknown(given.keys or {}, M.defaults.keys, "keys.")
  for name, value in pairs(given.keys or {}) do
    if not is_keys(value) then
      refuse("keys." .. name, value, "a key, a list of keys, or false")
    end
  end
  M.now = vim.tbl_extend("force", vim.deepcopy(M.defaults), given)
  M.now.keys = vim.tbl_extend("force", M.defaults.keys, given.keys or {})
end

return M
