// Makes the guest: Debian's own kernel, udev and busybox, and a small initramfs that continues on the host's files. Downloaded once.
import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { userInfo } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { findTool } from '../tools.ts'

/** Files of a built guest. */
export interface GuestImage {
  readonly kernel: string
  readonly initramfs: string
  /** Folder that `modprobe -d` takes, with the kernel's modules. */
  readonly modules: string
  /** udev's one program; started as `systemd-udevd` it is the daemon. Plug and unplug are announced by it alone. */
  readonly udevadm: string
  /** The static one; a system's own may need libraries that the initramfs lacks. */
  readonly busybox: string
  readonly release: string
}

const KERNEL_META = 'linux-image-amd64'
const TOOLS = ['qemu-system-x86_64', 'modprobe', 'depmod', 'cpio', 'gzip', 'dpkg-deb', 'apt-get']
/** What the initramfs needs before the host's files are there; everything else is loaded from the host. */
const EARLY_MODULES = ['virtio_pci', '9pnet_virtio', '9p', 'overlay', 'virtio_rng']

/** Why no guest can run on this machine, or undefined when it can. */
export function guestObstacle(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'the USB guest runs on x86-64 Linux only'
  const missing = TOOLS.filter((name) => findTool(name) === undefined)
  if (missing.length > 0)
    return `${missing.join(', ')} not installed (scripts/system-packages.sh installs them)`
  return kernelPackage() === undefined
    ? `apt knows no package ${KERNEL_META} (run apt-get update)`
    : undefined
}

/** @param cache folder kept between runs; each kernel release has its own folder in it
 * @throws Error when the kernel package cannot be fetched or unpacked */
export function buildGuest(cache: string): GuestImage {
  const kernel = kernelPackage()
  if (kernel === undefined) throw new Error(`apt knows no package ${KERNEL_META}`)
  const release = kernel.replace(/^linux-image-/, '')
  const home = join(cache, release)
  const image: GuestImage = {
    kernel: join(home, 'root/boot', `vmlinuz-${release}`),
    initramfs: join(home, 'initramfs.gz'),
    modules: join(home, 'root'),
    udevadm: join(home, 'root/bin/udevadm'),
    busybox: join(home, 'root/bin/busybox'),
    release,
  }
  if (![image.kernel, image.udevadm, image.busybox].every((path) => existsSync(path)))
    fetchPackages([kernel, 'udev', 'busybox-static'], release, home)
  makeInitramfs(image)
  return image
}

/** The package that the kernel's metapackage stands for today, e.g. `linux-image-6.1.0-50-amd64`. */
function kernelPackage(): string | undefined {
  try {
    const depends = execFileSync('apt-cache', ['depends', KERNEL_META], { encoding: 'utf8', stdio: 'pipe' })
    return /Depends: (linux-image-\S+)/.exec(depends)?.[1]
  } catch {
    return undefined
  }
}

/** Downloads and unpacks beside its place and moves it there whole, so that a broken run leaves nothing half-made. */
function fetchPackages(packages: readonly string[], release: string, home: string): void {
  mkdirSync(dirname(home), { recursive: true })
  const work = mkdtempSync(`${home}.new-`)
  try {
    // The unprivileged user that apt would download as cannot write into our folder.
    const sandbox = ['-o', `APT::Sandbox::User=${userInfo().username}`]
    execFileSync('apt-get', ['-qq', ...sandbox, 'download', ...packages], { cwd: work, stdio: 'inherit' })
    execFileSync(
      '/bin/sh',
      ['-c', 'for package in *.deb; do dpkg-deb -x "$package" root || exit; done; rm ./*.deb'],
      { cwd: work },
    )
    const depmod = findTool('depmod')
    execFileSync(depmod ?? 'depmod', ['-b', join(work, 'root'), release])
    rmSync(home, { recursive: true, force: true })
    renameSync(work, home)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** Made anew for each run: it takes a fraction of a second and always holds the `init.sh` of this checkout. */
function makeInitramfs(image: GuestImage): void {
  const tree = mkdtempSync(`${image.initramfs}.tree-`)
  try {
    for (const folder of ['bin', 'modules', 'proc', 'sys', 'dev', 'host', 'ram', 'root'])
      mkdirSync(join(tree, folder))
    copyFileSync(image.busybox, join(tree, 'bin/busybox'))
    chmodSync(join(tree, 'bin/busybox'), 0o755)
    writeFileSync(join(tree, 'init'), readFileSync(join(import.meta.dirname, 'init.sh')), { mode: 0o755 })
    earlyModules(image).forEach((file, index) => {
      copyFileSync(file, join(tree, 'modules', `${String(index).padStart(2, '0')}-${basename(file)}`))
    })
    execFileSync('/bin/sh', ['-c', `find . | cpio --quiet -o -H newc | gzip -1 > "$0"`, image.initramfs], {
      cwd: tree,
    })
  } finally {
    rmSync(tree, { recursive: true, force: true })
  }
}

/** Files of the early modules with all that they depend on, each once, in loading order. */
function earlyModules(image: GuestImage): readonly string[] {
  const modprobe = findTool('modprobe') ?? 'modprobe'
  const files = EARLY_MODULES.flatMap((name) => {
    const options = ['-d', image.modules, '-S', image.release, '--show-depends', name]
    return execFileSync(modprobe, options, { encoding: 'utf8' })
      .split('\n')
      .flatMap((line) => /^insmod (\S+)/.exec(line)?.[1] ?? [])
  })
  return [...new Set(files)]
}
