// Sends one image file to one partition, as a process of its own. Arguments: endpoint, partition, file.
import { createWorkshop } from '../../src/main/io/workers/workshop.ts'
import { sendImageFile } from './send-image-client.ts'

const [endpoint = '', partition = '', path = ''] = process.argv.slice(2)
const workshop = createWorkshop()
console.log(await sendImageFile({ endpoint, partition, path }, workshop))
await workshop.close()
