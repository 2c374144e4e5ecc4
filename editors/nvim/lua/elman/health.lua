-- `:checkhealth elman`.

local M = {}

local WAIT_MILLISECONDS = 5000

local function check_version()
  if vim.fn.has("nvim-0.10") == 1 then
    vim.health.ok("Neovim " .. tostring(vim.version()))
  else
    vim.health.error("Neovim 0.10 or newer is needed")
  end
end

local function check_command(command)
  if vim.fn.executable(command[1]) == 0 then
    return vim.health.error(
      "there is no command " .. command[1],
      { 'install elman with its extra lsp (its README, Install), or give its path: require("elman").setup({ cmd = { "/path/to/elman", "lsp" } })' }
    )
  end
  local answer = vim.system({ command[1], "--version" }, { text = true }):wait(WAIT_MILLISECONDS)
  if answer.code == 0 then
    vim.health.ok(vim.fn.exepath(command[1]) .. ": " .. vim.trim(answer.stdout))
  else
    vim.health.error(command[1] .. " --version failed", { vim.trim(answer.stderr or "") })
  end
end

local function check_server(server)
  local done, status = false, nil
  server.status(vim.api.nvim_get_current_buf(), function(answer)
    done, status = true, answer
  end)
  vim.wait(WAIT_MILLISECONDS, function()
    return done
  end)
  if not status then
    vim.health.warn("the language server is not running", { "it starts with the first buffer that may have suggestions" })
  elseif status.state == "failed" then
    vim.health.error("the language server: " .. (status.message or status.state))
  else
    vim.health.ok("the language server is " .. status.state)
  end
  local last = require("elman.messages").last
  if last then
    vim.health.warn("last trouble: " .. last)
  end
end

local function check_keys(keys)
  for name, of in pairs(keys) do
    for _, key in ipairs(type(of) == "table" and of or { of or nil }) do
      local other = vim.fn.maparg(key, "i", false, true)
      local is_ours = vim.startswith(other.desc or "", "elman: ")
      local before = not vim.tbl_isempty(other) and not is_ours and ("; otherwise: %s"):format(other.desc or other.rhs or "a mapping")
      vim.health.info(("%s: %s%s"):format(key, name, before or ""))
    end
  end
end

function M.check()
  local config, server, typing = require("elman.config"), require("elman.server"), require("elman.typing")
  vim.health.start("elman")
  check_version()
  check_command(config.now.cmd)
  if typing.is_enabled() then
    check_server(server)
  else
    vim.health.warn("elman is not enabled", { 'require("elman").setup()', ":Elman enable" })
  end
  vim.health.start("elman: keys while a ghost is visible")
  check_keys(config.now.keys)
end

return M
