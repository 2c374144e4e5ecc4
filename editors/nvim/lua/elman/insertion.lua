-- Puts text at the cursor as it is: no mapping, abbreviation, indentation or line break changes it, and `.` repeats it.

local M = {}

local function put(lines)
  vim.api.nvim_put(lines, "c", false, true)
  return true
end

--- Insert one line's text. nvim_paste() is what records for `.` (from 0.11 on); handlers of pastes are for what people paste.
function M.insert(text)
  local paste = vim.paste
  vim.paste = put
  local is_fine, trouble = pcall(vim.api.nvim_paste, text, false, -1)
  vim.paste = paste
  if not is_fine then
    error(trouble, 0)
  end
end

return M
