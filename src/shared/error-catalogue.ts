// Every error code with what it means, what to do next, whether trying again can help, and the exit code of the CLI.

/** When trying again can help. */
export type Retry = 'now' | 'reconnect' | 'power-cycle' | 'never'

export interface CatalogueEntry {
  readonly meaning: string
  readonly next: string
  readonly retry: Retry
  readonly exit: number
}

/** Exit codes of the command line; documented in the README. */
export const EXIT = {
  ok: 0,
  internal: 1,
  usage: 2,
  package: 3,
  blocked: 4,
  terminal: 5,
  notProven: 6,
  flashFailed: 7,
  host: 8,
  interrupted: 130,
} as const

const entry = (exit: number, retry: Retry, meaning: string, next: string): CatalogueEntry => ({
  meaning,
  next,
  retry,
  exit,
})

const NEW_COPY = 'Fetch the package again from its source and compare its published checksum.'

export const CATALOGUE = {
  internal: entry(
    EXIT.internal,
    'never',
    'Slotbench met a situation it was not written for.',
    'Report it with the job’s report; a job that was running can be resumed.',
  ),
  usage: entry(EXIT.usage, 'never', 'The command line was not understood.', 'Run the command with --help.'),
  cancelled: entry(
    EXIT.interrupted,
    'now',
    'The work was stopped on request.',
    'A job goes on where it stopped with `slotbench resume`.',
  ),

  'package-not-found': entry(
    EXIT.package,
    'never',
    'There is no readable file or folder at that path.',
    'Check the path.',
  ),
  'package-unknown': entry(
    EXIT.package,
    'never',
    'The file is none of the package kinds that Slotbench reads.',
    'Give a full OTA zip, a payload.bin, a fastboot image set or an EDL package (folder or zip).',
  ),
  'package-incomplete': entry(EXIT.package, 'never', 'The package lacks a file that it needs.', NEW_COPY),
  'package-unsafe': entry(
    EXIT.package,
    'never',
    'The package holds names or sizes that a genuine package never has.',
    'Do not use it; fetch the package from its maker.',
  ),
  'source-truncated': entry(EXIT.package, 'never', 'The file ends before the data it promises.', NEW_COPY),
  'source-changed': entry(
    EXIT.package,
    'never',
    'The package is not the one this job was planned with.',
    'Put the original package back, or start a new job.',
  ),
  'zip-invalid': entry(EXIT.package, 'never', 'The zip archive is damaged or contradicts itself.', NEW_COPY),
  'rawprogram-invalid': entry(
    EXIT.package,
    'never',
    'The description of an EDL package (rawprogram, patch, contents.xml) is damaged, contradicts itself or its files.',
    NEW_COPY,
  ),
  'package-variant': entry(
    EXIT.package,
    'never',
    'The package holds several variants, and it was not said which one is meant.',
    'Name one of them with --flavour.',
  ),
  'sparse-invalid': entry(
    EXIT.package,
    'never',
    'The Android sparse image is damaged or contradicts itself.',
    NEW_COPY,
  ),
  'payload-invalid': entry(
    EXIT.package,
    'never',
    'The payload.bin is damaged or contradicts itself.',
    NEW_COPY,
  ),
  'payload-delta': entry(
    EXIT.package,
    'never',
    'This is a delta (incremental) update: it only holds the differences to one older build and cannot be written by itself.',
    'Fetch the full OTA package of the same build, or make it with `slotbench apply-delta` from the full package of the build that the delta starts from.',
  ),
  'delta-wrong-base': entry(
    EXIT.package,
    'never',
    'The base is not the build that this delta was made from.',
    'Give the full package of exactly that build with --base; `slotbench inspect` shows what a package is.',
  ),
  'payload-unsupported': entry(
    EXIT.package,
    'never',
    'The payload uses a version or an operation that Slotbench does not know.',
    'Update Slotbench, or use another package of the same build.',
  ),
  'decode-failed': entry(
    EXIT.package,
    'never',
    'Compressed data in the package could not be expanded.',
    NEW_COPY,
  ),
  'digest-mismatch': entry(EXIT.package, 'never', 'The data is not what its digest promises.', NEW_COPY),
  'vbmeta-invalid': entry(
    EXIT.package,
    'never',
    'The verified-boot metadata (vbmeta) is damaged or contradicts itself.',
    NEW_COPY,
  ),
  'signature-invalid': entry(
    EXIT.package,
    'never',
    'The package’s signature is damaged or contradicts the package.',
    NEW_COPY,
  ),
  'anchor-invalid': entry(
    EXIT.usage,
    'never',
    'The file holds no certificate and no public key that Slotbench can trust by.',
    'Give an X.509 certificate (PEM or DER), a public key (PEM or DER), or an AVB public key as `avbtool extract_public_key` writes it.',
  ),
  'anchor-unknown': entry(
    EXIT.usage,
    'never',
    'Nothing that is trusted goes by that name.',
    'Run `slotbench trust list`.',
  ),
  'gpt-invalid': entry(
    EXIT.terminal,
    'never',
    'The partition table is damaged or contradicts itself.',
    'Do not write to this terminal before its partition table is repaired.',
  ),
  'super-invalid': entry(
    EXIT.package,
    'never',
    'The metadata of the dynamic partitions (super) is damaged or contradicts itself.',
    NEW_COPY,
  ),
  'bootctl-invalid': entry(
    EXIT.terminal,
    'never',
    'The slot metadata in misc is damaged.',
    'Let the terminal boot once, or set the active slot in its bootloader.',
  ),
  'android-info-invalid': entry(EXIT.package, 'never', 'android-info.txt could not be understood.', NEW_COPY),
  'fastboot-info-invalid': entry(
    EXIT.package,
    'never',
    'fastboot-info.txt could not be understood.',
    NEW_COPY,
  ),

  'deployments-invalid': entry(
    EXIT.package,
    'never',
    'The repository’s deployment rules are damaged, contradict themselves, or need a later Slotbench.',
    'Refresh the repository, update Slotbench, or tell whoever runs the repository; nothing is offered by rules that are not understood.',
  ),

  'plan-blocked': entry(
    EXIT.blocked,
    'never',
    'The plan has blockers; nothing was written.',
    'Read the blockers, remove their cause, and plan again.',
  ),
  'job-not-found': entry(EXIT.usage, 'never', 'There is no such job.', 'Run `slotbench jobs` to see them.'),
  'job-not-resumable': entry(
    EXIT.usage,
    'never',
    'The job has ended; there is nothing to resume.',
    'Run `slotbench flash` to start a new one.',
  ),
  'job-busy': entry(
    EXIT.host,
    'now',
    'Another Slotbench process works on this job or terminal.',
    'Wait for it to end, or stop it first.',
  ),

  'plan-stale': entry(
    EXIT.blocked,
    'never',
    'The terminal is no longer in the state that the plan was made for.',
    'Look at `slotbench list`, and plan and flash again.',
  ),

  'terminal-not-found': entry(
    EXIT.terminal,
    'reconnect',
    'No terminal was found there.',
    'Connect it in fastboot mode (`slotbench guide bootloader` says how) or in its system with USB debugging on; if it is connected, `slotbench doctor` says why it is not seen.',
  ),
  'terminal-ambiguous': entry(
    EXIT.usage,
    'never',
    'It is not clear which terminal is meant; Slotbench has no default target.',
    'Run `slotbench list` and name one with --terminal SERIAL or --terminal BAY.',
  ),
  'terminal-stranger': entry(
    EXIT.terminal,
    'reconnect',
    'Another terminal has taken the place of the one this job belongs to.',
    'Connect the right terminal and try again; a job goes on with `slotbench resume`.',
  ),
  'terminal-gone': entry(
    EXIT.terminal,
    'reconnect',
    'The terminal disconnected.',
    'Check cable and port, and connect it again; a job goes on with `slotbench resume`, whatever mode the terminal is in.',
  ),
  'terminal-silent': entry(
    EXIT.terminal,
    'power-cycle',
    'The terminal did not answer in time.',
    'Restart it (hold power for 15 seconds if nothing else helps) and try again; a job goes on with `slotbench resume`.',
  ),
  'terminal-garbled': entry(
    EXIT.terminal,
    'power-cycle',
    'The terminal answered with something that it should not say in this mode, or that is broken.',
    'Restart it, try another cable or port, and try again; a job goes on with `slotbench resume`.',
  ),
  'terminal-refused': entry(
    EXIT.terminal,
    'never',
    'The terminal refused the command.',
    'Read its words: a locked bootloader refuses every write, and some modes cannot be left for every other by a command.',
  ),
  'terminal-wrong-mode': entry(
    EXIT.terminal,
    'power-cycle',
    'The terminal is in a mode in which this cannot be done.',
    'Run `slotbench reboot TERMINAL MODE`, or follow `slotbench guide MODE` by hand, and try again.',
  ),
  'mode-not-reached': entry(
    EXIT.terminal,
    'reconnect',
    'The terminal did not come up in the mode that the next step needs.',
    'Bring it there by hand (`slotbench guide MODE` says how) and try again; a job goes on with `slotbench resume`.',
  ),
  'adb-unauthorised': entry(
    EXIT.terminal,
    'reconnect',
    'The terminal does not let this computer in over ADB.',
    'Unlock its screen, tick “Always allow from this computer”, press Allow, and try again.',
  ),
  'adb-server': entry(
    EXIT.terminal,
    'reconnect',
    'A running adb server holds the terminal.',
    'Stop it with `adb kill-server`, or let Slotbench go through it with --adb-server.',
  ),
  'adb-key-invalid': entry(
    EXIT.host,
    'never',
    'The key with which this computer introduces itself over ADB cannot be read.',
    'Move the named file away; Slotbench then makes a new key, and the terminal asks once more.',
  ),
  'sideload-refused': entry(
    EXIT.flashFailed,
    'never',
    'The terminal’s recovery refused the package or could not install it.',
    'Read the words on its screen; use a package of exactly this model that is not older than what is installed.',
  ),
  'snapshot-failed': entry(
    EXIT.terminal,
    'reconnect',
    'An unfinished update of the terminal could neither be finished nor dropped.',
    'Let the terminal boot and finish its own update, then plan and flash again.',
  ),
  'super-space': entry(
    EXIT.blocked,
    'never',
    'The super partition has no room for the logical partitions of this ROM.',
    'Let the terminal’s own recovery install the package (--policy sideload), or give up the other slot (--give-up-other-slot).',
  ),
  'storage-unreliable': entry(
    EXIT.terminal,
    'power-cycle',
    'The terminal does not give back the bytes that it should hold.',
    'Run `slotbench resume` to write them once more; if that fails too, its storage is worn out.',
  ),
  'image-too-large': entry(
    EXIT.package,
    'never',
    'The image is larger than what it has to fit into.',
    'Use the package made for exactly this model and storage size.',
  ),
  'boot-failed': entry(
    EXIT.flashFailed,
    'never',
    'The new slot did not boot; the terminal is back on the slot it came with.',
    'Read the report; use another package of the right model.',
  ),
  'boot-not-proven': entry(
    EXIT.notProven,
    'reconnect',
    'Everything is written and verified, but the terminal was not seen booting the new slot.',
    'Let it boot, and run `slotbench resume` to prove it: with USB debugging on in its system, or brought back into fastboot mode.',
  ),

  'loader-missing': entry(
    EXIT.package,
    'never',
    'The terminal is in EDL, where nothing can be read or written before a loader (programmer) runs on it, and none was given.',
    'Give the loader (prog_…firehose…) of a package for exactly this model.',
  ),
  'loader-invalid': entry(
    EXIT.package,
    'never',
    'The loader (programmer) is damaged, or the file is no loader at all.',
    'Take the loader (prog_…firehose…) out of the package for exactly this model again.',
  ),
  'loader-mismatch': entry(
    EXIT.package,
    'never',
    'The loader was made or signed for another kind of terminal.',
    'Use the loader of a package for exactly this model. The message says what the terminal expects; several models may share one loader.',
  ),
  'loader-not-accepted': entry(
    EXIT.terminal,
    'power-cycle',
    'The terminal did not start the loader. Almost always it is signed for another kind of terminal.',
    'Bring the terminal into EDL afresh (`slotbench guide edl`) and use the loader of a package for exactly this model; compare hardware ID and key hash in the message.',
  ),
  'loader-read-only': entry(
    EXIT.terminal,
    'never',
    'The loader that runs can read the terminal and refuses to write it.',
    'Bring the terminal into EDL afresh (`slotbench guide edl`) and use the full loader of a package for this model.',
  ),
  'loader-needs-vendor': entry(
    EXIT.terminal,
    'never',
    'The loader asks for something that only its maker has: a login, or a signed list of everything that will be written.',
    'Use a loader of a service package without that lock. Slotbench does not get around it.',
  ),
  'edl-memory-debug': entry(
    EXIT.terminal,
    'power-cycle',
    'The terminal crashed and offers its memory (memory debug). Nothing can be written in this mode.',
    'Follow `slotbench guide leave-crashdump`: restart it with its keys into a clean EDL, without asking it to switch the mode by itself.',
  ),
  'firehose-refused': entry(
    EXIT.terminal,
    'power-cycle',
    'The loader runs, but does not accept the settings it was given, so nothing can be done with it.',
    'Read its words: the kind of storage may be another one, or the loader not be meant for this model. Then bring the terminal into EDL afresh.',
  ),

  'partition-protected': entry(
    EXIT.blocked,
    'never',
    'These sectors hold what belongs to this one terminal (radio calibration, identity, keys) or its partition table; no package writes them.',
    'Leave them out. A backup of this very terminal is put back with its own restore.',
  ),

  'usb-unavailable': entry(
    EXIT.host,
    'never',
    'This machine has no USB that Slotbench can use.',
    'Use a machine with USB, or a terminal over the network (tcp:host:port).',
  ),
  'usb-permission': entry(
    EXIT.host,
    'never',
    'The system does not let this user open the USB device.',
    'Run `slotbench doctor`: it says what is missing and what to type.',
  ),
  'usb-busy': entry(
    EXIT.host,
    'now',
    'Another program holds the USB device.',
    'Run `slotbench doctor`: it names the program that holds it. Close that one and try again.',
  ),
  'usb-failed': entry(
    EXIT.terminal,
    'reconnect',
    'The USB transfer failed.',
    'Use another cable and a port directly on the computer, and try again; a job goes on with `slotbench resume`.',
  ),
  'network-failed': entry(
    EXIT.terminal,
    'reconnect',
    'The network connection to the terminal could not be made or broke.',
    'Check address and port, and try again; a job goes on with `slotbench resume`.',
  ),
  'repo-unknown': entry(
    EXIT.usage,
    'never',
    'This bench knows no such repository.',
    'Run `slotbench repo list` to see them, or `slotbench repo add URL --root root.json` to add one.',
  ),
  'rom-unknown': entry(
    EXIT.usage,
    'never',
    'No repository of this bench has such a ROM.',
    'Run `slotbench roms` to see what there is.',
  ),
  'repo-unreachable': entry(
    EXIT.host,
    'now',
    'The firmware repository could not be reached, or the connection broke again and again.',
    'Check the network and the proxy settings, and run the command again: a download goes on where it stopped.',
  ),
  'repo-slow': entry(
    EXIT.host,
    'now',
    'The repository sends nothing, or so little that it would never end.',
    'Try again later or add a mirror (`slotbench repo add`): a download goes on where it stopped.',
  ),
  'repo-incomplete': entry(
    EXIT.host,
    'now',
    'The repository lacks a file that its own metadata promise.',
    'Try again in a few minutes; if it stays so, tell the owner of the repository.',
  ),
  'repo-web-page': entry(
    EXIT.host,
    'now',
    'A web page came where a file of the repository should be: a login page of the network, or a wrong address.',
    'Open a browser and log in to the network, or check the address with `slotbench repo list`.',
  ),
  'repo-invalid': entry(
    EXIT.package,
    'never',
    'What the repository sent is damaged or is no firmware repository.',
    'Check its address; if it is right, tell the owner of the repository.',
  ),
  'repo-too-long': entry(
    EXIT.package,
    'never',
    'The repository sent more than it may; it was cut off.',
    'Do not trust this source; tell the owner of the repository.',
  ),
  'repo-signature': entry(
    EXIT.package,
    'never',
    'The repository’s metadata are not signed by enough of the keys that this bench trusts.',
    'Do not use this source. If its owner changed the keys, get the new root.json from the owner and add the repository anew.',
  ),
  'repo-rollback': entry(
    EXIT.package,
    'never',
    'The repository shows an older state than this bench has already seen.',
    'Do not use this source; a mirror may be out of date, or somebody hides newer firmware. Tell the owner of the repository.',
  ),
  'repo-mixed': entry(
    EXIT.package,
    'never',
    'Files of the repository’s metadata do not belong together.',
    'Try again in a few minutes; if it stays so, do not use this source and tell the owner of the repository.',
  ),
  'repo-expired': entry(
    EXIT.package,
    'never',
    'The repository’s metadata have expired: nobody vouches for them any more, or somebody holds newer ones back.',
    'Check the date of this computer; if it is right, the owner has to publish again.',
  ),
  'repo-ranges': entry(
    EXIT.host,
    'now',
    'The server answers a request for a part of a file with another part.',
    'Use a mirror; tell the owner of the repository that the server or a proxy in between is broken.',
  ),
  'repo-changed': entry(
    EXIT.host,
    'now',
    'The file was changed on the server in the middle of the download.',
    'Run the command again: what is proven is kept.',
  ),
  'repo-wrong-data': entry(
    EXIT.package,
    'now',
    'The server sent other data than the signed metadata promise.',
    'Use another mirror; tell the owner of the repository.',
  ),
  'repo-damaged': entry(
    EXIT.package,
    'never',
    'The repository is not whole: what is published and what lies there differ.',
    'Put the named files back from a copy, or withdraw what is lost and publish again.',
  ),
  'repo-busy': entry(
    EXIT.host,
    'now',
    'Another Slotbench process works on this repository or on this ROM.',
    'Wait for it to end, or stop it first.',
  ),
  'repo-keys': entry(
    EXIT.usage,
    'never',
    'Not enough keys are at hand to sign this.',
    'Name the folders that hold the missing keys with --keys (`slotbench-repo keys list` says which).',
  ),
  'repo-key-locked': entry(
    EXIT.usage,
    'never',
    'The passphrase does not open the key, or the key file is damaged.',
    'Give the passphrase that the key was made with (--passphrase-file, SLOTBENCH_REPO_PASSPHRASE, or when asked).',
  ),
  'repo-refused': entry(
    EXIT.host,
    'never',
    'The repository’s server refused the request.',
    'Check the token and the name; the server’s own words say more.',
  ),
  'host-clock': entry(
    EXIT.host,
    'never',
    'The clock of this computer is wrong, so it cannot be told which metadata are still valid.',
    'Set date and time, and try again.',
  ),
  'cache-damaged': entry(
    EXIT.package,
    'now',
    'A ROM in the cache is no longer what was downloaded.',
    'Fetch it again: only its damaged parts are downloaded.',
  ),
  'host-space': entry(
    EXIT.host,
    'never',
    'There is not enough free space on this computer.',
    'Free some space and try again.',
  ),
  'message-invalid': entry(
    EXIT.usage,
    'never',
    'A message between the window and the bench was not understood.',
    'Reload the window. If it comes back, window and bench are of different versions; restart both.',
  ),
  'bench-unreachable': entry(
    EXIT.host,
    'now',
    'The window has lost the bench. Jobs that run go on without it.',
    'Wait; it connects again by itself. If it does not, start Slotbench again.',
  ),
  'bay-busy': entry(
    EXIT.host,
    'now',
    'The bench is doing something else with the terminal on this bay.',
    'Wait until it has ended, or stop it first.',
  ),
  'bay-empty': entry(
    EXIT.terminal,
    'now',
    'Nothing that can be opened stands on this bay.',
    'Plug the terminal in, or bring it into a mode that Slotbench can open.',
  ),
  'supervisor-needed': entry(
    EXIT.usage,
    'never',
    'This departs from the usual, so a supervisor has to stand behind it.',
    'Ask a supervisor to unlock this window with the PIN, and do it again.',
  ),
  'pin-wrong': entry(
    EXIT.usage,
    'now',
    'That is not the supervisor’s PIN.',
    'Try again; after three wrong tries each one has to wait longer.',
  ),
  'pin-wait': entry(
    EXIT.usage,
    'now',
    'There were too many wrong tries for the PIN.',
    'Wait as long as it says, and try again.',
  ),
  'plan-expired': entry(
    EXIT.usage,
    'never',
    'This plan is no longer kept by the bench.',
    'Plan again; the terminal may have changed meanwhile.',
  ),
  'support-expired': entry(
    EXIT.usage,
    'never',
    'This support bundle is no longer kept by the bench.',
    'Make it again, and look at it again.',
  ),
  'rom-not-listed': entry(EXIT.usage, 'never', 'This package is no longer in the library.', 'Open it again.'),
  'host-io': entry(
    EXIT.host,
    'now',
    'A file on this computer could not be read or written.',
    'Check the disk and the permissions.',
  ),
  'backup-not-found': entry(
    EXIT.usage,
    'never',
    'There is no such backup.',
    'List them with `slotbench backups`, or give the folder of an exported one.',
  ),
  'backup-damaged': entry(
    EXIT.host,
    'never',
    'The backup is not what was read from the terminal any more.',
    'Do not restore it; use another copy or another backup of the same terminal.',
  ),
  'partition-missing': entry(
    EXIT.usage,
    'never',
    'The terminal has no partition of that name.',
    'List them with `slotbench partitions`.',
  ),
  'journal-invalid': entry(
    EXIT.host,
    'never',
    'The job journal could not be read.',
    'Keep the file, report it, and start with a new data folder (--data).',
  ),
} as const satisfies Record<string, CatalogueEntry>

export type ErrorCode = keyof typeof CATALOGUE
