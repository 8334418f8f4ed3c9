// The signature algorithms of AVB (avb_crypto.h): number in the header, hash, and bits of the RSA key.

export const AVB_ALGORITHMS = {
  none: { id: 0, hash: undefined, hashBytes: 0, keyBits: 0 },
  'sha256-rsa2048': { id: 1, hash: 'sha256', hashBytes: 32, keyBits: 2048 },
  'sha256-rsa4096': { id: 2, hash: 'sha256', hashBytes: 32, keyBits: 4096 },
  'sha256-rsa8192': { id: 3, hash: 'sha256', hashBytes: 32, keyBits: 8192 },
  'sha512-rsa2048': { id: 4, hash: 'sha512', hashBytes: 64, keyBits: 2048 },
  'sha512-rsa4096': { id: 5, hash: 'sha512', hashBytes: 64, keyBits: 4096 },
  'sha512-rsa8192': { id: 6, hash: 'sha512', hashBytes: 64, keyBits: 8192 },
} as const

export type AvbAlgorithm = keyof typeof AVB_ALGORITHMS

export function avbAlgorithm(id: number): AvbAlgorithm | undefined {
  const names = Object.keys(AVB_ALGORITHMS) as AvbAlgorithm[]
  return names.find((name) => AVB_ALGORITHMS[name].id === id)
}
