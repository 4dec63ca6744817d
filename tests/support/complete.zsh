# What zsh offers for command lines: `zsh -f complete.zsh SCRIPT`, a line to complete on each line of
# standard input. A zsh in a terminal of its own is typed to; its compadd tells what it is given.
zmodload zsh/zpty
zpty z zsh -f -i
tell() { zpty -w z "$1" }
tell 'PS1=; unsetopt prompt_cr prompt_sp; stty -echo'
tell "autoload -Uz compinit; compinit -u -D; source ${(q)1}"
tell 'compadd() {
  if [[ ${@[1,(i)(-|--)]} == *-(O|A|D)\ * ]]; then builtin compadd "$@"; return $?; fi
  local -a hits; local hit
  builtin compadd -A hits "$@"
  for hit in $hits; do print -r -- "<$hit>"; done
}'
tell 'begins() { print -r -- BEGINS }; ends() { print -r -- ENDS }'
tell 'offer() { compprefuncs=(begins); comppostfuncs=(ends); zle list-choices; BUFFER= }'
tell 'zle -N offer; bindkey "^I" offer; print READY'
zpty -r z out '*READY*READY*'
while IFS= read -r line; do
  zpty -n -w z "$line"$'\t'
  zpty -r z out '*BEGINS*ENDS*'
  print -r -- "? $line"
  print -r -- "$out" | tr -d '\r' | sed -n 's/^<\(.*\)>$/\1/p'
done
zpty -d z
