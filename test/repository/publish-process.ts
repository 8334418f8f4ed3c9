// A process that publishes, to be killed: the folder as its argument, secret keys on its standard input. Says when it begins.
import { json } from 'node:stream/consumers'
import { FolderStore } from '../../src/main/io/repository/folder-store.ts'
import { publish } from '../../src/main/repository/publishing/repository.ts'
import { signerFrom } from '../../src/main/repository/publishing/signing-key.ts'

const secrets = (await json(process.stdin)) as string[]
const signers = new Map(
  secrets.map((secret) => signerFrom(Buffer.from(secret, 'hex'))).map((s) => [s.keyId, s]),
)
process.stdout.write('begin\n')
await publish(new FolderStore(process.argv[2] ?? ''), {
  ring: { signer: async (keyId) => signers.get(keyId) },
  now: new Date(),
})
