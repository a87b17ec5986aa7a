import type { Json, Properties as PropertyMap } from '@icefall/shared';
import type { JSX } from 'preact';

/** All properties with where each came from. */
export function Properties({ properties }: { properties: PropertyMap }): JSX.Element {
  const names = Object.keys(properties).sort();
  return (
    <details class="properties" open>
      <summary>
        <h2>Properties</h2> <span class="dim num">{names.length}</span>
      </summary>
      <div class="table-scroll">
        <table>
          <thead>
            <tr>
              <th scope="col">Name</th>
              <th scope="col">Value</th>
              <th scope="col">Source</th>
            </tr>
          </thead>
          <tbody>
            {names.map((name) => (
              <tr key={name} data-property={name}>
                <td>{name}</td>
                <td>
                  <code class="value">{textOf(properties[name]?.value ?? null)}</code>
                </td>
                <td class="dim">{properties[name]?.source}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </details>
  );
}

function textOf(value: Json): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}
