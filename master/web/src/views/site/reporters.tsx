import type { Reporter } from '@icefall/shared';
import type { JSX } from 'preact';
import { api } from '../../api/endpoints.ts';
import { now } from '../../store/clock.ts';
import { store } from '../../store/index.ts';
import { Ago, For } from '../../ui/parts.tsx';
import { useKept, useResource } from '../../ui/resource.ts';
import { GivenUp } from './given-up.tsx';

/** No event tells of reporters: whoever looks at them asks again after this time. */
const ASK_EVERY_MS = 10_000;
const KINDS: Readonly<Record<Reporter['kind'], string>> = {
  mail: 'mail',
  commitStatus: 'commit status',
  webhook: 'webhook',
};

/** Who tells others of builds: what waits to be delivered, since when, and why. Nothing where the site has none. */
export function Reporters(): JSX.Element | null {
  const round = `${store.status.value?.configVersion} ${Math.floor(now.value / ASK_EVERY_MS)}`;
  const asked = useResource(round, () => api.reporters());
  const reporters = useKept(asked)?.reporters;
  if (reporters === undefined) return asked.state === 'failed' ? <p class="bad">{asked.message}</p> : null;
  if (reporters.length === 0) return null;
  return (
    <>
      <section>
        <h2>Reporters</h2>
        <div class="table-scroll">
          <table class="cards">
            <thead>
              <tr>
                <th scope="col">Reporter</th>
                <th scope="col">Delivered</th>
                <th scope="col">Given up</th>
                <th scope="col">Waiting</th>
                <th scope="col">Why</th>
              </tr>
            </thead>
            <tbody>
              {reporters.map((reporter) => (
                <Row key={reporter.name} reporter={reporter} />
              ))}
            </tbody>
          </table>
        </div>
      </section>
      {reporters.some(({ givenUp }) => givenUp > 0) && <GivenUp round={round} />}
    </>
  );
}

function Row({ reporter }: { reporter: Reporter }): JSX.Element {
  const { name, kind, delivered, lastDeliveredAt, givenUp, waiting, waitingSince, tries, nextTryAt, lastError } =
    reporter;
  return (
    <tr data-reporter={name}>
      <td data-label="Reporter">
        {name} <span class="dim">{KINDS[kind]}</span>
      </td>
      <td data-label="Delivered">
        {delivered}
        {lastDeliveredAt !== null && (
          <>
            , last <Ago at={lastDeliveredAt} />
          </>
        )}
      </td>
      <td data-label="Given up">{givenUp}</td>
      <td data-label="Waiting">
        {waiting} {waitingSince !== null && <For since={waitingSince} />}
      </td>
      <td data-label="Why" class={tries > 0 ? 'bad' : undefined}>
        {tries > 0 && (
          <>
            {lastError}{' '}
            <span class="dim">
              ({tries === 1 ? 'one try' : `${tries} tries`}, again <Ago at={nextTryAt ?? now.value} />)
            </span>
          </>
        )}
      </td>
    </tr>
  );
}
