import { deflate } from 'pako';

/**
 * Compresses as zlib's own source does at its default level, byte for byte, which pako 2 keeps to. The zlib of Node's is
 * another one (Chromium's: it overlooks short matches; pako 3 does as it does), which is as good for all that is read under
 * the hash of its bytes as they are stored. But a mirror (`cvmfs_swissknife pull`) unpacks certificate and description, packs
 * them anew with zlib, and stores that under the hash that the manifest names: with other bytes, its clients would refuse the
 * certificate.
 */
export function canonicalZlib(content: Uint8Array): Buffer {
  return Buffer.from(deflate(content));
}
