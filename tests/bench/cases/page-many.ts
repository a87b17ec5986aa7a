import { request } from 'node:http';
import { setTimeout as pause } from 'node:timers/promises';
import { type BenchCase, BenchError } from '../bench-case.ts';
import { higher, lower, quantile } from '../figures.ts';
import { BenchSite } from '../site/bench-site.ts';
import { cpuMs, memoryMib } from '../site/processes.ts';
import { oneBuilder } from '../site/programs.ts';

const PAGES = 100;
const BUILDS_PER_S = 20;
const WORKERS = ['w1', 'w2', 'w3', 'w4'];
const SPELL_S = 15;
/** Before a spell is measured. */
const WARM_S = 2;

/** Many pages that follow a busy master. */
export const pageMany: BenchCase = {
  name: 'page-many',
  title: 'many pages on a busy master',
  async run({ quick, directory, say }) {
    const pages = quick ? 10 : PAGES;
    const seconds = quick ? 2 : SPELL_S;
    const program = oneBuilder({ workers: WORKERS, maxBuilds: 4, steps: [['true']] });
    await using site = await BenchSite.start(directory, program);
    await site.startWorkers(WORKERS);
    using load = new Load(site);
    const alone = await spell(site, load, seconds);
    using followers = new Followers(site.url);
    await followers.open(pages);
    const watched = await spell(site, load, seconds, () => followers.forget());
    const { delays, events } = followers;
    if (delays.length === 0) throw new BenchError('no event came');
    say(`${events} events reached ${pages} pages`);
    return {
      conditions: `${pages} streams of events, ${BUILDS_PER_S} builds/s of one \`true\` step wanted, 4 workers × 4 builds, ${seconds} s with and without the pages; a delay is from the change to its arrival at a page`,
      figures: [
        higher({ name: 'builds', unit: '/s', value: watched.builds / watched.seconds }),
        lower({ name: 'delay of an event, median', unit: 'ms', value: quantile(delays, 0.5) }),
        lower({ name: 'delay of an event, 95 of 100 within', unit: 'ms', value: quantile(delays, 0.95) }),
        lower({ name: 'master CPU without pages, a second', unit: 'ms', value: alone.cpu / alone.seconds }),
        lower({
          name: 'master CPU for one page, a second',
          unit: 'ms',
          value: (watched.cpu / watched.seconds - alone.cpu / alone.seconds) / pages,
        }),
        lower({ name: 'master memory', unit: 'MiB', value: memoryMib(site.pid).now }),
      ],
    };
  },
};

interface Spell {
  readonly seconds: number;
  readonly cpu: number;
  readonly builds: number;
}

async function spell(site: BenchSite, load: Load, seconds: number, begun = () => {}): Promise<Spell> {
  await pause(WARM_S * 1000);
  begun();
  const [from, cpu, builds] = [performance.now(), cpuMs(site.pid), await load.builds()];
  await pause(seconds * 1000);
  return {
    seconds: (performance.now() - from) / 1000,
    cpu: cpuMs(site.pid) - cpu,
    builds: (await load.builds()) - builds,
  };
}

/** Asks for builds at an even rate until it is disposed of. */
class Load implements Disposable {
  readonly #site: BenchSite;
  readonly #timer: NodeJS.Timeout;

  constructor(site: BenchSite) {
    this.#site = site;
    // One that is refused is one build less, and the figures say how many there were.
    this.#timer = setInterval(() => void site.force('force').catch(() => {}), 1000 / BUILDS_PER_S);
  }

  /** So far. */
  async builds(): Promise<number> {
    const { builds } = await this.#site.client.get<{ builds: { number: number }[] }>('/builds?limit=1');
    return builds[0]?.number ?? 0;
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer);
  }
}

/** Open streams of events, as pages have them. */
class Followers implements Disposable {
  /** From the change to the arrival of its event, ms. */
  delays: number[] = [];
  events = 0;
  readonly #url: string;
  readonly #closers: (() => void)[] = [];

  constructor(url: string) {
    this.#url = `${url}/api/v1/events`;
  }

  async open(count: number): Promise<void> {
    await Promise.all(Array.from({ length: count }, () => this.#openOne()));
  }

  #openOne(): Promise<void> {
    return new Promise((resolve, reject) => {
      const asked = request(this.#url, { agent: false });
      this.#closers.push(() => asked.destroy());
      asked.on('error', reject);
      asked.on('response', (answer) => {
        answer.setEncoding('utf8');
        answer.on('data', (text: string) => this.#take(text));
        answer.on('error', () => {});
        resolve();
      });
      asked.end();
    });
  }

  /** What is needed of an event stands at its beginning; to take all of it apart a hundred times would be the bench's own load. */
  #take(text: string): void {
    const now = Date.now();
    for (const [, at] of text.matchAll(/^data: \{"seq":\d+,"at":([\d.]+)/gm)) {
      this.delays.push(now - Number(at));
      this.events += 1;
    }
  }

  forget(): void {
    this.delays = [];
    this.events = 0;
  }

  [Symbol.dispose](): void {
    for (const close of this.#closers) close();
  }
}
