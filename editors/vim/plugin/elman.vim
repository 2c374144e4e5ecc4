" Ghost text from a model of your own. This file looks whether Vim is new enough and names what can be typed and mapped;
" all else is loaded when a text is first edited.

if exists('g:loaded_elman')
  finish
endif
let g:loaded_elman = 1

" 8.2.4684 speaks LSP over a channel, and 9.0.0067 has virtual text, which stays behind the cursor from 9.0.0185 on.
if !(has('vim9script') && has('channel') && has('textprop') && has('patch-9.0.0185'))
  command! -nargs=* Elman echohl WarningMsg
        \ | echomsg 'elman: needs Vim 9.0.0185 or newer, with +channel and +textprop; nothing is suggested' | echohl None
  finish
endif

command! -bar -nargs=+ -complete=customlist,elman#Complete Elman call elman#Command([<f-args>])

for s:action in ['accept', 'accept-word', 'accept-character', 'next', 'previous', 'dismiss', 'say']
  execute $'inoremap <silent> <Plug>(elman-{s:action}) <Cmd>call elman#Press("{s:action}")<CR>'
endfor

augroup elman
  autocmd!
  autocmd BufEnter,FileType * call elman#Expect()
  autocmd InsertEnter * call elman#Entered()
  autocmd TextChangedI * call elman#Changed()
  autocmd CursorMovedI * call elman#Moved()
  autocmd TextChangedP,CompleteChanged,InsertLeave,BufLeave,WinLeave * call elman#Hide()
  autocmd TextChanged * call elman#Undone()
  autocmd BufReadPost,BufFilePost,FileChangedShellPost,BufUnload * call elman#Forget(str2nr(expand('<abuf>')))
  autocmd ColorScheme * call elman#Colour()
augroup END
