"""The scripts that complete elman's commands in bash, zsh and fish. Knows the shells; the commands are given.

A word that is neither a file, a model nor one of a few is completed by nothing: the name of a file would be taken as text.
"""

import shlex
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from elman.cli.grammar import Argument, Command

HEAD: Final = "# Completes elman's commands; made by: elman completion {}\n"


def bash(commands: Sequence[Command], models: Sequence[str]) -> str:
    """For bash 4.4 or newer, with or without the package bash-completion."""
    cases = "".join(bash_case(each) for each in commands)
    top = " ".join([*(each.name for each in commands), "--help", "--version"])
    return f"""{HEAD.format("bash")}
_elman() {{
    local word=${{COMP_WORDS[COMP_CWORD]}} place=COMP_CWORD flags= words= model= file=
    if [[ $word == = ]]; then word=; else ((place--)); fi
    while [[ ${{COMP_WORDS[place]}} == = ]]; do  # bash takes --model=NAME=PATH for five words
        ((place--))
        [[ ${{COMP_WORDS[place]}} == -* ]] || ((place--))
    done
    local flag=${{COMP_WORDS[place]}}
    COMPREPLY=()
    if ((COMP_CWORD == 1)); then
        words='{top}'
    elif [[ $flag == ['<>']* ]]; then
        file=yes
    else
        case ${{COMP_WORDS[1]}} in
{cases}        esac
        [[ $flags && $word == -* ]] && words=$flags model= file=
    fi
    if [[ $model ]]; then
        mapfile -t COMPREPLY < <(compgen -f -X '!*.safetensors' -- "$word"; compgen -d -- "$word")
        compopt -o filenames
        words+=' {" ".join(models)}'
    fi
    mapfile -t -O "${{#COMPREPLY[@]}}" COMPREPLY < <(compgen -W "$words" -- "$word")
    [[ $file ]] || compopt +o default +o bashdefault
}}
complete -o bashdefault -o default -F _elman elman
"""


def bash_case(command: Command) -> str:
    """What completes the words after a command, by the flag before."""
    by_kind: dict[str, list[str]] = {}
    for each in command.flags:
        if each.name:
            by_kind.setdefault(bash_kind([each]), []).extend(each.flags)
    arms = "".join(f"            {'|'.join(flags)}){kind};;\n" for kind, flags in by_kind.items())
    every = " ".join(flag for each in command.flags for flag in each.flags)
    return f"""        {command.name})
            case $flag in
{arms}            *) flags='{every}'{bash_kind(command.words)};;
            esac;;
"""


def bash_kind(arguments: Sequence[Argument]) -> str:
    """What completes any of some arguments, as assignments."""
    words = " ".join(word for each in arguments for word in each.words)
    is_model, is_file = any(each.is_model for each in arguments), any(each.is_file for each in arguments)
    kinds = {f" words='{words}'": words, " model=yes": is_model, " file=yes": is_model or is_file}
    return "".join(assignment for assignment, holds in kinds.items() if holds)


def zsh(commands: Sequence[Command], models: Sequence[str]) -> str:
    """For zsh with its completion system, sourced after `compinit` or from a folder in $fpath."""
    described = "\n".join(f"        {shlex.quote(f'{each.name}:{each.help}')}" for each in commands)
    cases = "".join(zsh_case(each) for each in commands)
    return f"""#compdef elman
{HEAD.format("zsh")}
_elman_models() {{
    compset -P '*='
    _alternative 'names:model:({" ".join(models)})' 'files:model file:_files -g "*.safetensors"'
}}

_elman() {{
    local curcontext=$curcontext state line commands
    typeset -A opt_args
    commands=(
{described}
    )
    _arguments -C '(- *)--help[say more]' '(- *)--version[print the version]' '1: :->command' '*:: :->word'
    if [[ $state == command ]]; then
        _describe command commands
        return
    fi
    case $words[1] in
{cases}    esac
}}

if [[ $zsh_eval_context[-1] == loadautofunc ]]; then _elman "$@"; else compdef _elman elman; fi
"""


def zsh_case(command: Command) -> str:
    """The specifications of a command's arguments."""
    specifications = [zsh_flag(each, flag) for each in command.flags for flag in each.flags]
    specifications += [zsh_word(each, place) for place, each in enumerate(command.words, 1) if is_completed(each)]
    lines = "".join(f" \\\n            {shlex.quote(each)}" for each in specifications)
    return f"    {command.name})\n        _arguments -s{lines};;\n"


def is_completed(argument: Argument) -> bool:
    """Whether anything completes it."""
    return bool(argument.words or argument.is_model or argument.is_file)


def zsh_flag(argument: Argument, flag: str) -> str:
    """The specification of a flag."""
    repeated, equals = "*" if argument.is_repeated else "", "=" if argument.name and flag.startswith("--") else ""
    return f"{repeated}{flag}{equals}[{zsh_escaped(argument.help)}]{zsh_value(argument) if argument.name else ''}"


def zsh_word(argument: Argument, place: int) -> str:
    """The specification of a word."""
    return f"{'*' if argument.is_repeated else place}{zsh_value(argument)}"


def zsh_value(argument: Argument) -> str:
    """The name of a value and what completes it."""
    action = " "
    if argument.words:
        action = f"({' '.join(argument.words)})"
    elif argument.is_model or argument.is_file:
        action = "_elman_models" if argument.is_model else "_files"
    return f":{zsh_escaped(argument.name)}:{action}"


def zsh_escaped(words: str) -> str:
    """The words, without what ends them in a specification."""
    return "".join(f"\\{each}" if each in "[]:\\" else each for each in words)


def fish(commands: Sequence[Command], models: Sequence[str]) -> str:
    """For fish 3 or newer."""
    lines = [f"complete -c elman -n __elman_is_first -a {each.name} -d {shlex.quote(each.help)}" for each in commands]
    lines += [line for each in commands for line in fish_lines(each)]
    return f"""{HEAD.format("fish")}
function __elman_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and test $words[2] = $argv[1]
end

function __elman_is_first
    test (count (commandline -opc)) -eq 1
end

function __elman_models
    string join \\n {" ".join(models)}
    __fish_complete_suffix .safetensors
end

complete -c elman -f
complete -c elman -n __elman_is_first -l help -d 'say more'
complete -c elman -n __elman_is_first -l version -d 'print the version'
{chr(10).join(lines)}
"""


def fish_lines(command: Command) -> list[str]:
    """A line for each flag of a command, and for each of its words."""
    begin = f"complete -c elman -n '__elman_is {command.name}'"
    return [f"{begin}{fish_names(each)}{fish_value(each)}{fish_help(each)}" for each in [*command.flags, *command.words]]


def fish_names(argument: Argument) -> str:
    """The flag in its spellings, with whether a value follows."""
    names = "".join(f" -l {flag[2:]}" if flag.startswith("--") else f" -s {flag[1:]}" for flag in argument.flags)
    return f"{names} -r" if argument.flags and argument.name else names


def fish_value(argument: Argument) -> str:
    """What completes the value."""
    if argument.words:
        return f" -a {shlex.quote(' '.join(argument.words))}"
    if argument.is_model:
        return " -a '(__elman_models)'"
    return " -F" if argument.is_file else ""


def fish_help(argument: Argument) -> str:
    """The description."""
    return f" -d {shlex.quote(argument.help)}" if argument.flags else ""


WRITERS: Final[Mapping[str, Callable[[Sequence[Command], Sequence[str]], str]]] = {"bash": bash, "zsh": zsh, "fish": fish}
"""What makes the script, by the shell's name."""
