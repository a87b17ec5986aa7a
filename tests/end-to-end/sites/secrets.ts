/** A site whose steps show a secret in every way they can think of. */
import {
  builder,
  commitStatusReporter,
  factory,
  forceScheduler,
  git,
  mailReporter,
  masterCommand,
  prop,
  secret,
  secretsFrom,
  setPropertyFromCommand,
  shell,
  site,
  uploadFile,
  webhookReporter,
  worker,
} from '@icefall/master/config';

const { SECRETS = '', REPOSITORY = '', UPLOADS = '', HTTP = '', SMTP_PORT = '' } = process.env;
const north = worker({ name: 'north' });
const token = { TOKEN: secret('token') };
const source = { '': { repository: REPOSITORY, branch: 'main' } };
const show = (name: string, command: string | readonly string[]) =>
  shell({
    name,
    command,
    env: token,
    stdin: secret('token'),
    secretFiles: { KEY: secret('key') },
    flunkOnFailure: false,
  });

const leaky = builder({
  name: 'leaky',
  workers: [north],
  env: { OF_BUILDER: secret('token') },
  factory: factory([
    git({ repository: REPOSITORY, env: token }),
    show('as it is', 'echo "$TOKEN"; echo "error: $TOKEN" >&2; cat; cat "$KEY"'),
    show('environment', ['env']),
    show('traced', 'set -x; true "$TOKEN"; curl-that-is-not-there -u "x:$TOKEN"'),
    show('base64', 'for p in "" a ab; do printf %s "$p$TOKEN" | base64; done; base64 "$KEY"; base64 -w 20 "$KEY"'),
    show(
      'hexadecimal',
      'printf %s "$TOKEN" | od -An -tx1; printf %s "$TOKEN" | od -An -v -tx1 | tr -d " \\n" | tr a-f A-F',
    ),
    show(
      'in pieces',
      'for n in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18; do printf %s "$TOKEN" | cut -zc $n | tr -d "\\0"; sleep 0.02; done; echo',
    ),
    show('quoted', [
      'node',
      '-e',
      'const t = process.env.TOKEN; console.log(encodeURIComponent(t), JSON.stringify({ t }), new URLSearchParams({ t }))',
    ]),
    show('exception', ['node', '-e', 'throw new Error(`cannot use ${process.env.TOKEN}`)']),
    show('missing program', 'mkdir -p "$TOKEN" && cd "$TOKEN" && ./no-such-program'),
    shell({
      name: 'followed file',
      command: 'echo "$TOKEN" > out.log; sleep 0.1',
      env: token,
      logFiles: { out: 'out.log' },
    }),
    shell({ name: 'left behind', command: 'echo "$TOKEN" > left; echo "$TOKEN" > "artifact-$TOKEN"', env: token }),
    shell({ name: 'found again', command: 'cat left; ls' }),
    setPropertyFromCommand({ command: 'printf %s "$TOKEN"', env: token, property: 'caught' }),
    setPropertyFromCommand({ command: 'ls artifact-*', property: 'artifact' }),
    shell({ name: 'in arguments', command: ['echo', prop('caught')] }),
    shell({ name: "of the builder's environment", command: 'echo "$OF_BUILDER"' }),
    masterCommand({
      name: 'on the master',
      command:
        'set -x; echo "$TOKEN"; printf %s "a$TOKEN" | base64; env; node -e "throw new Error(process.env.TOKEN)"; curl-that-is-not-there "$TOKEN"',
      workdir: '/',
      env: token,
      haltOnFailure: false,
      flunkOnFailure: false,
    }),
    uploadFile({ from: prop('artifact'), to: `${UPLOADS}/artifact`, flunkOnFailure: false, haltOnFailure: false }),
    shell({
      name: 'processes',
      command: 'cat /proc/[0-9]*/cmdline 2>/dev/null | tr "\\0" "\\n" | grep -cF -f "$FILE" || true',
      env: token,
      secretFiles: { FILE: secret('token') },
    }),
    shell({ name: 'fails in the end', command: 'echo "$TOKEN" >&2; exit 1', env: token }),
  ]),
});
const strange = builder({
  name: 'strange',
  workers: [north],
  factory: factory([shell({ name: 'never', command: 'echo "$TOKEN" > given', env: token })]),
});

export default site({
  title: 'Secrets',
  workers: [north],
  builders: [leaky, strange],
  schedulers: [
    forceScheduler({ name: 'leak', builders: [leaky], codebases: source }),
    forceScheduler({
      name: 'stranger',
      builders: [strange],
      codebases: { '': { repository: REPOSITORY, branch: 'refs/pull/5/merge' } },
    }),
  ],
  secrets: { from: [secretsFrom.directory(SECRETS)], allow: [{ branches: ['main'] }] },
  url: 'https://ci.example.org',
  reporters: [
    mailReporter({
      name: 'mail',
      ...{ from: 'ci@example.org', to: ['team@example.org'], when: 'always', builders: [leaky] },
      server: { host: '127.0.0.1', port: Number(SMTP_PORT), tls: 'none', user: 'ci', password: secret('token') },
      subject: ({ build }) => `It failed: ${build.properties.artifact?.value}`,
      body: (report) => JSON.stringify(report),
    }),
    webhookReporter({ name: 'hook', url: `${HTTP}/hook`, secret: secret('token'), builders: [leaky] }),
    commitStatusReporter({
      ...{ name: 'status', kind: 'gitea', url: HTTP, token: secret('token'), builders: [leaky] },
      project: () => 'group/project',
    }),
  ],
});
