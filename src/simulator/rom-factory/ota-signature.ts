// Signs a whole zip as AOSP's SignApk does (build/make/tools/signapk, `-w`): a PKCS#7 signature in the comment, and a footer that
// says where it begins.
import { createSign, type KeyObject, X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { SlotbenchError } from '../../shared/errors.ts'

export interface OtaSigner {
  /** RSA or EC. */
  readonly key: KeyObject
  /** PEM of the same key. */
  readonly certificate: string
  /** Default: SHA-256. SHA-1 is what packages of old terminals have. */
  readonly algorithm?: 'sha1' | 'sha256'
}

const END_SIZE = 22
const FOOTER_SIZE = 6
const REMARK = Buffer.from('signed by SignApk\0', 'latin1')

/** @param zip an archive without a comment, from its first byte to its last. */
export async function* signedZipBytes(
  zip: AsyncIterable<Uint8Array>,
  signer: OtaSigner,
): AsyncGenerator<Uint8Array> {
  const sign = createSign(signer.algorithm ?? 'sha256')
  let held = Buffer.alloc(0)
  for await (const piece of zip) {
    const all = Buffer.concat([held, piece])
    const free = all.subarray(0, Math.max(0, all.length - END_SIZE))
    held = Buffer.from(all.subarray(free.length))
    sign.update(free)
    if (free.length > 0) yield free
  }
  if (held.length !== END_SIZE || held.readUInt32LE(0) !== 0x06054b50 || held.readUInt16LE(20) !== 0)
    throw new SlotbenchError('internal', 'only an archive without a comment can be signed')
  // All of the end record is signed but the length of the comment.
  const end = held.subarray(0, END_SIZE - 2)
  yield end
  const cms = signedData(sign.update(end).sign(signer.key), signer)
  const footer = Buffer.alloc(FOOTER_SIZE)
  const comment = Buffer.concat([REMARK, cms, footer])
  comment.writeUInt16LE(cms.length + FOOTER_SIZE, comment.length - FOOTER_SIZE)
  comment.writeUInt16LE(0xffff, comment.length - FOOTER_SIZE + 2)
  comment.writeUInt16LE(comment.length, comment.length - FOOTER_SIZE + 4)
  const length = Buffer.alloc(2)
  length.writeUInt16LE(comment.length)
  yield Buffer.concat([length, comment])
}

const { asn1 } = forge
const { Class, Type } = asn1
const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  sha1: '1.3.14.3.2.26',
  sha256: '2.16.840.1.101.3.4.2.1',
  rsa: '1.2.840.113549.1.1.1',
  'ecdsa-sha1': '1.2.840.10045.4.1',
  'ecdsa-sha256': '1.2.840.10045.4.3.2',
} as const

/** DER of a PKCS#7 SignedData with one signature over content that lies elsewhere. */
function signedData(signature: Buffer, { key, certificate, algorithm = 'sha256' }: OtaSigner): Buffer {
  const der = asn1.fromDer(new X509Certificate(certificate).raw.toString('latin1'))
  const digest = sequence(oid(OID[algorithm]), asn1.create(Class.UNIVERSAL, Type.NULL, false, ''))
  const { issuer, serial } = namesIn(der)
  const signatureAlgorithm =
    key.asymmetricKeyType === 'ec'
      ? sequence(oid(OID[`ecdsa-${algorithm}`]))
      : sequence(oid(OID.rsa), asn1.create(Class.UNIVERSAL, Type.NULL, false, ''))
  const signer = sequence(
    ...[one(), sequence(issuer, serial), digest, signatureAlgorithm],
    asn1.create(Class.UNIVERSAL, Type.OCTETSTRING, false, signature.toString('latin1')),
  )
  const body = sequence(...[one(), set(digest), sequence(oid(OID.data)), tagged(der), set(signer)])
  return Buffer.from(asn1.toDer(sequence(oid(OID.signedData), tagged(body))).getBytes(), 'latin1')
}

function namesIn(certificate: forge.asn1.Asn1) {
  const [tbs] = certificate.value as forge.asn1.Asn1[]
  const [, serial, , issuer] = (tbs?.value ?? []) as forge.asn1.Asn1[]
  if (serial === undefined || issuer === undefined)
    throw new SlotbenchError('internal', 'the certificate is not one of version 3')
  return { serial, issuer }
}

function sequence(...values: forge.asn1.Asn1[]) {
  return asn1.create(Class.UNIVERSAL, Type.SEQUENCE, true, values)
}

function set(value: forge.asn1.Asn1) {
  return asn1.create(Class.UNIVERSAL, Type.SET, true, [value])
}

function tagged(value: forge.asn1.Asn1) {
  return asn1.create(Class.CONTEXT_SPECIFIC, 0, true, [value])
}

function oid(name: string) {
  return asn1.create(Class.UNIVERSAL, Type.OID, false, asn1.oidToDer(name).getBytes())
}

function one() {
  return asn1.create(Class.UNIVERSAL, Type.INTEGER, false, '\x01')
}
