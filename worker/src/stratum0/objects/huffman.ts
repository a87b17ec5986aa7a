/** Bits of the longest code of a symbol (RFC 1951, section 3.2.7). */
export const MOST_BITS = 15;

/**
 * The lengths of the codes for symbols that occur so often, without the zeros at the end: Huffman's algorithm, with zlib's
 * way to choose among symbols that are equally rare, and zlib's way to shorten codes that are too long.
 */
export function codeLengths(counts: readonly number[], mostBits: number): number[] {
  const weights = [...counts];
  const used = [...counts.keys()].filter((symbol) => (counts[symbol] ?? 0) > 0);
  // There are always two codes.
  while (used.length < 2) {
    const last = used.at(-1) ?? -1;
    const extra = last < 2 ? last + 1 : 0;
    used.push(extra);
    weights[extra] = 1;
  }
  const { parents, order } = treeOf(used, weights, counts.length);
  const lengths = limited(parents, order, counts.length, mostBits);
  return lengths.slice(0, Math.max(...used) + 1);
}

/** Joins the two rarest again and again. Gives what each was joined to, and the nodes from the root down. */
function treeOf(used: readonly number[], weights: number[], symbols: number): { parents: number[]; order: number[] } {
  const depths = new Array<number>(symbols * 2).fill(0);
  const parents: number[] = [];
  const order: number[] = [];
  const of = (list: readonly number[], node: number): number => list[node] ?? 0;
  const isRarer = (a: number, b: number): boolean =>
    of(weights, a) < of(weights, b) || (of(weights, a) === of(weights, b) && of(depths, a) <= of(depths, b));
  const heap = [...used];
  const sink = (from: number): void => {
    const node = of(heap, from);
    let at = from;
    for (let child = 2 * at + 1; child < heap.length; child = 2 * at + 1) {
      if (child + 1 < heap.length && isRarer(of(heap, child + 1), of(heap, child))) child += 1;
      if (isRarer(node, of(heap, child))) break;
      heap[at] = of(heap, child);
      at = child;
    }
    heap[at] = node;
  };
  for (let i = Math.floor(heap.length / 2) - 1; i >= 0; i -= 1) sink(i);
  for (let node = symbols; heap.length > 1; node += 1) {
    const rarest = of(heap, 0);
    heap[0] = heap.pop() ?? 0;
    sink(0);
    const next = of(heap, 0);
    order.unshift(next, rarest);
    weights[node] = of(weights, rarest) + of(weights, next);
    depths[node] = Math.max(of(depths, rarest), of(depths, next)) + 1;
    parents[rarest] = node;
    parents[next] = node;
    heap[0] = node;
    sink(0);
  }
  order.unshift(of(heap, 0));
  return { parents, order };
}

/** Depths of the leaves, none of them more than `most`. */
function limited(parents: readonly number[], order: readonly number[], symbols: number, most: number): number[] {
  const lengths = new Array<number>(symbols).fill(0);
  const ofLength = new Array<number>(most + 1).fill(0);
  let tooLong = 0;
  for (const node of order) {
    const parent = parents[node];
    const length = parent === undefined ? 0 : (lengths[parent] ?? 0) + 1;
    if (length > most) tooLong += 1;
    lengths[node] = Math.min(length, most);
    if (node < symbols) ofLength[Math.min(length, most)] = (ofLength[Math.min(length, most)] ?? 0) + 1;
  }
  const change = (length: number, by: number): void => {
    ofLength[length] = (ofLength[length] ?? 0) + by;
  };
  for (let left = tooLong; left > 0; left -= 2) {
    let length = most - 1;
    while (ofLength[length] === 0) length -= 1;
    change(length, -1);
    change(length + 1, 2);
    change(most, -1);
  }
  if (tooLong === 0) return lengths.slice(0, symbols);
  const rarestFirst = order.filter((node) => node < symbols).reverse();
  for (let length = most; length > 0; length -= 1)
    for (const node of rarestFirst.splice(0, ofLength[length] ?? 0)) lengths[node] = length;
  return lengths.slice(0, symbols);
}

/** The codes of these lengths, first bit lowest (RFC 1951, section 3.2.2). */
export function codesOf(lengths: readonly number[]): number[] {
  const next = new Array<number>(MOST_BITS + 2).fill(0);
  for (let bits = 1; bits <= MOST_BITS; bits += 1)
    next[bits + 1] = ((next[bits] ?? 0) + lengths.filter((length) => length === bits).length) * 2;
  return lengths.map((length) => {
    if (length === 0) return 0;
    const code = next[length] ?? 0;
    next[length] = code + 1;
    return Number.parseInt(code.toString(2).padStart(length, '0').split('').reverse().join(''), 2);
  });
}
