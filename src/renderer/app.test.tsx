import { renderToStaticMarkup } from 'react-dom/server'
import { describe, expect, it } from 'vitest'
import type { BenchView, Notice, SlotbenchApi } from '../shared/contract.ts'
import { BenchPage } from './app.tsx'
import { followBays, useBench } from './bench-store.ts'

const PERMISSION: Notice = {
  code: 'usb-permission',
  detail: 'cannot open the device',
  meaning: 'The system does not let this user open the USB device.',
  next: 'Install the udev rules.',
}

/** The text of the page when the host has said `view`. */
function shown(view: BenchView | undefined): string {
  return renderToStaticMarkup(<BenchPage view={view} />)
    .replace(/<[^>]+>/g, ' ')
    .replace(/\s+/g, ' ')
}

describe('the list of bays', () => {
  it('does not claim an empty bench before the host has spoken', () => {
    const text = shown(undefined)
    expect(text).toContain('Looking at the USB ports')
    expect(text).not.toContain('Connect a terminal')
  })

  it('says what to do when nothing is attached', () => {
    expect(shown({ bays: [], notices: [] })).toMatch(/Connect a terminal.*Volume down/)
  })

  it('gives the reason instead of advice about cables when USB itself is missing', () => {
    const text = shown({ bays: [], notices: [{ ...PERMISSION, meaning: 'This machine has no USB.' }] })
    expect(text).toContain('This machine has no USB.')
    expect(text).not.toContain('Connect a terminal')
  })

  it('shows port, mode, product, serial, speed and the next action of a problem', () => {
    const text = shown({
      notices: [],
      bays: [
        {
          bay: 'usb:1-2.3',
          mode: 'bootloader',
          product: 'NX679J',
          serial: 'NX1',
          link: { vendorId: 0x18d1, productId: 0xd00d, speed: 'high' },
          problem: PERMISSION,
        },
        { bay: 'tcp:10.0.0.2:5554', mode: 'unknown' },
      ],
    })
    for (const part of [
      '2 terminals attached',
      'usb:1-2.3',
      'Fastboot',
      'NX679J',
      'NX1',
      'USB 2 (480 Mbit/s)',
      '18d1:d00d',
      'Install the udev rules.',
      'Unnamed terminal',
      'not told',
      'Network',
    ])
      expect(text).toContain(part)
  })
})

describe('a bay that says little of itself', () => {
  const known = {
    ...{
      names: ['PQ83A01', 'NX769J'],
      serial: 'S1',
      why: 'it is on usb:1-2, where this terminal was a moment ago',
    },
    caution: 'The bay alone proves nothing.',
  }
  const personality = { name: 'Crash dump', explanation: 'It crashed early.' }

  it('is shown as the terminal that is known, with the reason, and explained', () => {
    const text = shown({ notices: [], bays: [{ bay: 'usb:1-2', mode: 'crashdump', known, personality }] })
    for (const part of [
      'PQ83A01',
      'Known as S1',
      'where this terminal was a moment ago.',
      'proves nothing',
      'Crash dump: It crashed early.',
    ])
      expect(text).toContain(part)
  })

  it('is not explained, nor named twice, where it speaks for itself', () => {
    const bay = { bay: 'usb:1-2', mode: 'system', protocol: 'adb', serial: 'S1', known, personality } as const
    const text = shown({ notices: [], bays: [bay] })
    expect(text).toContain('Speaks ADB')
    expect(text).not.toMatch(/Known|crashed early/)
  })
})

describe('the read model', () => {
  it('holds what the host said last, until it is let go', () => {
    let tell: (view: BenchView) => void = () => {}
    let subscribed = false
    const host: SlotbenchApi = {
      bays: {
        subscribe: (listener) => {
          subscribed = true
          tell = listener
          return () => {
            subscribed = false
          }
        },
      },
    }
    const stop = followBays(host)
    expect(useBench.getState().view).toBeUndefined()
    tell({ bays: [{ bay: 'usb:1-2', mode: 'edl' }], notices: [] })
    tell({ bays: [], notices: [PERMISSION] })
    expect(useBench.getState().view).toEqual({ bays: [], notices: [PERMISSION] })
    stop()
    expect(subscribed).toBe(false)
  })
})
