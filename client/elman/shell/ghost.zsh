# Ghost text in zsh, from a model of your own; made by: elman shell init zsh
#
#     right, Ctrl-F, End, Ctrl-E    accept all of it
#     Alt-F, and what moves a word  accept that word
#     elman-dismiss, elman-toggle   widgets for bindkey: not this one; none at all
#
# ELMAN_SHELL_STYLE is the ghost's style, as in zle_highlight; ELMAN_SHELL=off turns it off. A line that begins with a space is
# private. Wants zsh 5.3 or newer. Nothing here waits: what the daemon says is read when it has come.

if [[ -o interactive && -z $_elman_socket ]] && zmodload zsh/net/socket zsh/system zsh/datetime zsh/parameter zsh/zle 2>/dev/null
then

typeset -g _elman_socket=${XDG_RUNTIME_DIR:+$XDG_RUNTIME_DIR/elman}
_elman_socket=${_elman_socket:-/tmp/elman-$EUID}/@NAME@
typeset -gi _elman_fd=0 _elman_number=0 _elman_answered=0 _elman_launches=0
typeset -gF _elman_launched=0
typeset -g _elman_line='' _elman_ghost='' _elman_asked='' _elman_wanted='' _elman_heard='' _elman_style='fg=8' _elman_memo='' _elman_beside='' _elman_hangs=''
typeset -ga _elman_past=()
typeset -gA _elman_own=()

# What leads to the line as it is without typing: what is there is not to be continued yet.
typeset -g _elman_untyped='(*history*|*search*|*complet*|*menu*|*list*|*expand*|*yank*|*paste*|*undo*|*redo*|spell-word|elman-dismiss|elman-toggle)'

_elman_launch() {  # a daemon, which says when it listens; three times in vain, and no more
    emulate -L zsh
    setopt no_bg_nice
    (( _elman_launches < 3 && EPOCHREALTIME > _elman_launched + 5 )) || return 0
    (( _elman_launches += 1, _elman_launched = EPOCHREALTIME ))
    local -i fd
    exec {fd}< <( ( @SERVE@ --socket $_elman_socket </dev/null 2>/dev/null & ) 2>/dev/null )
    zle -F -w $fd elman-ready
}

_elman_ready() {  # the daemon listens, or there is another, or none can be; or none was looked for yet
    emulate -L zsh
    local -i fd=$1
    zle -F $fd
    exec {fd}<&-
    (( _elman_fd )) || _elman_connect || return 0
    [[ -z $_elman_wanted ]] || _elman_ask
    return 0
}

_elman_connect() {  # whether there is a daemon
    emulate -L zsh
    local folder=${_elman_socket:h} REPLY event
    [[ -z $_elman_hangs ]] || return 1
    if [[ ! -S $_elman_socket || ! -O $_elman_socket || ! -O $folder || -h $folder ]] || ! zsocket $_elman_socket 2>/dev/null
    then
        _elman_launch
        return 1
    fi
    _elman_fd=$REPLY _elman_launches=0 _elman_asked='' _elman_heard='' _elman_answered=$_elman_number
    zle -F -w $_elman_fd elman-hear
    if (( ! $#_elman_past )); then
        for event in ${(Oa)${(@On)${(@k)history}}[1,50]}; do
            _elman_past+=("$history[$event]")
        done
    fi
    for event in "${(@)_elman_past}"; do
        _elman_tell "$event"
    done
}

_elman_tell() {  # the daemon of a command, unless it is private
    [[ $1 == [[:space:]]* || ${#1} -gt 1000 || ( -n $HISTORY_IGNORE && $1 == ${~HISTORY_IGNORE} ) ]] && return
    print -rnu $_elman_fd -- $'ran\t'"$1"$'\0' 2>/dev/null || _elman_leave
}

_elman_leave() {  # a daemon that is gone
    (( _elman_fd )) || return 0
    zle -F $_elman_fd 2>/dev/null
    exec {_elman_fd}>&- 2>/dev/null
    _elman_fd=0 _elman_asked=''
}

_elman_ran() {  # before a command runs
    [[ -n $1 ]] || return 0
    emulate -L zsh
    _elman_past+=("$1")
    (( $#_elman_past <= 50 )) || shift _elman_past
    (( _elman_fd == 0 )) || _elman_tell "$1"
    return 0
}

_elman_ask() {  # what may follow the line; while a question is open, the next one waits
    [[ -z $_elman_asked ]] || return 0
    (( _elman_fd )) || _elman_connect || return 0
    if (( _elman_number - _elman_answered >= 4 )); then  # it hangs, and what is written to it would be held up in the end
        _elman_leave
        _elman_hangs=1
        return 0
    fi
    _elman_asked=$PREBUFFER$BUFFER
    print -rnu $_elman_fd -- $'ask\t'"$(( ++_elman_number ))"$'\t'"$_elman_asked"$'\0' 2>/dev/null || _elman_leave
}

_elman_show() {  # a ghost after the line, or none
    region_highlight=("${(@)region_highlight:#* $_elman_style}")  # wherever it is now: zle moves it with the text
    [[ $POSTDISPLAY != "$_elman_ghost" ]] || POSTDISPLAY=
    [[ -z $POSTDISPLAY ]] || set -- ''  # another's
    _elman_ghost=$1
    [[ -n $_elman_ghost ]] || return 0
    POSTDISPLAY=$_elman_ghost
    _elman_style="${ELMAN_SHELL_STYLE:-fg=8}$_elman_memo"
    region_highlight+=("$#BUFFER $(( $#BUFFER + $#POSTDISPLAY )) $_elman_style")
}

_elman_hear() {  # what the daemon says, whenever it comes
    emulate -L zsh
    local chunk= ghost
    if [[ -n $2 ]] || ! sysread -i $1 -t 0 chunk; then
        _elman_leave
        return 0
    fi
    _elman_heard+=$chunk
    [[ $_elman_heard == *$'\0' ]] || return 0
    ghost=${${_elman_heard%$'\0'}##*$'\0'} _elman_heard=  # the last answer
    _elman_answered=${ghost%%$'\t'*}
    (( _elman_answered == _elman_number )) || return 0
    ghost=${ghost#*$'\t'}
    local asked=$_elman_asked line=$PREBUFFER$BUFFER
    _elman_asked=
    [[ -n $_elman_wanted && $line == "$asked"* && $KEYMAP != menuselect && $LASTWIDGET != ${~_elman_untyped} ]] || ghost=
    local typed=${line#"$asked"}
    [[ $ghost == "$typed"?* ]] && ghost=${ghost#"$typed"} || ghost=
    [[ -z $_elman_wanted || $line == "$asked" ]] || _elman_ask
    [[ $line == "$asked" || ( -n $ghost && $_elman_ghost != "$ghost"* ) ]] || return 0  # what is there is as good
    _elman_show "$ghost"
    zle -R
    return 0
}

_elman_follow() {  # what was done to the line since it was last looked at
    if [[ -n $_elman_beside ]]; then
        (( _elman_fd )) || _elman_connect  # so that the daemon stays
        return
    fi
    local before=$_elman_line typed=
    _elman_line=$BUFFER
    if [[ -n $_elman_wanted && $BUFFER == "$before" && $CURSOR -eq $#BUFFER && $LASTWIDGET != ${~_elman_untyped} ]]; then
        _elman_show "$_elman_ghost"
        return
    fi
    _elman_wanted=
    if [[ $CURSOR -eq $#BUFFER && $#BUFFER -gt $#before && $BUFFER == "$before"* && $LASTWIDGET != ${~_elman_untyped} ]] &&
        [[ $CONTEXT != (vared|select) && $PREBUFFER$BUFFER != [[:space:]]* && $#BUFFER -lt 1000 && $ELMAN_SHELL != off ]]
    then
        _elman_wanted=1 typed=${BUFFER#"$before"}
        [[ $_elman_ghost == "$typed"* ]] && _elman_show "${_elman_ghost#"$typed"}" || _elman_show ''
        _elman_ask
    else
        _elman_show ''
    fi
}

_elman_drawn() {  # before the line is drawn
    emulate -L zsh
    _elman_follow
    return 0
}

_elman_finished() {  # the line is entered: it is drawn once more
    emulate -L zsh
    _elman_wanted= _elman_line=
    _elman_show ''
    return 0
}

_elman_begun() {  # a new line
    _elman_wanted= _elman_line=$BUFFER _elman_ghost= _elman_asked=
    (( $+functions[_zsh_autosuggest_bind_widgets] )) && _elman_beside=1  # it draws: this asks for it where history has nothing
    [[ -z $_elman_beside || -n ${ZSH_AUTOSUGGEST_STRATEGY[(r)elman]} ]] || ZSH_AUTOSUGGEST_STRATEGY+=(elman)
    return 0
}

_elman_move() {  # over the ghost, as over text, with the widget that was there before; what it passes is accepted
    emulate -L zsh
    local own=$_elman_own[$WIDGET] ghost
    [[ -z $_elman_ghost || $POSTDISPLAY != "$_elman_ghost" ]] || _elman_follow  # it may be of an older line
    ghost=$_elman_ghost
    if [[ -z $ghost || $POSTDISPLAY != "$ghost" || $CURSOR -ne $#BUFFER ]]; then
        zle $own -- "$@"
        return
    fi
    BUFFER+=$ghost
    [[ $WIDGET == *word* ]] && zle $own -- "$@" || CURSOR=$#BUFFER
    ghost=$BUFFER[CURSOR+1,-1] BUFFER=$BUFFER[1,CURSOR] _elman_line=$BUFFER
    _elman_show "$ghost"
    _elman_ask
    return 0
}

_zsh_autosuggest_strategy_elman() {  # where zsh-autosuggestions draws; it asks in a process of its own, which may wait
    emulate -L zsh
    typeset -g suggestion=
    local REPLY chunk heard event
    [[ $1 != [[:space:]]* && $ELMAN_SHELL != off && -S $_elman_socket && -O $_elman_socket ]] || return 0
    zsocket $_elman_socket 2>/dev/null || return 0
    local -i _elman_fd=$REPLY
    for event in "${(@)_elman_past}"; do
        _elman_tell "$event"
    done
    print -rnu $_elman_fd -- $'ask\t1\t'"$PREBUFFER$1"$'\0' 2>/dev/null
    while [[ $heard != *$'\0' ]] && sysread -i $_elman_fd -t 0.3 chunk; do
        heard+=$chunk
    done
    exec {_elman_fd}>&-
    heard=${${heard#*$'\t'}%$'\0'}
    [[ -z $heard ]] || suggestion=$1$heard
}

elman-dismiss() { _elman_wanted=; _elman_show ''; }
elman-toggle() { [[ $ELMAN_SHELL == off ]] && ELMAN_SHELL=on || ELMAN_SHELL=off; elman-dismiss; }

() {
    emulate -L zsh
    local widget
    autoload -Uz add-zsh-hook add-zle-hook-widget is-at-least
    is-at-least 5.9 && _elman_memo=' memo=elman' _elman_style+=$_elman_memo
    zle -N elman-hear _elman_hear
    zle -N elman-ready _elman_ready
    zle -N elman-dismiss
    zle -N elman-toggle
    for widget in {,vi-}{forward-char,end-of-line} vi-add-eol {,emacs-,vi-}forward-word vi-forward-{blank-word,word-end,blank-word-end}
    do
        _elman_own[$widget]=.$widget  # of a name that no other script wraps
        if [[ $widgets[$widget] == user:* ]]; then
            _elman_own[$widget]=orig-elman-$widget
            zle -N orig-elman-$widget ${widgets[$widget]#user:}
        fi
        zle -N $widget _elman_move
    done
    add-zsh-hook preexec _elman_ran
    add-zle-hook-widget line-init _elman_begun
    add-zle-hook-widget line-pre-redraw _elman_drawn
    add-zle-hook-widget line-finish _elman_finished
    add-zle-hook-widget isearch-update elman-dismiss
    local -i fd
    exec {fd}</dev/null
    zle -F -w $fd elman-ready  # once the first prompt is drawn
}

(( ! $+functions[TRAPINT] )) || functions[_elman_trapped]=$functions[TRAPINT]
if (( $+functions[_elman_trapped] )) || () { trap >| $1; [[ $(<$1) != *' INT'* ]] } =(:); then
    TRAPINT() {  # Ctrl-C leaves no ghost on the screen
        ! zle || { zle elman-dismiss; zle -R }
        (( ! $+functions[_elman_trapped] )) || { _elman_trapped "$@"; return }
        return $(( 128 + $1 ))
    }
fi

fi
