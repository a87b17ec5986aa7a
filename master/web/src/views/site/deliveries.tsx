import type { HookDelivery } from '@icefall/shared';
import { formatBytes } from '@icefall/shared/text';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { perform } from '../../ui/actions.ts';
import { Ago, Empty, Page } from '../../ui/parts.tsx';
import { messageOf, useResource } from '../../ui/resource.ts';

const PAGE = 100;

/** What code hosts have sent, and what became of it. */
export function Deliveries(): JSX.Element {
  const [round, setRound] = useState(0);
  const first = useResource(`deliveries ${round}`, () => api.hookDeliveries({ limit: PAGE }));
  const [older, setOlder] = useState<{ deliveries: readonly HookDelivery[]; next: number | null } | null>(null);
  const [failure, setFailure] = useState('');
  const loadMore = async (before: number) => {
    try {
      const page = await api.hookDeliveries({ limit: PAGE, before });
      setOlder({ deliveries: [...(older?.deliveries ?? []), ...page.deliveries], next: page.next });
      setFailure('');
    } catch (cause) {
      setFailure(messageOf(cause));
    }
  };
  const redeliver = async (id: number) => {
    await perform(() => api.redeliver(id), `Delivery ${id} was read again.`);
    setOlder(null);
    setRound(round + 1);
  };
  if (first.state !== 'ready')
    return (
      <Page name="deliveries" title="Webhook deliveries">
        <Empty>{first.state === 'failed' ? first.message : 'Loading …'}</Empty>
      </Page>
    );
  const deliveries = [...first.value.deliveries, ...(older?.deliveries ?? [])];
  const next = older === null ? first.value.next : older.next;
  return (
    <Page name="deliveries" title="Webhook deliveries">
      {deliveries.length === 0 ? (
        <Empty>No code host has sent anything yet.</Empty>
      ) : (
        <DeliveryTable deliveries={deliveries} redeliver={(id) => void redeliver(id)} />
      )}
      {next !== null && (
        <button type="button" onClick={() => void loadMore(next)}>
          Older deliveries
        </button>
      )}
      <span class="dim"> {failure}</span>
    </Page>
  );
}

function DeliveryTable(props: { deliveries: readonly HookDelivery[]; redeliver: (id: number) => void }): JSX.Element {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">When</th>
          <th scope="col">Webhook</th>
          <th scope="col">From</th>
          <th scope="col">Event</th>
          <th scope="col">Size</th>
          <th scope="col">What became of it</th>
          <th scope="col">Again</th>
        </tr>
      </thead>
      <tbody>
        {props.deliveries.map((delivery) => (
          <tr key={delivery.id} data-delivery-id={delivery.id}>
            <td>
              <Ago at={delivery.at} />
            </td>
            <td>{delivery.dialect}</td>
            <td>{delivery.origin ?? ''}</td>
            <td title={delivery.deliveryId ?? undefined}>
              {delivery.event ?? ''}
              {delivery.redeliveryOf !== null && <span class="dim"> (delivery {delivery.redeliveryOf} again)</span>}
            </td>
            <td>{formatBytes(delivery.sizeBytes)}</td>
            <td class={delivery.outcome === 'refused' ? 'bad' : undefined}>
              <Became delivery={delivery} />
            </td>
            <td>
              {delivery.isKept && (
                <button
                  type="button"
                  aria-label={`Read again: delivery ${delivery.id}`}
                  onClick={() => props.redeliver(delivery.id)}
                >
                  Read again
                </button>
              )}
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function Became({ delivery: { outcome, code, reason, changeIds } }: { delivery: HookDelivery }): JSX.Element {
  if (outcome !== 'accepted') return <span title={code ?? undefined}>{`${outcome}: ${reason ?? code ?? ''}`}</span>;
  return (
    <>
      {changeIds.map((id) => (
        <a key={id} href={paths.change(id)}>
          change {id}
        </a>
      ))}
    </>
  );
}
