// A plausible site without a master: `node master/web/dev/mock.ts [--port 8011] [--extra BUILDERS] [--hours 24]
// [--speed 10]`, then http://127.0.0.1:8011. Serves dist, the API and its event streams.
import { createServer } from 'node:http';
import { parseArgs } from 'node:util';
import { answerApi } from './mock/api.ts';
import { sendFile } from './mock/files.ts';
import { playHistory, randomOf } from './mock/history.ts';
import { Play } from './mock/play.ts';
import { makeSite } from './mock/site.ts';
import { World } from './mock/world.ts';

const { values: options } = parseArgs({
  options: {
    port: { type: 'string', default: '8011' },
    extra: { type: 'string', default: '0' },
    hours: { type: 'string', default: '24' },
    speed: { type: 'string', default: '10' },
    seed: { type: 'string', default: '7' },
  },
});

const random = randomOf(Number(options.seed));
const world = new World(Date.now() - 3 * 86_400_000);
makeSite(world, Number(options.extra), Date.now());
playHistory(world, Date.now() - 60_000, Number(options.hours), random);
const play = new Play(world, Number(options.speed), random);
play.tick(Date.now());
setInterval(() => play.tick(Date.now()), 400);

const server = createServer((request, response) => {
  const url = new URL(request.url ?? '/', 'http://mock');
  response.setHeader(
    'content-security-policy',
    "default-src 'self'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:",
  );
  const work = url.pathname.startsWith('/api/')
    ? answerApi(play, request, response, url)
    : sendFile(response, url.pathname);
  work.catch((error: unknown) => response.writeHead(500).end(String(error)));
});
server.listen(Number(options.port), '127.0.0.1', () => console.log(`http://127.0.0.1:${options.port}`));
