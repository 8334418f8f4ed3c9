// Where a bench keeps its journal, reports and backups, by the customs of each system.
import { homedir } from 'node:os'
import { join } from 'node:path'

/** @param chosen from --data; otherwise SLOTBENCH_DATA, then the system's place for application data. */
export function dataFolder(chosen: string | undefined): string {
  const { env, platform } = process
  const named = chosen ?? env['SLOTBENCH_DATA']
  if (named !== undefined && named !== '') return named
  if (platform === 'win32')
    return join(env['LOCALAPPDATA'] ?? join(homedir(), 'AppData', 'Local'), 'Slotbench')
  if (platform === 'darwin') return join(homedir(), 'Library', 'Application Support', 'Slotbench')
  return join(env['XDG_DATA_HOME'] || join(homedir(), '.local', 'share'), 'slotbench')
}
