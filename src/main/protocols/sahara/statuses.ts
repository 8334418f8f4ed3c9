// What a boot ROM means with the status that ends an image, in our own words (zte-domain §4.1; qdl and edl).

const STATUSES: ReadonlyMap<number, string> = new Map([
  [0x01, 'it did not expect this command now'],
  [0x02, 'both sides speak different versions of Sahara'],
  [0x03, 'its own version of Sahara is out of range'],
  [0x04, 'our version of Sahara is out of range for it'],
  [0x05, 'a packet had a wrong size'],
  [0x06, 'it was offered an image with an id that it did not ask for'],
  [0x07, 'the header of the image has a wrong size'],
  [0x08, 'the data of the image has a wrong size'],
  [0x09, 'the image is of a kind that it does not take'],
  [0x0a, 'a transfer from it had a wrong length'],
  [0x0b, 'a transfer to it had a wrong length'],
  [0x0c, 'a transfer failed'],
  [0x0d, 'it could not ask for the next data'],
  [0x0e, 'the image has more program headers than it takes'],
  [0x0f, 'the program headers arrived with a wrong length'],
  [0x10, 'the image has several shared segments'],
  [0x11, 'the place of the program headers is not set up'],
  [0x12, 'a segment wants to be loaded where nothing may be'],
  [0x13, 'the data in the header of the image has a wrong size'],
  [0x14, 'the image does not begin with a valid ELF header'],
  [0x15, 'it does not know the error that the host reported'],
  [0x16, 'the data did not arrive in time'],
  [0x17, 'its own data was not taken in time'],
  [0x18, 'it was asked for a mode that it does not have'],
  [0x19, 'memory was read that may not be'],
  [0x1a, 'more data was asked for than the host can give'],
  [0x1b, 'it has no memory debug'],
  [0x1c, 'it cannot change into that mode'],
  [0x1d, 'a command failed'],
  [0x1e, 'a command had a wrong parameter'],
  [0x1f, 'it does not know that command'],
  [0x20, 'data was asked for that belongs to no command'],
  [0x21, 'the signature of the image is not one that it trusts'],
  [0x22, 'a segment of the image is not what its signed digest says'],
  [0x23, 'the image is not signed: it holds no table of digests'],
  [0x24, 'it could not get ready to load an image'],
  // From here on the sources disagree (qdl names another cause for 25 and 27 than edl does).
  [0x25, 'the image could not be authenticated, or has no valid entry'],
  [0x26, 'the table of digests has a wrong size'],
])

/** `status 0x21: the signature …`. */
export function statusWords(status: number): string {
  const words = STATUSES.get(status) ?? 'a status of which nothing is known'
  return `status 0x${status.toString(16).padStart(2, '0')}: ${words}`
}
