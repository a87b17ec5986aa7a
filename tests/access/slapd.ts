import { mkdirSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { TestAuthority } from '../support/authority.ts';
import { debianPath } from '../support/debian-programs.ts';
import type { TestGround } from '../support/ground.ts';
import { freePorts } from '../support/ports.ts';
import { LIMIT_MS, run, TestProcess } from '../support/process.ts';

const BASE = 'dc=example,dc=org';
export const PEOPLE = `ou=people,${BASE}`;
export const GROUPS = `ou=groups,${BASE}`;
export const ACCOUNT = `cn=icefall,${BASE}`;
export const ACCOUNT_PASSWORD = 'password of the account that searches';

/** A person of the directory. */
interface Entry {
  readonly uid: string;
  readonly password: string;
  readonly mail?: string;
  readonly groups?: readonly string[];
}

/** Debian's LDAP server in a folder of its own, on loopback. */
export class Slapd {
  readonly plain: string;
  readonly secure: string;
  readonly #ground: TestGround;
  readonly #place: string;
  #process: TestProcess | null = null;

  private constructor(ground: TestGround, place: string, ports: readonly number[]) {
    this.#ground = ground;
    this.#place = place;
    this.plain = `ldap://127.0.0.1:${ports[0]}`;
    this.secure = `ldaps://127.0.0.1:${ports[1]}`;
  }

  static async start(ground: TestGround, authority: TestAuthority, people: readonly Entry[]): Promise<Slapd> {
    const place = ground.path('slapd');
    const slapd = new Slapd(ground, place, await freePorts(2));
    mkdirSync(place);
    const { certificate, key } = authority.issue('directory', ['IP:127.0.0.1']);
    writeFileSync(`${place}/slapd.conf`, configuration(place, [authority.file, certificate, key]));
    await slapd.fill(people);
    await slapd.begin();
    return slapd;
  }

  /** Puts these people in the directory, and nobody else. It must not run. */
  async fill(people: readonly Entry[]): Promise<void> {
    const data = `${this.#place}/data-${this.#fillings}`;
    mkdirSync(data);
    this.#fillings += 1;
    writeFileSync(`${this.#place}/data.conf`, `directory ${data}\n`);
    writeFileSync(`${this.#place}/people.ldif`, ldif(people));
    const command = ['slapadd', '-f', `${this.#place}/slapd.conf`, '-l', `${this.#place}/people.ldif`];
    const { code, stderr } = await run(this.#ground, { name: 'slapadd', command });
    if (code !== 0) throw new Error(`slapadd: ${stderr}`);
  }
  #fillings = 0;

  async begin(): Promise<void> {
    const command = ['slapd', '-d', '0', '-f', `${this.#place}/slapd.conf`, '-h', `${this.plain} ${this.secure}`];
    this.#process = TestProcess.start(this.#ground, { name: 'slapd', command });
    const { port } = new URL(this.secure);
    const until = Date.now() + LIMIT_MS;
    while (!(await answers(Number(port)))) {
      if (this.#process.exit !== null || Date.now() > until) throw new Error(`slapd: ${this.#process.stderr}`);
      await delay(20);
    }
  }

  async stop(): Promise<void> {
    await this.#process?.stop();
  }

  /** Makes it another directory, of these people. */
  async replace(people: readonly Entry[]): Promise<void> {
    await this.stop();
    await this.fill(people);
    await this.begin();
  }
}

/** As lax as servers come: it lets in whoever names an entry without a password. */
function configuration(place: string, [ca, certificate, key]: readonly string[]): string {
  const schemas = ['core', 'cosine', 'inetorgperson'].map((name) => debianPath(`/etc/ldap/schema/${name}.schema`));
  return `${schemas.map((file) => `include ${file}`).join('\n')}
modulepath ${debianPath('/usr/lib/ldap')}
moduleload back_mdb
moduleload memberof
pidfile ${place}/slapd.pid
TLSCACertificateFile ${ca}
TLSCertificateFile ${certificate}
TLSCertificateKeyFile ${key}
allow bind_anon_dn
database mdb
suffix "${BASE}"
include ${place}/data.conf
access to attrs=userPassword by anonymous auth by * none
access to dn.subtree="${GROUPS}" by dn.exact="${ACCOUNT}" read by * none
access to * by dn.exact="${ACCOUNT}" read by self read by * none
overlay memberof
`;
}

function ldif(people: readonly Entry[]): string {
  const groups = [...new Set(people.flatMap(({ groups: names = [] }) => names))];
  const members = (group: string) => people.filter(({ groups: names = [] }) => names.includes(group));
  const entries = [
    [BASE, 'objectClass: dcObject', 'objectClass: organization', 'o: Example', 'dc: example'],
    [PEOPLE, 'objectClass: organizationalUnit', 'ou: people'],
    [GROUPS, 'objectClass: organizationalUnit', 'ou: groups'],
    [
      ACCOUNT,
      'objectClass: organizationalRole',
      'objectClass: simpleSecurityObject',
      'cn: icefall',
      `userPassword: ${ACCOUNT_PASSWORD}`,
    ],
    ...people.map(({ uid, password, mail, groups: names = [] }) => [
      `uid=${uid},${PEOPLE}`,
      ...['objectClass: inetOrgPerson', `uid: ${uid}`, `cn: ${uid}`, `sn: ${uid}`, `userPassword: ${password}`],
      ...(mail === undefined ? [] : [`mail: ${mail}`]),
      ...names.map((name) => `memberOf: cn=${name},${GROUPS}`),
    ]),
    ...groups.map((name) => [
      `cn=${name},${GROUPS}`,
      ...['objectClass: groupOfNames', `cn: ${name}`],
      ...members(name).map(({ uid }) => `member: uid=${uid},${PEOPLE}`),
    ]),
  ];
  return entries.map(([dn, ...lines]) => [`dn: ${dn}`, ...lines].join('\n')).join('\n\n');
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    const tell = (is: boolean) => {
      socket.destroy();
      resolve(is);
    };
    socket.once('connect', () => tell(true)).once('error', () => tell(false));
  });
}
