# Completion of fevergate in bash: commands, options, and the gates and kiosks of its settings.
# Made by: _FEVERGATE_COMPLETE=bash_source fevergate
_fevergate_completion() {
    local IFS=$'\n'
    local response

    response=$(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD=$COMP_CWORD _FEVERGATE_COMPLETE=bash_complete $1)

    for completion in $response; do
        IFS=',' read type value <<< "$completion"

        if [[ $type == 'dir' ]]; then
            COMPREPLY=()
            compopt -o dirnames
        elif [[ $type == 'file' ]]; then
            COMPREPLY=()
            compopt -o default
        elif [[ $type == 'plain' ]]; then
            COMPREPLY+=($value)
        fi
    done

    return 0
}

_fevergate_completion_setup() {
    complete -o nosort -F _fevergate_completion fevergate
}

_fevergate_completion_setup;
