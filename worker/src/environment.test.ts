import { describe, expect, it } from 'vitest';
import { commandEnvironment, passedEnvironment } from './environment.ts';

const worker = passedEnvironment({ PATH: '/usr/bin', HOME: '/home/ci', ICEFALL_WORKER_TOKEN: 'secret', AWS_KEY: 'x' });
const merge = (overrides: Record<string, string | null>) =>
  commandEnvironment({ worker, overrides, workdir: '/w', markers: { ICEFALL_COMMAND: '1-1' } });

/** `${NAME}`, as people write it. */
const ref = (name: string) => `\${${name}}`;

describe('the environment of a command', () => {
  it('takes from the worker only what is on the list', () => {
    expect(worker).toEqual({ PATH: '/usr/bin', HOME: '/home/ci' });
  });

  it('is merged over the worker’s; null deletes', () => {
    expect(merge({ CPUS: '4', HOME: null })).toEqual({
      PATH: '/usr/bin',
      CPUS: '4',
      PWD: '/w',
      ICEFALL_COMMAND: '1-1',
    });
  });

  it('expands references from the worker’s variables, not from those of the command', () => {
    expect(merge({ PATH: `/opt/bin:${ref('PATH')}`, CPUS: '4', JOBS: ref('CPUS') })).toMatchObject({
      PATH: '/opt/bin:/usr/bin',
      JOBS: '',
    });
  });

  it('never shows the worker’s token, whatever is asked for', () => {
    const environment = merge({ A: ref('ICEFALL_WORKER_TOKEN'), B: `x${ref('AWS_KEY')}y`, C: ref('constructor') });
    expect(environment).toMatchObject({ A: '', B: 'xy', C: '' });
  });

  it('keeps its markers and its PWD, whatever the command says', () => {
    expect(merge({ ICEFALL_COMMAND: null, PWD: '/elsewhere' })).toMatchObject({ ICEFALL_COMMAND: '1-1', PWD: '/w' });
  });

  it.each([{ 'A=B': 'x' }, { A: 'x\0y' }])('refuses what no environment can hold: %j', (overrides) => {
    expect(() => merge(overrides)).toThrow(expect.objectContaining({ code: 'bad_environment' }));
  });
});
