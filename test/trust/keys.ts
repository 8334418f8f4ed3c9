// Keys and certificates for tests of trust, made anew for each run.
import { execFileSync } from 'node:child_process'
import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import forge from 'node-forge'
import { parseAnchor } from '../../src/main/core/trust/anchors.ts'
import type { TrustAnchor } from '../../src/shared/trust.ts'

export interface TestSigner {
  readonly key: KeyObject
  /** PEM. */
  readonly certificate: string
}

export interface CertificateOptions {
  readonly subject: string
  /** Self-signed when left out. */
  readonly issuer?: TestSigner
  readonly ca?: boolean
  readonly bits?: number
}

let serial = 1

/** An RSA key and its certificate. */
export function rsaSigner({ subject, issuer, ca = true, bits = 2048 }: CertificateOptions): TestSigner {
  const key = generateKeyPairSync('rsa', { modulusLength: bits }).privateKey
  const own = forge.pki.privateKeyFromPem(key.export({ type: 'pkcs1', format: 'pem' }).toString())
  const certificate = forge.pki.createCertificate()
  certificate.publicKey = forge.pki.setRsaPublicKey(own.n, own.e)
  certificate.serialNumber = `4a${(serial++).toString(16).padStart(4, '0')}`
  // Expired: recoveries do not look, and packages outlive their certificates.
  certificate.validity.notBefore = new Date('2015-01-01T00:00:00Z')
  certificate.validity.notAfter = new Date('2016-01-01T00:00:00Z')
  const name = [{ name: 'commonName', value: subject }]
  certificate.setSubject(name)
  certificate.setIssuer(
    issuer === undefined ? name : forge.pki.certificateFromPem(issuer.certificate).subject.attributes,
  )
  certificate.setExtensions([{ name: 'basicConstraints', cA: ca }, { name: 'subjectKeyIdentifier' }])
  const signing = issuer === undefined ? own : forge.pki.privateKeyFromPem(pemOf(issuer.key))
  certificate.sign(signing, forge.md.sha256.create())
  return { key, certificate: forge.pki.certificateToPem(certificate) }
}

function pemOf(key: KeyObject): string {
  return key.export({ type: 'pkcs1', format: 'pem' }).toString()
}

/** A key and certificate that openssl made. */
export function opensslSigner(openssl: string, algorithm: readonly string[], subject: string): TestSigner {
  const folder = mkdtempSync(join(tmpdir(), 'slotbench-openssl-'))
  try {
    const [key, certificate] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')]
    execFileSync(openssl, ['genpkey', ...algorithm, '-out', key], { stdio: 'pipe' })
    const request = [
      'req',
      '-x509',
      '-new',
      '-key',
      key,
      '-subj',
      `/CN=${subject}`,
      '-days',
      '30',
      '-out',
      certificate,
    ]
    execFileSync(openssl, request, { stdio: 'pipe' })
    return { key: createPrivateKey(readFileSync(key)), certificate: readFileSync(certificate, 'utf8') }
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export function anchor(name: string, file: string | Uint8Array): TrustAnchor {
  const { kind, data, fingerprint } = parseAnchor(Buffer.from(file))
  return {
    ...{ name, kind, fingerprint, data: Buffer.from(data).toString('base64') },
    ...{ addedAt: '2026-11-25T10:00:00.000Z', addedBy: 'tester' },
  }
}

export function spkiPem(key: KeyObject): string {
  return createPublicKey(key).export({ type: 'spki', format: 'pem' }).toString()
}

/** The key and certificate as files, as other programs want them. */
export function writeSigner(folder: string, name: string, { key, certificate }: TestSigner) {
  const paths = {
    pem: join(folder, `${name}.key.pem`),
    pk8: join(folder, `${name}.pk8`),
    certificate: join(folder, `${name}.x509.pem`),
  }
  writeFileSync(paths.pem, key.export({ type: 'pkcs8', format: 'pem' }))
  writeFileSync(paths.pk8, key.export({ type: 'pkcs8', format: 'der' }))
  writeFileSync(paths.certificate, certificate)
  return paths
}
