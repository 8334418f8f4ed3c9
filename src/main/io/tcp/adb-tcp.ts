// ADB over TCP: the bytes of the connection are those of the protocol, with nothing around them (AOSP adb protocol.txt).
import { asSlotbenchError } from '../../../shared/errors.ts'
import type { IoOptions } from '../../../shared/io-options.ts'
import type { Transport } from '../../protocols/transport.ts'
import { SocketPipe, type SocketPlace } from './socket-pipe.ts'

/** Connects; whether ADB answers there, only its greeting tells.
 * @param bay for messages.
 * @throws SlotbenchError `network-failed` when there is no connection. */
export async function connectAdbTcp(place: SocketPlace, bay: string, o: IoOptions): Promise<Transport> {
  const pipe = new SocketPipe(place, bay)
  try {
    await pipe.connected(o)
  } catch (thrown) {
    await pipe.close()
    throw asSlotbenchError(thrown).at({ bay })
  }
  return {
    send: (data, options) => pipe.write([data], options),
    receive: async (maxBytes, options) => {
      await pipe.atLeast(1, options)
      return pipe.take(Math.min(maxBytes, pipe.available))
    },
    close: () => pipe.close(),
  }
}
