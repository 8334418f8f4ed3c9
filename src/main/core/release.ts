/** Frees the memory of a buffer that nobody reads any more, now rather than when the garbage collector comes by: V8 lets
 * some 64 MiB of dead buffers gather in every thread before it does. Only for a view that covers its whole buffer. */
export function release(bytes: Uint8Array<ArrayBuffer>): void {
  if (bytes.byteLength > 0 && bytes.byteLength === bytes.buffer.byteLength) bytes.buffer.transfer(0)
}
