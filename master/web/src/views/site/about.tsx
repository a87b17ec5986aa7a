import type { JSX } from 'preact';
import { live, store } from '../../store/index.ts';
import { Ago, Empty, Page } from '../../ui/parts.tsx';
import { may } from '../access/session.ts';
import { Reporters } from './reporters.tsx';

/** What runs here: the master, its configuration, how the page is connected. */
export function About(): JSX.Element {
  const status = store.status.value;
  if (status === null) return <Empty>Loading …</Empty>;
  const connection = live.connection.value;
  const facts: [string, JSX.Element | string | number][] = [
    ['Site', status.title],
    ['Address', status.url],
    ['Icefall', status.version],
    ['Running since', <Ago key="up" at={status.startedAt} />],
    ['Time zone of the site', status.timeZone],
    ['Configuration', `version ${status.configVersion}`],
    ['Applied', <Ago key="config" at={status.configLoadedAt} />],
    ['Running builds', store.builds.all.value.filter((build) => build.finishedAt === null).length],
    ['Waiting requests', store.requests.all.value.filter((request) => request.state === 'pending').length],
    ['This page', `${connection.state}, at event ${live.seq()}, builds at hand: ${store.builds.all.value.length}`],
    [
      'API',
      <a key="api" href="/api/v1/openapi.json" target="_blank" rel="noreferrer">
        its description (OpenAPI)
      </a>,
    ],
  ];
  return (
    <Page name="about" title="About">
      <dl class="pairs">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {status.alarms.length > 0 && (
        <section>
          <h2>Alarms</h2>
          <ul class="plain bad">
            {status.alarms.map((alarm) => (
              <li key={alarm.kind}>
                {alarm.message} (<Ago key="alarm" at={alarm.since} />)
              </li>
            ))}
          </ul>
        </section>
      )}
      {status.configErrors.length > 0 && (
        <section>
          <h2>The last reload was refused; the older configuration runs on</h2>
          <ul class="plain bad">
            {status.configErrors.map((error) => (
              <li key={error}>{error}</li>
            ))}
          </ul>
        </section>
      )}
      {may('admin') && <Reporters />}
    </Page>
  );
}
