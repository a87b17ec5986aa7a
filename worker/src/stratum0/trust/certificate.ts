import { type KeyObject, sign } from 'node:crypto';

/** Tags of the few ASN.1 types that a certificate is made of (ITU-T X.690). */
const INTEGER = 0x02;
const BIT_STRING = 0x03;
const NULL = 0x05;
const OBJECT_IDENTIFIER = 0x06;
const UTF8_STRING = 0x0c;
const UTC_TIME = 0x17;
const SEQUENCE = 0x30;
const SET = 0x31;

function der(tag: number, ...parts: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(parts);
  const length: number[] = [];
  if (content.length < 0x80) length.push(content.length);
  else {
    for (let rest = content.length; rest > 0; rest = Math.floor(rest / 256)) length.unshift(rest % 256);
    length.unshift(0x80 + length.length);
  }
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

/** `1.2.840.113549.1.1.11`, sha256WithRSAEncryption (RFC 4055). */
const SHA256_WITH_RSA = der(SEQUENCE, der(OBJECT_IDENTIFIER, Buffer.from('2a864886f70d01010b', 'hex')), der(NULL));
/** `2.5.4.3`, common name. */
const COMMON_NAME = der(OBJECT_IDENTIFIER, Buffer.from('550403', 'hex'));

/** `YYMMDDHHMMSSZ`. */
function utcTime(ms: number): Buffer {
  const digits = new Date(ms).toISOString().replace(/\D/g, '').slice(2, 14);
  return der(UTC_TIME, Buffer.from(`${digits}Z`));
}

export interface CertificateOptions {
  readonly commonName: string;
  readonly publicKey: KeyObject;
  readonly privateKey: KeyObject;
  /** At most 19 bytes. */
  readonly serial: Buffer;
  /** Milliseconds since the epoch. */
  readonly from: number;
  readonly until: number;
}

/** A self-signed X.509 version 1 certificate, as PEM: the kind that `cvmfs_server mkfs` makes for a repository key. */
export function selfSignedCertificate(options: CertificateOptions): string {
  const name = der(SEQUENCE, der(SET, der(SEQUENCE, COMMON_NAME, der(UTF8_STRING, Buffer.from(options.commonName)))));
  // The leading 1 keeps the number positive.
  const serial = der(INTEGER, Buffer.concat([Buffer.from([0x01]), options.serial]));
  const body = der(
    SEQUENCE,
    serial,
    SHA256_WITH_RSA,
    name,
    der(SEQUENCE, utcTime(options.from), utcTime(options.until)),
    name,
    options.publicKey.export({ type: 'spki', format: 'der' }),
  );
  const signature = sign('sha256', body, options.privateKey);
  const certificate = der(SEQUENCE, body, SHA256_WITH_RSA, der(BIT_STRING, Buffer.from([0]), signature));
  const lines = certificate.toString('base64').match(/.{1,64}/g) ?? [];
  return `-----BEGIN CERTIFICATE-----\n${lines.join('\n')}\n-----END CERTIFICATE-----\n`;
}
