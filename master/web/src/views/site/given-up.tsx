import type { ReportEntry } from '@icefall/shared';
import type { JSX } from 'preact';
import { useState } from 'preact/hooks';
import { api } from '../../api/endpoints.ts';
import { paths } from '../../routes.ts';
import { perform } from '../../ui/actions.ts';
import { Ago } from '../../ui/parts.tsx';
import { useKept, useResource } from '../../ui/resource.ts';

/** Newest ones; `icefall reports --state givenUp` has them all. */
const SHOWN = 20;

/** Reports that reached nobody, and a way to have them told again. They are asked for anew whenever `round` changes. */
export function GivenUp({ round }: { round: string }): JSX.Element | null {
  const [told, setTold] = useState(0);
  const asked = useResource(`${round} ${told}`, () => api.reports({ state: 'givenUp', limit: SHOWN }));
  const reports = useKept(asked)?.reports ?? [];
  const resend = async (id: number) => {
    await perform(() => api.resendReport(id), `Report ${id} is told again.`);
    setTold(told + 1);
  };
  if (reports.length === 0) return asked.state === 'failed' ? <p class="bad">{asked.message}</p> : null;
  return (
    <section>
      <h2>Reports given up</h2>
      <div class="table-scroll">
        <table class="cards">
          <thead>
            <tr>
              <th scope="col">When</th>
              <th scope="col">Reporter</th>
              <th scope="col">Of</th>
              <th scope="col">Why</th>
              <th scope="col">Again</th>
            </tr>
          </thead>
          <tbody>
            {reports.map((report) => (
              <Row key={report.id} report={report} resend={() => void resend(report.id)} />
            ))}
          </tbody>
        </table>
      </div>
    </section>
  );
}

function Row({ report, resend }: { report: ReportEntry; resend: () => void }): JSX.Element {
  const { id, reporter, buildId, moment, at, note } = report;
  return (
    <tr data-report-id={id}>
      <td data-label="When">
        <Ago at={at} />
      </td>
      <td data-label="Reporter">{reporter}</td>
      <td data-label="Of">
        <a href={paths.build(buildId)}>build {buildId}</a>, its {moment}
      </td>
      <td data-label="Why">{note}</td>
      <td data-label="Again">
        <button type="button" aria-label={`Tell again: report ${id}`} onClick={resend}>
          Tell again
        </button>
      </td>
    </tr>
  );
}
