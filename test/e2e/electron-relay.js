// Stands in for the engine's process in tests: hands the port of each window on to the engine of the test. Electron runs it as it is.
process.parentPort.on('message', ({ data, ports }) => {
  const [port] = ports
  if (port === undefined) {
    if (data === 'close') process.exit(0)
    return
  }
  const socket = new WebSocket(process.env['SLOTBENCH_RELAY'])
  const waiting = []
  port.on('message', (event) => {
    if (socket.readyState === WebSocket.OPEN) socket.send(event.data)
    else waiting.push(event.data)
  })
  socket.addEventListener('open', () => {
    for (const text of waiting.splice(0)) socket.send(text)
  })
  socket.addEventListener('message', (event) => port.postMessage(event.data))
  socket.addEventListener('close', () => port.close())
  port.on('close', () => socket.close())
  port.start()
})
