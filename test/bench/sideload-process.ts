// Gives one package to one terminal in sideload mode. Arguments: port, package, data folder.
import { sideloadPackage } from './sideload-client.ts'

const [port = '', path = '', dataFolder = ''] = process.argv.slice(2)
const { bytes, sentBytes } = await sideloadPackage({ port: Number(port), path, dataFolder })
console.log(`sent ${(sentBytes / bytes).toFixed(2)} × the package`)
