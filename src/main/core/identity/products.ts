// Sets of names that mean one product, each with its source (zte-domain §1.2: only what is marked solid, and the two double identities).
// Behaviour is never keyed on these: slots, storage and partitions are read from the terminal (zte-domain §0.1).
// Regional variants with packages of their own (NX789J and NX789S, A2017G and A2017U, MC801A1 and ZTR01) are different products here.

export interface Product {
  /** Identifier of the set: its most telling code. */
  readonly id: string
  /** Names under which a terminal or a package may give itself away: models, product and board codes. */
  readonly names: readonly string[]
  /** For people only; never compared, since makers sell several products under one. */
  readonly marketing: string
  readonly source: string
}

const FIELDS = 'zte-domain §1.2'

export const PRODUCTS: readonly Product[] = [
  {
    id: 'NX741J',
    names: ['NX741J', 'PQ85A01'],
    marketing: 'nubia Z80 Ultra',
    source: `${FIELDS}: Settings say NX741J, ADB says PQ85A01 (RM11 #1, #1,440, #1,442; ToolboxScript)`,
  },
  {
    id: 'NX769J',
    names: ['NX769J', 'PQ83A01'],
    marketing: 'RedMagic 9 Pro',
    source: `${FIELDS}: ToolboxScript; bkerler/edl issue 488`,
  },
  {
    id: 'A2017',
    names: ['A2017', 'ailsa_ii'],
    marketing: 'Axon 7',
    source: `${FIELDS}: programmer-collection/zte README`,
  },
  {
    id: 'A2019',
    names: ['A2019', 'P845A01'],
    marketing: 'Axon 9 Pro',
    source: `${FIELDS}: programmer-collection/zte; ToolboxScript`,
  },
  {
    id: 'A2020',
    names: ['A2020', 'P855A01'],
    marketing: 'Axon 10 Pro',
    source: `${FIELDS}: programmer-collection/zte; ToolboxScript`,
  },
  ...(
    [
      ['NX563J', 'nubia Z17'],
      ['NX606J', 'nubia Z18'],
      ['TP1803', 'nubia mini 5G'],
      ['NX609J', 'RedMagic'],
      ['NX629J', 'RedMagic 3 or 3S'],
      ['NX659J', 'RedMagic 5G or 5S'],
      ['NX669J', 'RedMagic 6'],
      ['NX679J', 'RedMagic 7'],
    ] as const
  ).map(([code, marketing]) => ({
    id: code,
    names: [code],
    marketing,
    source: `${FIELDS}: LineageOS wiki`,
  })),
]
