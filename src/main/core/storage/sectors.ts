// Where things lie on a terminal's storage: sectors of one physical partition (LUN), as EDL and partition tables count them.

/** Whole sectors of one LUN, from `first` on. Their size is that of the storage they lie on. */
export interface SectorRange {
  readonly lun: number
  readonly first: number
  readonly count: number
}
