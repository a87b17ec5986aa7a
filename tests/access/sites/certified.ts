import { builder, factory, periodicScheduler, shell, site, uploadFile, worker } from '@icefall/master/config';

const w1 = worker({ name: 'w1', token: { env: 'WORKER_TOKEN' } });
const send = builder({
  name: 'send',
  workers: [w1],
  factory: factory([
    shell({ name: 'make', command: ['sh', '-c', 'echo sent > made.txt'] }),
    uploadFile({ from: 'made.txt', to: process.env.SENT_TO ?? '' }),
  ]),
});

export default site({
  title: 'Workers with certificates',
  workers: [w1],
  builders: [send],
  // The first one at once.
  schedulers: [periodicScheduler({ name: 'often', builders: [send], every: '1h' })],
  access: { roles: { anybody: { allow: ['view'], members: 'everyone' } } },
});
