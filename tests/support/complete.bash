# What bash offers for command lines: `bash complete.bash SCRIPT`, on each line of standard input the
# words as readline cuts them, with tabs between; the last is the one that is completed.
# shellcheck disable=SC1090
. "$1"
while IFS= read -r line; do
    mapfile -t -d $'\t' COMP_WORDS < <(printf 'ringback\t%s\t' "$line")
    COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
    _ringback
    printf '? %s\n' "$line"
    [ ${#COMPREPLY[@]} -eq 0 ] || printf '%s\n' "${COMPREPLY[@]}"
done
