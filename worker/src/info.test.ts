import { workerInfoSchema } from '@icefall/shared';
import { expect, it } from 'vitest';
import { parseOsRelease, workerInfo } from './info.ts';

it('reads os-release with and without quotes', () => {
  const text = 'PRETTY_NAME="AlmaLinux 9.4 (Seafoam)"\nID=almalinux\n# comment\nVERSION_ID=\'9.4\'\nBROKEN\n';
  expect(parseOsRelease(text)).toEqual({ PRETTY_NAME: 'AlmaLinux 9.4 (Seafoam)', ID: 'almalinux', VERSION_ID: '9.4' });
});

it('tells the master what the protocol wants to know', async () => {
  const info = await workerInfo('/base');
  expect(workerInfoSchema.parse(info)).toEqual(info);
  expect(info.versions).toMatchObject({ icefall: expect.any(String), git: expect.stringMatching(/^\d+\./) });
});
