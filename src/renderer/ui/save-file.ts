// Hands a text or bytes to the browser as a file.

export function saveText(name: string, type: string, text: string): void {
  save(name, new Blob([text], { type }))
}

export function saveBytes(name: string, type: string, bytes: Uint8Array<ArrayBuffer>): void {
  save(name, new Blob([bytes], { type }))
}

function save(name: string, content: Blob): void {
  const address = URL.createObjectURL(content)
  const link = document.createElement('a')
  link.href = address
  link.download = name
  link.click()
  // After the download has begun.
  setTimeout(() => URL.revokeObjectURL(address), 10_000)
}
