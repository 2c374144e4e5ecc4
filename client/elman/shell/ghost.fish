# Suggestions in fish, from a model of your own; made by: elman shell init fish
#
#     Alt-G          insert what the model would write to the end of the line; Alt-Z or Ctrl-Z takes it back
#     Alt-Shift-G    insert the next word of it
#
# fish draws its own suggestions as you type and lets no script draw others, so these come when they are asked for. ELMAN_SHELL=off
# turns them off. A line that begins with a space is private.

if status is-interactive; and not set -q __elman_bridge
    set -g __elman_socket /tmp/elman-(id -u)/@NAME@
    set -q XDG_RUNTIME_DIR; and test -n "$XDG_RUNTIME_DIR"; and set __elman_socket $XDG_RUNTIME_DIR/elman/@NAME@
    @BRIDGE@ $fish_pid $__elman_socket @SERVE@ --socket $__elman_socket </dev/null >/dev/null 2>&1 &
    set -g __elman_bridge $last_pid
    disown $__elman_bridge 2>/dev/null
    set -g __elman_number 0

    function __elman_ran --on-event fish_preexec
        string match -qr '^\s' -- "$argv[1]"; and return
        set -q fish_private_mode; and return
        test -p /proc/$__elman_bridge/fd/241; or return
        test (string length -- "$argv[1]") -le 1000; or return
        begin
            printf 'ran\t%s\0' "$argv[1]" >>/proc/$__elman_bridge/fd/241
        end 2>/dev/null
    end

    function __elman_ghost # what may follow the line
        set -l line (commandline | string collect)
        test "$ELMAN_SHELL" = off; and return
        test (commandline -C) -eq (string length -- "$line"); or return
        string match -qr '^(\s|$)' -- "$line"; and return
        test (string length -- "$line") -le 1000; or return
        test -p /proc/$__elman_bridge/fd/241; or return
        set -g __elman_number (math $__elman_number + 1)
        set -l ghost
        begin
            printf 'want\t%d\t%s\0' $__elman_number "$line" >>/proc/$__elman_bridge/fd/241
            while read -z ghost </proc/$__elman_bridge/fd/242
                set ghost (string split -m 1 \t -- "$ghost" | string collect)
                string match -qr "^$__elman_number\n" -- "$ghost"; and break # another's question was interrupted
            end
        end 2>/dev/null
        set ghost (string replace -r '^\d+\n' '' -- "$ghost" | string collect)
        printf %s $ghost
    end

    function __elman_insert # all of it, or its first word
        set -l ghost (__elman_ghost | string collect)
        test -n "$ghost"; or return
        test "$argv[1]" = word; and set ghost (string match -r '^\s*[^\s/]*/*' -- $ghost)[1]
        commandline -i -- $ghost
    end

    for mode in default insert
        bind -M $mode \eg '__elman_insert all'
        bind -M $mode \eG '__elman_insert word'
    end
end
