// The guides themselves, as data. Everything here is advice for hands: what counts is the mode that Slotbench then sees on the bay.
import type { Guide, GuideAction, GuideId, GuideKey, GuideStep } from './guides.ts'

type StepMore = Partial<Pick<GuideStep, 'seconds' | 'screen'>>

const step = (
  action: GuideAction,
  keys: readonly GuideKey[],
  words: string,
  more: StepMore & { readonly picture: string },
): GuideStep => ({ action, keys, words, ...more })

/** zte-domain §9.11. */
const COMBOS_VARY =
  'Key combinations vary by model and region. If nothing appears after two attempts, try the other volume key.'
const DATA_CABLE = 'Use a cable that carries data, straight into the computer; many charging cables do not.'

const switchedOff = step(
  'hold',
  ['power'],
  'Unplug the cable and switch the terminal off; hold power if it hangs.',
  {
    seconds: 15,
    screen: 'black',
    picture: 'switch-off',
  },
)

export const GUIDE_BOOK: Readonly<Record<GuideId, Guide>> = {
  bootloader: {
    id: 'bootloader',
    title: 'Into the bootloader (fastboot)',
    steps: [
      switchedOff,
      step('hold', ['power', 'volume-down'], 'Hold power and volume down together.', {
        seconds: 15,
        screen: 'the maker’s logo, then a fastboot text or a menu',
        picture: 'power-volume-down',
      }),
      step('release', [], 'Let go when the screen says fastboot, or shows a menu.', { picture: 'release' }),
      step('press', ['cable-in'], 'Plug the cable in.', { picture: 'cable-in' }),
    ],
    success: 'The word fastboot or a small menu; on some models only the logo stays.',
    recognisedBy: ['bootloader'],
    patience: 90,
    caveats: [
      COMBOS_VARY,
      DATA_CABLE,
      'Several ZTE and nubia models ship without fastboot or with a crippled one. A terminal that goes on booting has none.',
      'Where a menu appears, choose “Bootloader” or “Fastboot” with the volume keys and power.',
    ],
    sources: [
      { words: 'LineageOS wiki, nubia devices: power and volume down', certainty: 'solid' },
      { words: 'zte-domain §2.2, §2.4', certainty: 'solid' },
    ],
  },
  fastbootd: {
    id: 'fastbootd',
    title: 'Into fastbootd',
    steps: [
      switchedOff,
      step('hold', ['power', 'volume-up'], 'Hold power and volume up together, into recovery.', {
        seconds: 15,
        screen: 'the recovery menu',
        picture: 'power-volume-up',
      }),
      step('choose', ['volume-up', 'volume-down', 'power'], 'Choose “Enter fastboot” in the recovery menu.', {
        screen: 'fastbootd',
        picture: 'recovery-enter-fastboot',
      }),
      step('press', ['cable-in'], 'Plug the cable in.', { picture: 'cable-in' }),
    ],
    success: 'The word fastbootd at the top of the screen.',
    // Which of both fastboot modes it is shows only when it is asked.
    recognisedBy: ['fastbootd', 'bootloader'],
    patience: 150,
    caveats: [
      COMBOS_VARY,
      'The menu entry exists only on terminals with dynamic partitions, and the maker may have removed it.',
    ],
    sources: [{ words: 'AOSP recovery; zte-domain §2.2', certainty: 'solid' }],
  },
  recovery: {
    id: 'recovery',
    title: 'Into recovery',
    steps: [
      switchedOff,
      step('hold', ['power', 'volume-up'], 'Hold power and volume up together.', {
        seconds: 15,
        screen: 'the maker’s logo, then a menu',
        picture: 'power-volume-up',
      }),
      step('release', [], 'Let go when the recovery menu shows.', { picture: 'release' }),
      step('press', ['cable-in'], 'Plug the cable in.', { picture: 'cable-in' }),
    ],
    success: 'The recovery menu, or a robot with the words “No command”.',
    recognisedBy: ['recovery', 'sideload', 'rescue'],
    patience: 120,
    caveats: [
      COMBOS_VARY,
      'At “No command”: hold power and tap volume up once.',
      'Recovery often shows nothing on USB before “Apply update from ADB” is chosen.',
    ],
    sources: [
      { words: 'zte-domain §2.2', certainty: 'solid' },
      { words: 'AOSP recovery: power held, volume up tapped', certainty: 'general' },
    ],
  },
  sideload: {
    id: 'sideload',
    title: 'Ready to take a package (sideload)',
    steps: [
      switchedOff,
      step('hold', ['power', 'volume-up'], 'Hold power and volume up together, into recovery.', {
        seconds: 15,
        screen: 'the recovery menu',
        picture: 'power-volume-up',
      }),
      step('choose', ['volume-up', 'volume-down', 'power'], 'Choose “Apply update from ADB”.', {
        screen: 'Now send the package you want to apply',
        picture: 'recovery-apply-from-adb',
      }),
      step('press', ['cable-in'], 'Plug the cable in.', { picture: 'cable-in' }),
    ],
    success: 'The line “Now send the package you want to apply”.',
    recognisedBy: ['sideload'],
    patience: 150,
    caveats: [
      COMBOS_VARY,
      'Some of the maker’s recoveries take packages from the storage only and lack this entry.',
    ],
    sources: [{ words: 'AOSP recovery; zte-domain §2.2', certainty: 'solid' }],
  },
  'system-adb': {
    id: 'system-adb',
    title: 'Android with USB debugging',
    steps: [
      step('press', ['power'], 'Start the terminal and unlock its screen.', {
        screen: 'the home screen',
        picture: 'home-screen',
      }),
      step('choose', ['touch'], 'In Settings, About phone: tap the build number seven times.', {
        seconds: 10,
        screen: 'You are now a developer',
        picture: 'settings-build-number',
      }),
      step('choose', ['touch'], 'In Settings, System, Developer options: switch USB debugging on.', {
        picture: 'settings-usb-debugging',
      }),
      step('press', ['cable-in'], 'Plug the cable in.', { picture: 'cable-in' }),
      step('choose', ['touch'], 'Tick “Always allow from this computer” and press Allow.', {
        screen: 'Allow USB debugging?',
        picture: 'allow-usb-debugging',
      }),
    ],
    success: 'No more question about USB debugging.',
    recognisedBy: ['system'],
    patience: 300,
    caveats: [
      'The question comes only while the screen is unlocked. Without it: unplug, switch USB debugging off and on, and plug in again.',
      'Modems and hotspots have no screen; see what `slotbench list` says of them.',
    ],
    sources: [{ words: 'Android developer documentation', certainty: 'general' }],
  },
  edl: {
    id: 'edl',
    title: 'Into emergency download (EDL, 9008)',
    steps: [
      switchedOff,
      step(
        'hold',
        ['volume-up', 'volume-down', 'cable-in'],
        'Hold both volume keys, and plug the cable in while you hold them.',
        { seconds: 10, screen: 'black', picture: 'both-volumes-cable' },
      ),
      step('release', [], 'Let go as soon as Slotbench sees it.', { picture: 'release' }),
    ],
    success: 'The screen stays black; only Slotbench sees that it is there.',
    recognisedBy: ['edl'],
    patience: 60,
    caveats: [
      COMBOS_VARY,
      'If a crash dump comes up instead: hold power and both volume keys until the screen goes black, then keep both volume keys held.',
      'On many models the keys do nothing, and only a deep-flash cable or test points reach this mode.',
      'The terminal does not charge here: charge it first.',
      'On NX679J the bootloader’s own menu has an entry “edload”.',
    ],
    sources: [
      { words: 'RedMagic 10 and 11: both volume keys for 5–10 s (redmagic-wiki; forum)', certainty: 'solid' },
      { words: 'NX679J’s menu entry', certainty: 'reported' },
    ],
  },
  ftm: {
    id: 'ftm',
    title: 'Into factory test mode (FTM)',
    steps: [
      switchedOff,
      step(
        'hold',
        ['volume-down', 'cable-in'],
        'Hold volume down, and plug the cable in while you hold it.',
        {
          seconds: 15,
          screen: 'the lightning icon',
          picture: 'volume-down-cable',
        },
      ),
      step('keep', ['volume-down'], 'Keep it held until the lightning icon shows, then let go.', {
        screen: 'FTM, or a plain test screen',
        picture: 'release',
      }),
    ],
    success: 'The letters FTM or a plain test screen. ADB answers there without asking.',
    recognisedBy: ['system', 'unknown'],
    patience: 90,
    caveats: [COMBOS_VARY, 'Old Blade models: power and volume down instead.'],
    sources: [{ words: 'forum report for RedMagic 11; zte-domain §2.2', certainty: 'reported' }],
  },
  'leave-crashdump': {
    id: 'leave-crashdump',
    title: 'Out of a crash dump',
    steps: [
      step('press', ['cable-out'], 'Unplug the cable.', { picture: 'cable-out' }),
      step('hold', ['power'], 'Hold power until the terminal restarts.', {
        seconds: 30,
        screen: 'black, then the logo',
        picture: 'power',
      }),
      step(
        'hold',
        ['power', 'volume-up', 'volume-down'],
        'If it does not restart: hold power and both volume keys until the screen goes black.',
        { seconds: 30, screen: 'black', picture: 'all-keys' },
      ),
      step('press', ['cable-in'], 'Plug the cable in again, into another port if there is one.', {
        picture: 'cable-in',
      }),
    ],
    success: 'The logo, the bootloader’s screen, or a black screen that Slotbench sees as another mode.',
    recognisedBy: ['bootloader', 'fastbootd', 'system', 'recovery', 'charging', 'edl'],
    patience: 120,
    caveats: [
      'A terminal that returns to the dump by itself has a broken boot chain. It then needs to be written in EDL.',
      'Last resort in reports: let the battery run empty, charge for ten minutes, then hold both volume keys while plugging in.',
    ],
    sources: [
      { words: 'bkerler/edl issue 405; redmagic-wiki', certainty: 'solid' },
      { words: 'emptying the battery: forum report', certainty: 'reported' },
    ],
  },
  'leave-charging': {
    id: 'leave-charging',
    title: 'Out of off-mode charging',
    steps: [
      step('hold', ['power'], 'Hold power until the logo shows; the cable may stay.', {
        seconds: 10,
        screen: 'the maker’s logo',
        picture: 'power',
      }),
      step('release', [], 'Let go and wait for the system.', { seconds: 90, picture: 'release' }),
    ],
    success: 'The system starts.',
    recognisedBy: ['system', 'bootloader', 'recovery'],
    patience: 120,
    caveats: [
      'With an empty battery the screen stays at the charging picture: wait ten minutes and try again.',
    ],
    sources: [{ words: 'common Android behaviour', certainty: 'general' }],
  },
  'leave-download': {
    id: 'leave-download',
    title: 'Out of a chip’s download mode',
    steps: [
      step('press', ['cable-out'], 'Unplug the cable.', { picture: 'cable-out' }),
      step('hold', ['power'], 'Hold power until the logo shows.', {
        seconds: 20,
        screen: 'the maker’s logo',
        picture: 'power',
      }),
      step('press', ['cable-in'], 'Plug the cable in once the system or the bootloader is up.', {
        picture: 'cable-in',
      }),
    ],
    success: 'The logo, then the system or the bootloader.',
    recognisedBy: ['bootloader', 'fastbootd', 'system', 'recovery', 'charging'],
    patience: 120,
    caveats: [
      'A terminal without a removable battery and without a key that resets it leaves this mode when its battery is empty.',
      'If it comes back to this mode by itself, its boot chain is broken, and only this chip’s own download protocol can write it.',
    ],
    sources: [{ words: 'zte-domain §2.2; common to boot ROMs', certainty: 'general' }],
  },
  'leave-unknown': {
    id: 'leave-unknown',
    title: 'From an unknown state to one that Slotbench knows',
    steps: [
      step(
        'wait',
        [],
        'Look at the screen: a question about USB, a menu or a charging picture says what it is.',
        {
          picture: 'look',
        },
      ),
      step('press', ['cable-out'], 'Unplug the cable.', { picture: 'cable-out' }),
      step('hold', ['power'], 'Hold power until the logo shows.', {
        seconds: 20,
        screen: 'the maker’s logo',
        picture: 'power',
      }),
      step('press', ['cable-in'], 'Plug the cable in.', { picture: 'cable-in' }),
    ],
    success: 'Slotbench names a mode.',
    recognisedBy: ['bootloader', 'fastbootd', 'system', 'recovery', 'charging', 'edl'],
    patience: 120,
    caveats: [
      DATA_CABLE,
      '`slotbench doctor` says whether driver, permission or another program keeps it from being seen.',
    ],
    sources: [{ words: 'common Android behaviour', certainty: 'general' }],
  },
}
