export const SHELLS = ['bash', 'zsh', 'fish'] as const;
export type Shell = (typeof SHELLS)[number];

interface Word {
  readonly word: string;
  readonly description: string;
}

/** What can follow a command. */
export interface Words {
  /** Words of the command after `icefall`. */
  readonly path: readonly string[];
  readonly commands: readonly Word[];
  readonly options: readonly Word[];
  readonly choices: readonly string[];
}

/** A script that completes commands and options. Where a command takes a file, files complete as usual. */
export function completionScript(shell: Shell, words: readonly Words[]): string {
  switch (shell) {
    case 'bash':
      return bash(words);
    case 'zsh':
      return zsh(words);
    case 'fish':
      return fish(words);
  }
}

const keyOf = ({ path }: Words) => path.join(' ');
const quoted = (text: string) => `'${text.replaceAll("'", `'\\''`)}'`;

function bash(words: readonly Words[]): string {
  const cases = words.map((entry) => {
    const follow = [...entry.commands.map(({ word }) => word), ...entry.choices].join(' ');
    const options = entry.options.map(({ word }) => word).join(' ');
    return `    ${quoted(keyOf(entry))}) follow=${quoted(follow)}; options=${quoted(options)} ;;`;
  });
  return `_icefall() {
  local word path='' candidate follow='' options='' i
  local current="\${COMP_WORDS[COMP_CWORD]}"
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="\${COMP_WORDS[i]}"
    candidate="\${path:+$path }$word"
    case "$candidate" in
      ${words
        .filter(({ path }) => path.length > 0)
        .map((entry) => quoted(keyOf(entry)))
        .join('|')}) path="$candidate" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  if [[ "$current" == -* ]]; then
    COMPREPLY=($(compgen -W "$options" -- "$current"))
  else
    COMPREPLY=($(compgen -W "$follow" -- "$current"))
  fi
}
complete -o default -F _icefall icefall`;
}

/** zsh describes each word after a colon. */
function zsh(words: readonly Words[]): string {
  const described = ({ word, description }: Word) => quoted(`${word.replaceAll(':', '\\:')}:${description}`);
  const cases = words.map((entry) => {
    const follow = [...entry.commands, ...entry.choices.map((word) => ({ word, description: '' }))];
    return `    ${quoted(keyOf(entry))}) follow=(${follow.map(described).join(' ')}); options=(${entry.options.map(described).join(' ')}) ;;`;
  });
  return `#compdef icefall
_icefall() {
  local word candidate at=''
  local -a follow options known
  known=(${words
    .filter(({ path }) => path.length > 0)
    .map((entry) => quoted(keyOf(entry)))
    .join(' ')})
  for word in "\${(@)words[2,CURRENT-1]}"; do
    candidate="\${at:+$at }$word"
    (( \${known[(Ie)$candidate]} )) && at="$candidate"
  done
  case "$at" in
${cases.join('\n')}
  esac
  if [[ "$words[CURRENT]" == -* ]]; then
    _describe option options
  elif (( \${#follow} )); then
    _describe command follow
  else
    _files
  fi
}
compdef _icefall icefall`;
}

function fish(words: readonly Words[]): string {
  const lines = words.flatMap((entry) => {
    const key = keyOf(entry);
    const when = `-n ${quoted(`test (__icefall_at) = ${JSON.stringify(key)}`)}`;
    const follow = [...entry.commands, ...entry.choices.map((word) => ({ word, description: '' }))];
    return [
      ...follow.map(
        ({ word, description }) => `complete -c icefall ${when} -a ${quoted(word)} -d ${quoted(description)}`,
      ),
      ...entry.options.map(
        ({ word, description }) => `complete -c icefall ${when} -l ${quoted(word.slice(2))} -d ${quoted(description)}`,
      ),
    ];
  });
  const known = words
    .filter(({ path }) => path.length > 0)
    .map((entry) => quoted(keyOf(entry)))
    .join(' ');
  return `function __icefall_at
  set -l at ''
  for word in (commandline -opc)[2..-1]
    set -l candidate (string trim -- "$at $word")
    contains -- $candidate ${known}; and set at $candidate
  end
  echo "$at"
end
${lines.join('\n')}`;
}
