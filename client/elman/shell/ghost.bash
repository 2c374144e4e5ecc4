# Suggestions in bash, from a model of your own; made by: elman shell init bash
#
#     Alt-G    show what the model would write to the end of the line, dim, after the cursor. Then
#                  right, Ctrl-F, End, Ctrl-E, Tab or Alt-G    accept all of it
#                  Alt-F or Alt-right                          accept a word
#                  any other key                               does what it does without the suggestion
#
# bash tells no script of the keys that are typed, so a suggestion comes when it is asked for. ELMAN_SHELL_STYLE is its style, as
# in escape sequences: 2 is dim. ELMAN_SHELL=off turns them off. A line that begins with a space is private. Wants bash 4.4 or newer.

if [[ $- == *i* && -z $_elman_bridge ]]; then

_elman_socket=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/elman}
_elman_socket=${_elman_socket:-/tmp/elman-$EUID}/@NAME@
_elman_bridge=$(@BRIDGE@ $$ "$_elman_socket" @SERVE@ --socket "$_elman_socket" </dev/null >/dev/null 2>&1 & echo $!)

_elman_ran() {  # after a command, what the history has of it, as it prints it: without a process of its own
    local status=$?
    _elman_lines=${BASH_LINENO[-1]}
    [[ $ELMAN_SHELL != off && -p /proc/$_elman_bridge/fd/241 ]] &&
        { printf 'did\t'; HISTTIMEFORMAT='' builtin history 1; printf '\0'; } 2>/dev/null >>"/proc/$_elman_bridge/fd/241"
    return $status
}

_elman_ghost() {  # what may follow the line
    ghost=
    (( BASH_LINENO[-1] <= _elman_lines + 1 )) || return  # within a command, whose lines before this one nobody tells
    [[ $READLINE_LINE == [^[:space:]]* && $READLINE_POINT -ge ${#READLINE_LINE} && ${#READLINE_LINE} -le 1000 ]] || return
    [[ $ELMAN_SHELL != off && -p /proc/$_elman_bridge/fd/241 ]] || return
    { printf 'want\t%d\t%s\0' $((_elman_number += 1)) "$READLINE_LINE" >>"/proc/$_elman_bridge/fd/241"; } 2>/dev/null
    while { IFS= read -r -d '' -t 0.3 ghost <"/proc/$_elman_bridge/fd/242"; } 2>/dev/null; do
        [[ $ghost != $_elman_number$'\t'* ]] || break  # another is the answer to a question that was interrupted
    done
    [[ $ghost == $_elman_number$'\t'* ]] && ghost=${ghost#*$'\t'} || ghost=
    [[ -n $ghost ]]
}

_elman_key() {  # one key, with what follows an escape at once
    local more
    IFS= read -rsN1 key || return
    [[ $key == $'\e' ]] || return 0
    while IFS= read -rsN1 -t 0.02 more; do
        key+=$more
        [[ $key == $'\e'[[O] || $key == $'\e['*[0-9\;] ]] || break
    done
}

_elman_status() { return $1; }

_elman_prompt() {  # the last line of the prompt, after a command of this status, and how wide it is
    _elman_status $1
    prompt=${PS1@P}
    prompt=${prompt##*$'\n'} seen=
    local rest=$prompt
    while [[ $rest == *$'\001'*$'\002'* ]]; do  # what lies between is not seen
        seen+=${rest%%$'\001'*} rest=${rest#*$'\002'}
    done
    seen+=$rest prompt=${prompt//[$'\001\002']/}
}

_elman_room() {  # lines for all of it, so that nothing scrolls while it is drawn, and a mark at its beginning
    local text=$seen$READLINE_LINE${ghost%%$'\n'*} wide rows
    wide=${text//[[:ascii:]]/}
    (( (rows = (${#text} + ${#wide}) / ${COLUMNS:-80}) < ${LINES:-24} )) || return
    (( rows == 0 )) || { printf -v text '%*s' $rows ''; printf '%s\e[%dA' "${text// /$'\n'}" $rows; } >&2
    printf '\e7' >&2
}

_elman_show() {  # the ghost until a key says what becomes of it; any other key is readline's
    local status=$? ghost key prompt seen style word terminal
    bind '"\C-x\C-]2": ""'
    _elman_ghost || return
    _elman_prompt $status
    _elman_room || return
    [[ $ELMAN_SHELL_STYLE =~ ^[0-9\;]+$ ]] && style=$ELMAN_SHELL_STYLE || style=2
    terminal=$(stty -g 2>/dev/null) && stty intr undef  # Ctrl-C is a key, too
    while [[ -n $ghost ]]; do
        printf '\e8%s%s\e[%sm%s\e[m\e8%s%s' "$prompt" "$READLINE_LINE" $style "${ghost%%$'\n'*}" "$prompt" "$READLINE_LINE" >&2
        _elman_key
        printf '\e8\e[J' >&2
        case $key in
        $'\e[C' | $'\eOC' | $'\e[F' | $'\eOF' | $'\e[4~' | $'\006' | $'\005' | $'\t' | $'\eg') word=$ghost ;;
        $'\ef' | $'\e[1;3C' | $'\e[1;5C') [[ $ghost =~ ^[[:space:]]*[^[:space:]/]*/* ]] && word=${BASH_REMATCH[0]} ;;
        *) break ;;
        esac
        READLINE_LINE+=$word READLINE_POINT=${#READLINE_LINE} ghost=${ghost#"$word"}
    done
    [[ -z $terminal ]] || stty "$terminal"
    [[ -n $ghost ]] || return
    if [[ $key == $'\003' ]]; then
        printf '%s%s' "$prompt" "$READLINE_LINE" >&2
        READLINE_LINE= READLINE_POINT=0
        kill -INT $$
    else
        key=${key//\\/\\\\}
        bind "\"\\C-x\\C-]2\": \"${key//\"/\\\"}\""
    fi
}

for _elman_keymap in emacs vi-insert; do
    bind -m $_elman_keymap -x '"\C-x\C-]1": _elman_show'
    bind -m $_elman_keymap '"\C-x\C-]2": ""'
    bind -m $_elman_keymap '"\eg": "\C-x\C-]1\C-x\C-]2"'
done
unset _elman_keymap
[[ $(declare -p PROMPT_COMMAND 2>/dev/null) == 'declare -a'* ]] && PROMPT_COMMAND+=(_elman_ran) ||
    PROMPT_COMMAND="_elman_ran${PROMPT_COMMAND:+; $PROMPT_COMMAND}"

fi
