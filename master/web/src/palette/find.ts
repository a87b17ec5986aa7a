/** Something that can be gone to. */
export interface Place {
  readonly kind: string;
  readonly text: string;
  /** Further words that it is found by. */
  readonly words: string;
  readonly href: string;
}

/** Places that are shown for a search. */
export const MOST_PLACES = 14;

/** Places that have all words of `text`, those whose name begins with it first; ties stay in their order. */
export function findPlaces(places: readonly Place[], text: string): Place[] {
  const words = text
    .toLowerCase()
    .split(/\s+/)
    .filter((word) => word !== '');
  const scored = places.flatMap((place) => {
    const score = scoreOf(place, words);
    return score === null ? [] : [{ place, score }];
  });
  return scored
    .sort((a, b) => b.score - a.score)
    .slice(0, MOST_PLACES)
    .map(({ place }) => place);
}

function scoreOf(place: Place, words: readonly string[]): number | null {
  const name = place.text.toLowerCase();
  const all = `${name} ${place.words.toLowerCase()}`;
  if (!words.every((word) => all.includes(word))) return null;
  const [first] = words;
  if (first === undefined) return 0;
  return (name.startsWith(first) ? 4 : 0) + (words.every((word) => name.includes(word)) ? 2 : 0) - name.length / 1000;
}
