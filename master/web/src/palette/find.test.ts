import { expect, test } from 'vitest';
import { findPlaces, MOST_PLACES, type Place } from './find.ts';

const place = (text: string, words = ''): Place => ({ kind: 'builder', text, words, href: `/${text}` });
const texts = (places: readonly Place[], text: string) => findPlaces(places, text).map((found) => found.text);

test('all words must be found, in the name or beside it', () => {
  const places = [place('alma9_builder', 'platforms spack'), place('alma8_builder', 'platforms')];
  expect(texts(places, 'ALMA spack')).toEqual(['alma9_builder']);
  expect(texts(places, 'debian')).toEqual([]);
});

test('what begins with it comes first, then the shorter name', () => {
  const places = [place('force_publish'), place('publish_all'), place('publish'), place('checkout', 'publish')];
  expect(texts(places, 'publish')).toEqual(['publish', 'publish_all', 'force_publish', 'checkout']);
});

test('a search that finds everything shows only some', () => {
  expect(
    findPlaces(
      Array.from({ length: 100 }, (_, i) => place(`b${i}`)),
      '',
    ),
  ).toHaveLength(MOST_PLACES);
});
