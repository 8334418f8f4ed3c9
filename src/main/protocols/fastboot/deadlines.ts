// How long a terminal may keep silent, by kind of command. Each INFO and TEXT starts the time again.

/** Milliseconds. The table with its sources is in docs/protocols/fastboot.md. */
export const COMMAND_DEADLINES = {
  /** AOSP `fastboot_driver.cpp` waits 30 s for a reply. */
  getvar: 30_000,
  /** The reply to `download:` and the one after its data. */
  download: 30_000,
  /** One transfer of at most 1 MiB, either way; slow USB 1.1 links need about 1 s. */
  transfer: 30_000,
  /** Field reports: writing out userdata or super takes minutes on worn eMMC. */
  flash: 300_000,
  erase: 300_000,
  /** Qualcomm rewrites both partition tables of every LUN. */
  'set-active': 60_000,
  reboot: 30_000,
  /** The image is checked before the jump. */
  boot: 60_000,
  oem: 120_000,
  /** Waits for a person who confirms on the terminal's screen, and then wipes userdata. */
  flashing: 300_000,
  /** fastbootd rewrites the metadata of super. */
  'logical-partition': 60_000,
  'update-super': 120_000,
  /** Merging copies whole partitions inside the terminal. */
  snapshot: 900_000,
  gsi: 60_000,
  fetch: 30_000,
  upload: 30_000,
} as const

export type CommandKind = keyof typeof COMMAND_DEADLINES
