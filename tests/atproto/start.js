// Starts a whole AT Protocol network (PLC, PDS, AppView, bsync, Ozone) and prints its addresses as one line of JSON.
// Needs DB_POSTGRES_URL, DB_POSTGRES_SCHEMA, REDIS_HOST and a TMPDIR of its own; ATPROTO_MODULES says where the packages
// are installed. Ends on SIGTERM without tidying up: everything it has is thrown away with its directory.
import { createRequire } from 'node:module'
import net from 'node:net'
import { pathToFileURL } from 'node:url'

const listen = net.Server.prototype.listen
net.Server.prototype.listen = function (...args) {
  // Its servers name a port and no host, which would mean every interface of this machine.
  if (typeof args[0] === 'number') {
    const callback = args.find((each) => typeof each === 'function')
    return listen.call(this, { port: args[0], host: '127.0.0.1' }, callback)
  }
  if (args[0] && typeof args[0] === 'object' && 'port' in args[0]) args[0] = { ...args[0], host: '127.0.0.1' }
  return listen.apply(this, args)
}

process.on('SIGTERM', () => process.exit(0))
process.on('unhandledRejection', (reason) => console.error('unhandled', reason))

const require = createRequire(`${process.env.ATPROTO_MODULES}/package.json`)
const { TestNetwork, mockMailer } = await import(pathToFileURL(require.resolve('@atproto/dev-env')))
const network = await TestNetwork.create({})
mockMailer(network.pds)
console.log(
  JSON.stringify({
    pds: network.pds.url,
    appview: network.bsky.url,
    plc: network.plc.url,
    pid: process.pid,
  }),
)
