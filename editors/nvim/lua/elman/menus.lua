-- Completion menus that may be open beside a ghost: Neovim's own, nvim-cmp's and blink.cmp's.

local M = {}

--- Whether one is open. Plugins that nobody has loaded are not loaded for this.
function M.is_open()
  if vim.fn.pumvisible() == 1 then
    return true
  end
  local cmp, blink = package.loaded["cmp"], package.loaded["blink.cmp"]
  return cmp ~= nil and cmp.visible() or blink ~= nil and blink.is_visible() or false
end

--- Have `opened` and `closed` called as menus open and close.
function M.watch(group, opened, closed)
  local function on(event, pattern, callback)
    vim.api.nvim_create_autocmd(event, { group = group, pattern = pattern, callback = callback })
  end
  on("CompleteChanged", "*", opened)
  on("CompleteDone", "*", closed)
  on("User", "BlinkCmpMenuOpen", opened)
  on("User", "BlinkCmpMenuClose", closed)
  on("InsertEnter", "*", function()
    local cmp = package.loaded["cmp"]
    if cmp and not M.is_watching_cmp then
      M.is_watching_cmp = true
      cmp.event:on("menu_opened", opened)
      cmp.event:on("menu_closed", closed)
    end
  end)
end

return M
