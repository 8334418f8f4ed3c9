// Why a package is not installed, in the words that the screen of recovery shows.

export class UpdateRefused extends Error {
  override readonly name = 'UpdateRefused'
}
