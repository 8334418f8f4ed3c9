// Starts the interface on whatever host put `slotbench` into the page.
import { StrictMode } from 'react'
import { createRoot } from 'react-dom/client'
import { App } from './app.tsx'
import { followBays } from './bench-store.ts'
import './styles/tokens.css'
import './styles/app.css'

const root = document.getElementById('root')
if (root === null) throw new Error('the page has no #root')
followBays(window.slotbench)
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
)
