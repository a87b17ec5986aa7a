import type { ForcePreview, ForceRequest, RequestOutlook } from '@icefall/shared';
import type { JSX } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { api } from '../api/endpoints.ts';
import { now } from '../store/clock.ts';
import { useKept, useResource } from '../ui/resource.ts';
import { outlookWords, sourceWords } from './outlook.ts';

/** Rests this long in typing before the master is asked. */
const REST_MS = 300;
/** What others hold changes while somebody fills in a form: it is asked again after this. */
const AGAIN_MS = 5000;
/** Builders that are told of one by one; a form that starts a hundred is not a hundred lines. */
const MOST_SHOWN = 8;

/** What a force will start, and what will keep it waiting as things are now. */
export function Preview({ scheduler, request }: { scheduler: string; request: ForceRequest }): JSX.Element {
  const asked = useRested(JSON.stringify(request));
  const tick = useTicks(AGAIN_MS);
  const told = useResource(`${tick} ${asked}`, () => api.previewForce(scheduler, JSON.parse(asked) as ForceRequest));
  const preview = useKept(told);
  return (
    <div class="preview" data-preview={told.state} aria-live="polite">
      {request.builders?.length === 0 ? (
        'Starts nothing: choose a builder.'
      ) : told.state === 'failed' ? (
        <span class="bad">{told.message}</span>
      ) : preview === null ? (
        <span class="dim">What it will start …</span>
      ) : (
        <Told preview={preview} />
      )}
    </div>
  );
}

function Told({ preview: { sourceStamps, requests } }: { preview: ForcePreview }): JSX.Element {
  const more = requests.length - MOST_SHOWN;
  return (
    <>
      <p>
        {sourceStamps === null ? (
          'The form is not complete yet. It will start'
        ) : (
          <>
            Builds <b>{sourceWords(sourceStamps)}</b> on
          </>
        )}{' '}
        {requests.length === 1 ? <b>{requests[0]?.builder}</b> : `${requests.length} builders`}:
      </p>
      <ul>
        {requests.slice(0, MOST_SHOWN).map((outlook) => (
          <Outlook key={outlook.builder} outlook={outlook} named={requests.length > 1} />
        ))}
        {more > 0 && <li class="dim">and {more} more</li>}
      </ul>
    </>
  );
}

function Outlook({ outlook, named }: { outlook: RequestOutlook; named: boolean }): JSX.Element {
  const words = outlookWords(outlook, now.value);
  if (!named)
    return (
      <>
        {words.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </>
    );
  return (
    <li>
      <b>{outlook.builder}</b> {words.join('; ')}
    </li>
  );
}

/** The newest text that has stayed as it is for a moment. */
function useRested(text: string): string {
  const [rested, setRested] = useState(text);
  useEffect(() => {
    const timer = setTimeout(() => setRested(text), REST_MS);
    return () => clearTimeout(timer);
  }, [text]);
  return rested;
}

/** Rises after each time of this length. */
function useTicks(ms: number): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const timer = setInterval(() => setCount((was) => was + 1), ms);
    return () => clearInterval(timer);
  }, [ms]);
  return count;
}
