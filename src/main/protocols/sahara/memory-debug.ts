import { SlotbenchError } from '../../../shared/errors.ts'

/** Asking such a terminal to change its mode leaves its USB in a bad state (zte-domain §2.2): it is left alone. */
export function memoryDebug(): SlotbenchError {
  return new SlotbenchError(
    'edl-memory-debug',
    'the boot ROM greets in memory-debug mode: the terminal crashed, and nothing can be written before it is restarted with its keys',
  )
}
