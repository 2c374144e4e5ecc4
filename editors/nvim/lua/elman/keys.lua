-- The keys are elman's only while a ghost is visible: they are mapped when it appears, and when it goes, whatever each key
-- did in the buffer before stands again. So nothing needs to be imitated where no ghost is.

local config = require("elman.config")

local M = {}

local MARK = "elman: "
local kept = {} ---@type table<string, table> the buffer's own mappings in the meantime
local mapped ---@type integer? the buffer

local function each(call)
  for name, keys in pairs(config.now.keys) do
    for _, key in ipairs(type(keys) == "table" and keys or { keys or nil }) do
      if name ~= "ask" then
        call(name, key)
      end
    end
  end
end

local function buffer_mapping(key)
  local mapping = vim.fn.maparg(key, "i", false, true)
  return mapping.buffer == 1 and mapping or nil
end

--- Map the keys in the current buffer to `act(name, key)`.
function M.map(act)
  mapped = vim.api.nvim_get_current_buf()
  each(function(name, key)
    kept[key] = buffer_mapping(key)
    vim.keymap.set("i", key, function()
      act(name, key)
    end, { buffer = mapped, desc = MARK .. name })
  end)
end

local function restore()
  each(function(_, key)
    local mapping = buffer_mapping(key)
    if mapping and vim.startswith(mapping.desc or "", MARK) then
      vim.keymap.del("i", key, { buffer = mapped })
      if kept[key] then
        vim.fn.mapset("i", false, kept[key])
      end
    end
  end)
end

--- Give the keys back.
function M.unmap()
  if mapped and vim.api.nvim_buf_is_valid(mapped) then
    vim.api.nvim_buf_call(mapped, restore)
  end
  mapped, kept = nil, {}
end

--- Press a key again, now that it is not elman's: before whatever was typed after it.
function M.press(key)
  vim.api.nvim_feedkeys(vim.keycode(key), "mit", false)
end

return M
