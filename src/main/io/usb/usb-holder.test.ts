import { mkdir, mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { UsbDeviceDouble } from '../../../../test/usb-double.ts'
import { heldByProgram } from './usb-holder.ts'

it('knows a program from a kernel driver by what sysfs says is bound', async () => {
  const root = await mkdtemp(join(tmpdir(), 'slotbench-sysfs-'))
  try {
    const device = new UsbDeviceDouble({ bus: '003', ports: [2, 4] })
    expect(await heldByProgram(device, 0, root)).toBe(false)
    for (const [index, driver] of [
      [0, 'usbfs'],
      [1, 'qcserial'],
    ] as const) {
      await mkdir(join(root, `3-2.4:1.${index}`))
      await symlink(join('../../../bus/usb/drivers', driver), join(root, `3-2.4:1.${index}`, 'driver'))
    }
    expect(await heldByProgram(device, 0, root)).toBe(true)
    expect(await heldByProgram(device, 1, root)).toBe(false)
    expect(await heldByProgram(device, 2, root)).toBe(false)
    expect(await heldByProgram(new UsbDeviceDouble({ bus: 'usb-xhci', ports: [2, 4] }), 0, root)).toBe(false)
  } finally {
    await rm(root, { recursive: true })
  }
})
