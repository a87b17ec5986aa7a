import { builder, factory, forceScheduler, shell, site, worker } from '@icefall/master/config';

const north = worker({ name: 'north', token: { env: 'WORKER_TOKEN' } });
const south = worker({ name: 'south', token: { env: 'WORKER_TOKEN' } });
const greet = builder({
  name: 'greet',
  workers: [north, south],
  factory: factory([shell({ command: ['echo', 'hello'] })]),
});

export default site({
  title: 'Behind a proxy',
  workers: [north, south],
  builders: [greet],
  schedulers: [forceScheduler({ name: 'greet', builders: [greet] })],
  // Whoever comes through a proxy is nobody in particular; the proxy asks from this address, and clients do not.
  access: { roles: { anybody: { allow: ['view', 'force'], members: 'everyone' } }, proxies: ['127.0.0.1'] },
});
