// In which order the two copies of a table are written, so that one whole copy is there at every moment.

export type Copy = 'primary' | 'backup'

/** Backup first: while it is torn the primary still holds the old table, and while the primary is torn the backup already holds the
 * new one; readers take the primary and fall back to the backup (UEFI 5.3.2; AOSP liblp reader.cpp), so what they see changes once.
 * Only where the primary is damaged already does it go first: the backup is then the one good copy, and must not be touched before
 * there is another. With that, a write that was cut off is repeated from any point, towards the new table or back to the old one. */
export function copyOrder(primaryIsWhole: boolean): readonly [Copy, Copy] {
  return primaryIsWhole ? ['backup', 'primary'] : ['primary', 'backup']
}
