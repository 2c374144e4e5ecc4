-- Loaded at startup: the command alone. Nothing else happens before require("elman").setup().
if vim.g.loaded_elman then
  return
end
vim.g.loaded_elman = true

vim.api.nvim_create_user_command("Elman", function(command)
  require("elman.command").run(command.fargs)
end, {
  nargs = "*",
  bar = true,
  desc = "Ghost text from a model of your own",
  complete = function(...)
    return require("elman.command").complete(...)
  end,
})
