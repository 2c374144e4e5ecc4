-- What a word is: by 'iskeyword' and Vim's classes of characters, with apostrophes between letters, as elman type has it.

local M = {}

-- The space before a word, and the word, or the signs in its place: as short as ends at a border, at space or at the end.
-- An apostrophe between two letters is no border on either side.
local FIRST = [[^\s*\S.\{-}\%(\>\%(['’]\k\)\@!\|\%(\k['’]\)\@<!\<\|\s\@=\|$\)]]

--- The first word of a text with the space before it: not empty, unless the text is.
function M.first(text)
  local word = vim.fn.matchstr(text, FIRST)
  return word ~= "" and word or text
end

--- The first character with the marks on it.
function M.first_character(text)
  return vim.fn.strcharpart(text, 0, 1, true)
end

return M
