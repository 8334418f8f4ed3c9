// Starts the interface on whatever host put this page here.
import './zod-setup.ts'
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { connect } from './state/bench.ts'
import './styles/tokens.css'
import './styles/base.css'
import './styles/layout.css'
import './styles/wall.css'
import './styles/screens.css'
import './styles/terminal.css'
import './styles/print.css'
import 'uplot/dist/uPlot.min.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')
connect()
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
