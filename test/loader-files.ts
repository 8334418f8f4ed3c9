// Loaders as a maker's signing tool lays them out, around certificates that OpenSSL makes. For tests of the reader; nothing starts them.
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { beyondEnd } from '../src/main/core/formats/slice-source.ts'
import type { ByteSource } from '../src/main/core/source.ts'
import { bytes } from '../src/shared/units.ts'

/** Makes `count` certificates in DER, the attestation first, each signed by the next, the last by itself.
 * @param openssl path of the program. */
export function certificateChain(
  openssl: string,
  {
    key,
    units,
    count = 2,
  }: { readonly key: 'rsa' | 'p384'; readonly units: readonly string[]; readonly count?: number },
): readonly Uint8Array[] {
  const folder = mkdtempSync(join(tmpdir(), 'slotbench-chain-'))
  const run = (...args: readonly string[]) => execFileSync(openssl, args, { cwd: folder, stdio: 'pipe' })
  const newKey = key === 'rsa' ? ['rsa:2048'] : ['ec', '-pkeyopt', 'ec_paramgen_curve:secp384r1']
  const hash = key === 'rsa' ? '-sha256' : '-sha384'
  try {
    for (let i = count - 1; i >= 0; i--) {
      const names = i === 0 ? units.map((unit) => `/OU=${unit}`).join('') : ''
      const subject = `/CN=test ${i === count - 1 ? 'Root CA' : `level ${i}`}${names}`
      const request = ['req', '-newkey', ...newKey, '-nodes', hash, '-keyout', `${i}.key`, '-subj', subject]
      if (i === count - 1) run(...request, '-x509', '-days', '3650', '-outform', 'DER', '-out', `${i}.der`)
      else {
        run(...request, '-out', `${i}.csr`)
        run(
          'x509',
          '-req',
          '-in',
          `${i}.csr`,
          hash,
          '-days',
          '3650',
          '-CA',
          `${i + 1}.pem`,
          '-CAkey',
          `${i + 1}.key`,
          '-set_serial',
          `${i + 1}`,
          '-outform',
          'DER',
          '-out',
          `${i}.der`,
        )
      }
      run('x509', '-inform', 'DER', '-in', `${i}.der`, '-out', `${i}.pem`)
    }
    return Array.from({ length: count }, (_, i) => new Uint8Array(readFileSync(join(folder, `${i}.der`))))
  } finally {
    rmSync(folder, { recursive: true })
  }
}

export type HashVersion = 3 | 5 | 6 | 7

/** The hash segment with certificates (and, from version 5 on, some of Qualcomm's before them). */
export function hashSegment(version: HashVersion, certificates: readonly Uint8Array[]): Uint8Array {
  const chain = Buffer.concat([...certificates, Buffer.alloc(13, 0xff)])
  const [digests, signature, qtiSignature, qtiChain, meta, qtiMeta] = [
    Buffer.alloc(version < 6 ? 96 : 144, 0x11),
    Buffer.alloc(256, 0x22),
    Buffer.alloc(104, 0x33),
    Buffer.from([0x30, 3, 1, 1, 1]),
    Buffer.alloc(120, 0x44),
    Buffer.alloc(60, 0x55),
  ]
  const [d, s, qs, qc, m, qm] = [digests, signature, qtiSignature, qtiChain, meta, qtiMeta].map(
    (part) => part.length,
  )
  switch (version) {
    case 3: {
      const total = Number(d) + Number(s) + chain.length
      return Buffer.concat([
        words(0, 3, 0, 0x1000, total, d, 0x1000, s, 0x2000, chain.length),
        digests,
        signature,
        chain,
      ])
    }
    case 5:
      return Buffer.concat([
        words(0, 5, qs, qc, 0, d, 0xffffffff, s, 0xffffffff, chain.length),
        digests,
        qtiSignature,
        qtiChain,
        signature,
        chain,
      ])
    case 6:
      return Buffer.concat([
        words(0, 6, qs, qc, 0, d, 0xffffffff, s, 0xffffffff, chain.length, qm, m),
        qtiMeta,
        meta,
        digests,
        qtiSignature,
        qtiChain,
        signature,
        chain,
      ])
    case 7:
      return Buffer.concat([
        words(0, 7, 24, qm, m, d, qs, qc, s, chain.length),
        Buffer.alloc(24),
        qtiMeta,
        meta,
        digests,
        qtiSignature,
        qtiChain,
        signature,
        chain,
      ])
  }
}

/** An ELF with a place for its headers, a hash segment (unless there is none) and one segment of code. */
export function elfLoader(bits: 32 | 64, hash: Uint8Array | undefined): Uint8Array<ArrayBuffer> {
  const wide = bits === 64
  const [header, entry] = wide ? [64, 56] : [52, 32]
  const parts = [
    { type: 0, flags: 0x0700_0000, content: undefined },
    ...(hash ? [{ type: 0, flags: 0x0220_0000, content: hash }] : []),
    { type: 1, flags: 5, content: new Uint8Array(5000).map((_, index) => index) },
  ]
  const headers = header + entry * parts.length
  let at = 0x1000
  const placed = parts.map((part) => {
    const size = part.content?.length ?? headers
    const offset = part.content ? at : 0
    if (part.content) at += Math.ceil(size / 0x1000) * 0x1000
    return { ...part, offset, size }
  })
  const last = placed.at(-1)
  const file = Buffer.alloc((last?.offset ?? 0) + (last?.size ?? 0))
  file.set([0x7f, 0x45, 0x4c, 0x46, wide ? 2 : 1, 1, 1])
  file.writeUInt16LE(2, 16)
  file.writeUInt16LE(wide ? 183 : 40, 18)
  file.writeUInt32LE(1, 20)
  if (wide) file.writeBigUInt64LE(BigInt(header), 32)
  else file.writeUInt32LE(header, 28)
  const tail = wide ? 52 : 40
  file.writeUInt16LE(header, tail)
  file.writeUInt16LE(entry, tail + 2)
  file.writeUInt16LE(parts.length, tail + 4)
  for (const [index, { type, flags, offset, size, content }] of placed.entries()) {
    const p = header + entry * index
    file.writeUInt32LE(type, p)
    if (wide) {
      file.writeUInt32LE(flags, p + 4)
      file.writeBigUInt64LE(BigInt(offset), p + 8)
      file.writeBigUInt64LE(BigInt(size), p + 32)
      file.writeBigUInt64LE(BigInt(size), p + 40)
    } else {
      file.writeUInt32LE(offset, p + 4)
      file.writeUInt32LE(size, p + 16)
      file.writeUInt32LE(size, p + 20)
      file.writeUInt32LE(flags, p + 24)
    }
    if (content) file.set(content, offset)
  }
  return new Uint8Array(file)
}

/** Code, signature and certificates behind one header of 40 or 80 bytes. */
export function mbnLoader(certificates: readonly Uint8Array[], long = false): Uint8Array<ArrayBuffer> {
  const chain = Buffer.concat([...certificates])
  const [code, signature] = [Buffer.alloc(3000, 0x66), Buffer.alloc(256, 0x77)]
  const signed = chain.length > 0 ? signature.length : 0
  const sizes = [code.length + signed + chain.length, code.length, 0, signed, 0, chain.length]
  const header = long
    ? Buffer.concat([words(0x844bdcd1, 0x73d71034, 0x15, 0, 0, 80, 0x2a000000, ...sizes), Buffer.alloc(28)])
    : words(0x0d, 3, 0, 0x2a000000, ...sizes)
  return new Uint8Array(Buffer.concat([header, code, signature.subarray(0, signed), chain]))
}

export function memorySource(content: Uint8Array<ArrayBuffer>, name = 'prog_firehose_ddr.elf'): ByteSource {
  return {
    name,
    size: bytes(content.length),
    read: async (offset, length) => {
      if (offset < 0 || length < 0 || offset + length > content.length) throw beyondEnd(name, offset + length)
      return content.slice(offset, offset + length)
    },
    close: async () => undefined,
  }
}

function words(...values: readonly (number | undefined)[]): Buffer {
  const buffer = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) buffer.writeUInt32LE(value ?? 0, 4 * index)
  return buffer
}
