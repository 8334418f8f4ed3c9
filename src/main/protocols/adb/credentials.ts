// With what this computer introduces itself to a terminal over ADB; `io/adb` keeps it on disk.

/** One RSA key pair. */
export interface AdbKey {
  /** As Android reads it: base64 of its key structure, a space, and a name that the prompt may show. */
  readonly publicKey: string
  /** The signature of a token of 20 bytes, which the terminal treats as if it were a SHA-1. */
  sign(token: Uint8Array): Uint8Array<ArrayBuffer>
}

export interface AdbCredentials {
  /** The keys to try, the one to be offered at the prompt first. Asked for only when a terminal wants one.
   * @throws SlotbenchError `adb-key-invalid`. */
  keys(): Promise<readonly [AdbKey, ...AdbKey[]]>
}
