import { createServer } from 'node:net';
import { describe, expect, test } from 'vitest';
import { readOptions } from './options.ts';
import { checkPorts } from './ports.ts';

describe('the options of npm start', () => {
  test('have the known ports as defaults', () => {
    expect(readOptions([])).toEqual({
      once: false,
      home: null,
      ports: { page: 8010, workers: 9989, stratum0: 8000, rsync: 8730 },
    });
    expect(readOptions(['--once', '--port', '8110', '--home', '/x'])).toMatchObject({
      once: true,
      home: '/x',
      ports: { page: 8110 },
    });
    expect(readOptions(['--help'])).toBeNull();
  });

  test.each([
    [['--port', 'http'], /--port must be a port from 1 to 65535, not "http"/],
    [['--port', '9989'], /must differ/],
    [['--twice'], /Unknown option '--twice'[\s\S]*npm start -- \[options\]/],
  ])('refuse %j', (args, message) => {
    expect(() => readOptions(args)).toThrow(message);
  });

  test('a taken port is named, with the option that chooses another', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const taken = typeof address === 'object' && address !== null ? address.port : 0;
    // The other three are not asked for by anything on a test machine.
    const ports = { page: taken, workers: 1, stratum0: 2, rsync: 3 };
    await expect(checkPorts(ports)).rejects.toThrow(
      new RegExp(`port ${taken} \\(page and REST\\) is in use .*--port N`),
    );
    server.close();
  });
});
