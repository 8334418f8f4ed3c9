// The PKCS#7 SignedData that signs a whole OTA package, read strictly: what AOSP's SignApk and openssl write, and nothing beside it.
// node-forge reads the DER; certificates are read by node:crypto, because node-forge knows RSA keys only (docs/adr/0011).
import { X509Certificate } from 'node:crypto'
import forge from 'node-forge'
import { asSlotbenchError, SlotbenchError } from '../../../shared/errors.ts'
import type { HashAlgorithm } from '../formats/stream-digests.ts'

export interface SignedData {
  /** Of the content and of the signature. */
  readonly algorithm: HashAlgorithm
  /** The signer's certificate, DER, and any others that came along. */
  readonly certificate: Uint8Array
  readonly otherCertificates: readonly Uint8Array[]
  readonly signature: Uint8Array
  /** What is really signed where the signer added attributes: their DER, and the digest of the content in them. */
  readonly attributes: { readonly signed: Uint8Array; readonly contentDigest: Uint8Array } | undefined
}

type Node = forge.asn1.Asn1

const { Type, Class } = forge.asn1
const OID = {
  data: '1.2.840.113549.1.7.1',
  signedData: '1.2.840.113549.1.7.2',
  contentType: '1.2.840.113549.1.9.3',
  messageDigest: '1.2.840.113549.1.9.4',
}
const DIGESTS: ReadonlyMap<string, HashAlgorithm> = new Map([
  ['1.3.14.3.2.26', 'sha1'],
  ['2.16.840.1.101.3.4.2.1', 'sha256'],
  ['2.16.840.1.101.3.4.2.2', 'sha384'],
  ['2.16.840.1.101.3.4.2.3', 'sha512'],
])
/** Algorithms of signatures, with the hash that they name; undefined: the hash is named elsewhere. */
const SIGNATURES: ReadonlyMap<string, HashAlgorithm | undefined> = new Map([
  ['1.2.840.113549.1.1.1', undefined],
  ['1.2.840.113549.1.1.5', 'sha1'],
  ['1.2.840.113549.1.1.11', 'sha256'],
  ['1.2.840.113549.1.1.12', 'sha384'],
  ['1.2.840.113549.1.1.13', 'sha512'],
  ['1.2.840.10045.2.1', undefined],
  ['1.2.840.10045.4.1', 'sha1'],
  ['1.2.840.10045.4.3.2', 'sha256'],
  ['1.2.840.10045.4.3.3', 'sha384'],
  ['1.2.840.10045.4.3.4', 'sha512'],
])
const MAX_CERTIFICATES = 8

/** @throws SlotbenchError `signature-invalid` for anything but DER of one signature over content that lies elsewhere. */
export function parseSignedData(der: Uint8Array): SignedData {
  try {
    return signedDataOf(parseDer(der))
  } catch (thrown) {
    // node-forge has errors of its own for what lies inside values.
    throw asSlotbenchError(thrown, 'signature-invalid')
  }
}

function signedDataOf(node: Node): SignedData {
  const [contentType, wrapped, ...tooMuch] = listOf(node, Type.SEQUENCE, 'the signature')
  if (oidOf(contentType) !== OID.signedData || tooMuch.length > 0) throw invalid('it is no PKCS#7 SignedData')
  const [inner] = explicit(wrapped, 0, 'SignedData')
  const parts = listOf(inner, Type.SEQUENCE, 'SignedData')
  const [version, digests, content, certificates, signers] = parts
  // CMS says 3 where the signer is named by its key; AOSP's recovery knows 1 only, and so do those who sign for it.
  if (integerOf(version) !== 1) throw invalid('its version is not 1')
  const [type, ...attached] = listOf(content, Type.SEQUENCE, 'the content')
  if (oidOf(type) !== OID.data || attached.length > 0)
    throw invalid('it carries content of its own instead of signing the package')
  if (parts.length !== 5) throw invalid('it has other parts than certificates and one signer')
  const found = explicit(certificates, 0, 'the certificates').map(encode)
  if (found.length > MAX_CERTIFICATES) throw invalid(`it carries ${found.length} certificates`)
  const infos = listOf(signers, Type.SET, 'the signers')
  if (infos.length !== 1) throw invalid(`it has ${infos.length} signers`)
  const signer = signerOf(infos[0])
  const named = listOf(digests, Type.SET, 'the digest algorithms').map(digestAlgorithm)
  if (named.length !== 1 || named[0] !== signer.algorithm)
    throw invalid('its two lists of digest algorithms differ')
  const certificate = found.find((one) => isNamed(one, signer.issuer, signer.serial))
  if (certificate === undefined) throw invalid('it does not carry the certificate of its signer')
  const { algorithm, signature, attributes } = signer
  const otherCertificates = found.filter((one) => one !== certificate)
  return { algorithm, certificate, otherCertificates, signature, attributes }
}

/** A certificate read by node:crypto.
 * @throws SlotbenchError `signature-invalid`. */
export function parseCertificate(bytes: Uint8Array): X509Certificate {
  try {
    const certificate = new X509Certificate(bytes)
    // Throws here, not later, for keys that nobody here can verify with.
    void certificate.publicKey
    return certificate
  } catch (cause) {
    throw new SlotbenchError('signature-invalid', 'a certificate in the package cannot be read', { cause })
  }
}

interface SignerInfo extends Pick<SignedData, 'algorithm' | 'signature' | 'attributes'> {
  /** DER of the issuer's name, and the serial number in hex. */
  readonly issuer: Buffer
  readonly serial: string
}

function signerOf(node: Node | undefined): SignerInfo {
  const [version, name, digest, ...rest] = listOf(node, Type.SEQUENCE, 'the signer')
  if (integerOf(version) !== 1) throw invalid('the version of its signer is not 1')
  const [issuer, serial, ...more] = listOf(name, Type.SEQUENCE, 'the name of the signer')
  if (issuer === undefined || more.length > 0) throw invalid('the name of the signer is damaged')
  const algorithm = digestAlgorithm(digest)
  const withAttributes = rest[0]?.tagClass === Class.CONTEXT_SPECIFIC ? rest.shift() : undefined
  const [signatureAlgorithm, signature, ...others] = rest
  if (others.length > 0) throw invalid('the signer has attributes that nobody signed')
  const byName = signatureHash(signatureAlgorithm)
  if (byName !== undefined && byName !== algorithm) throw invalid('it names two different digest algorithms')
  return {
    ...{ algorithm, issuer: encode(issuer), serial: bytesOf(serial, Type.INTEGER).toString('hex') },
    signature: bytesOf(signature, Type.OCTETSTRING),
    attributes: withAttributes === undefined ? undefined : attributesOf(withAttributes),
  }
}

function attributesOf(node: Node): SignedData['attributes'] {
  const values = new Map<string, Node>()
  const attributes = explicit(node, 0, 'the signed attributes')
  for (const attribute of attributes) {
    const [type, set] = listOf(attribute, Type.SEQUENCE, 'a signed attribute')
    const [value, ...others] = listOf(set, Type.SET, 'a signed attribute')
    if (value === undefined || others.length > 0 || values.has(oidOf(type)))
      throw invalid('a signed attribute has more than one value')
    values.set(oidOf(type), value)
  }
  if (oidOf(values.get(OID.contentType)) !== OID.data)
    throw invalid('its signed attributes speak of another kind of content')
  const contentDigest = bytesOf(values.get(OID.messageDigest), Type.OCTETSTRING)
  // Signed as the SET that they are, not under the tag that they stand under (RFC 2315, 9.3).
  const signed = encode(forge.asn1.create(Class.UNIVERSAL, Type.SET, true, [...attributes]))
  return { signed, contentDigest }
}

function isNamed(certificate: Uint8Array, issuer: Buffer, serial: string): boolean {
  const [tbs] = listOf(parseDer(certificate), Type.SEQUENCE, 'a certificate')
  const fields = listOf(tbs, Type.SEQUENCE, 'a certificate')
  const versioned = fields[0]?.tagClass === Class.CONTEXT_SPECIFIC ? 1 : 0
  const [number, , name] = fields.slice(versioned)
  if (number === undefined || name === undefined) throw invalid('a certificate is damaged')
  return bytesOf(number, Type.INTEGER).toString('hex') === serial && encode(name).equals(issuer)
}

function digestAlgorithm(node: Node | undefined): HashAlgorithm {
  const oid = algorithmOid(node)
  const known = DIGESTS.get(oid)
  if (known === undefined) throw invalid(`it uses a digest algorithm that is not known (${oid})`)
  return known
}

function signatureHash(node: Node | undefined): HashAlgorithm | undefined {
  const oid = algorithmOid(node)
  if (!SIGNATURES.has(oid)) throw invalid(`it uses a signature algorithm that is not known (${oid})`)
  return SIGNATURES.get(oid)
}

/** Parameters are absent or NULL for all that is known here; curves are named in the certificate. */
function algorithmOid(node: Node | undefined): string {
  const [oid, parameters, ...more] = listOf(node, Type.SEQUENCE, 'an algorithm')
  if (more.length > 0 || (parameters !== undefined && !encode(parameters).equals(NULL)))
    throw invalid('an algorithm has parameters that are not known')
  return oidOf(oid)
}

const NULL = Buffer.from([5, 0])

function parseDer(der: Uint8Array): Node {
  try {
    const node = forge.asn1.fromDer(Buffer.from(der).toString('latin1'), true)
    // What is not written as DER writes it could be read in two ways.
    if (encode(node).equals(der)) return node
  } catch (cause) {
    throw new SlotbenchError('signature-invalid', 'the signature is not DER', { cause })
  }
  throw invalid('it is not in the one form that DER allows')
}

function encode(node: Node): Buffer<ArrayBuffer> {
  return Buffer.from(forge.asn1.toDer(node).getBytes(), 'latin1')
}

function listOf(node: Node | undefined, type: forge.asn1.Type, what: string): readonly Node[] {
  if (node?.tagClass !== Class.UNIVERSAL || node.type !== type || !Array.isArray(node.value))
    throw invalid(`${what} is damaged`)
  return node.value
}

function explicit(node: Node | undefined, tag: number, what: string): readonly Node[] {
  const { tagClass, type, value } = node ?? {}
  if (tagClass !== Class.CONTEXT_SPECIFIC || Number(type) !== tag || !Array.isArray(value))
    throw invalid(`${what} are damaged`)
  return value
}

function bytesOf(node: Node | undefined, type: forge.asn1.Type): Buffer<ArrayBuffer> {
  if (node?.tagClass !== Class.UNIVERSAL || node.type !== type || typeof node.value !== 'string')
    throw invalid('a value in it is of the wrong kind')
  return Buffer.from(node.value, 'latin1')
}

function oidOf(node: Node | undefined): string {
  return forge.asn1.derToOid(bytesOf(node, Type.OID).toString('latin1'))
}

function integerOf(node: Node | undefined): number {
  const bytes = bytesOf(node, Type.INTEGER)
  return bytes.length === 1 ? (bytes[0] ?? -1) : -1
}

function invalid(detail: string): SlotbenchError {
  return new SlotbenchError('signature-invalid', `the package's signature cannot be used: ${detail}`)
}
