/** Sizes of the pieces of a large file in bytes: the stock tools' defaults (parameters CVMFS_MIN/AVG/MAX_CHUNK_SIZE). */
export interface ChunkSizes {
  readonly least: number;
  readonly average: number;
  readonly most: number;
}

export const CHUNK_SIZES: ChunkSizes = { least: 4 * 1024 * 1024, average: 8 * 1024 * 1024, most: 16 * 1024 * 1024 };

/** Bytes that the rolling checksum depends on: each shifts the older ones out by one of its 32 bits. */
const WINDOW = 32;
/** Middle of the interval of checksums that mark a cut. Not to be changed: content is found again by its cuts. */
const MAGIC = 0x7fffffff;

/** Finds the next cut from the bytes of a file as they come. */
export interface CutFinder {
  /** Offset of the first cut within these bytes, or null. The next call continues after that cut. */
  next(bytes: Uint8Array, from: number): number | null;
}

/**
 * Cuts where the content says so, so that a change moves only the cuts near it: at the first place, at least `least` bytes
 * after the last cut, where the 32-bit rolling checksum (shift left, xor the byte) lies near a fixed number; at `most`
 * bytes in any case. The interval is as wide as gives `average` bytes. Same definition as in CernVM-FS, so that equal files
 * give equal chunks.
 */
export function cutFinder(sizes: ChunkSizes = CHUNK_SIZES): CutFinder {
  const threshold = Math.floor(0xffffffff / sizes.average);
  let length = 0;
  let checksum = 0;
  return {
    next(bytes, from) {
      let i = from;
      const untouched = Math.min(bytes.length - i, sizes.least - WINDOW - length);
      if (untouched > 0) {
        i += untouched;
        length += untouched;
      }
      const warm = Math.min(bytes.length, i + sizes.least - length);
      for (; i < warm; i += 1, length += 1) checksum = (checksum << 1) ^ (bytes[i] ?? 0);
      const end = Math.min(bytes.length, i + sizes.most - length);
      const start = i;
      for (; i < end; i += 1) {
        checksum = (checksum << 1) ^ (bytes[i] ?? 0);
        const distance = (checksum - MAGIC) | 0;
        if (distance < threshold && distance > -threshold) break;
      }
      const isMark = i < end;
      length += i - start;
      if (!isMark && length < sizes.most) return null;
      length = 0;
      checksum = 0;
      return i;
    },
  };
}
