-- What is said to the person, in one line: several would stop the editor until a key is pressed. Insert mode covers the line
-- with its own name, so what can wait is said after it.

local M = {}

local said = {} ---@type table<string, true>

M.last = nil ---@type string? what was said last

local function is_covered()
  return vim.o.showmode and vim.api.nvim_get_mode().mode:find("^i") ~= nil
end

local function in_one_line(text)
  local line = text:gsub("%s+", " ")
  local room = math.max(vim.v.echospace, 20)
  if vim.fn.strdisplaywidth(line) <= room then
    return line
  end
  return vim.fn.strcharpart(line, 0, room - 1) .. "…"
end

--- Say something that went wrong, and never again.
function M.trouble(text, level)
  if said[text] then
    return
  end
  said[text] = true
  M.last = text
  local function say()
    vim.notify(in_one_line("elman: " .. text), level or vim.log.levels.WARN)
  end
  if is_covered() then
    vim.api.nvim_create_autocmd("InsertLeave", { once = true, callback = vim.schedule_wrap(say) })
  else
    say()
  end
end

--- Say something that was asked for; in Insert mode, until the next key.
function M.say(text)
  if is_covered() then
    vim.o.showmode = false
    vim.api.nvim_create_autocmd({ "CursorMovedI", "InsertLeave" }, {
      once = true,
      callback = function()
        vim.o.showmode = true
      end,
    })
  end
  vim.api.nvim_echo({ { in_one_line(text) } }, false, {})
end

--- Forget what was said.
function M.forget()
  said, M.last = {}, nil
end

return M
