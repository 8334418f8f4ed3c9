// Certificate → a page that a person can read and print. One file, no scripts, nothing fetched.
import type { Certificate } from '../../shared/certificate.ts'
import { formatBytes, formatDuration, formatTime } from '../../shared/format.ts'
import type { Receipt } from '../../shared/job.ts'
import { missingCase } from '../../shared/missing-case.ts'

export function certificatePage(c: Certificate): string {
  const tone = c.verdict === 'success' ? 'good' : c.verdict === 'written, boot not proven' ? 'open' : 'bad'
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<title>Slotbench report ${escapeHtml(c.job)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><p class="brand">Slotbench report</p><h1 class="${tone}">${escapeHtml(headline(c))}</h1></header>
${c.problem === undefined ? '' : problem(c.problem)}
<section><h2>Terminal</h2>${list([
    ['Model', c.terminal.product],
    ['Serial', c.terminal.serial],
    ['Bay', c.terminal.bay],
    ['Slot it came with', c.terminal.fromSlot],
  ])}</section>
<section><h2>ROM</h2>${list([
    ['Build', c.rom.build],
    ['Security patch', c.rom.securityPatch],
    ['Made for', c.rom.models.join(', ') || undefined],
    ['Package', c.rom.path],
    ['Fingerprint', c.rom.fingerprint],
  ])}</section>
<section><h2>Job</h2>${list([
    ['Number', c.job],
    ['Operator', c.operator],
    ['Slot policy', c.recipe.policy],
    ['Started', formatTime(c.createdAt)],
    ['Ended', formatTime(c.endedAt)],
    ['Duration', formatDuration(c.totals.seconds)],
    ['Written', `${formatBytes(c.totals.imageBytes)} (${formatBytes(c.totals.wireBytes)} sent)`],
    ['Slotbench', c.slotbench],
  ])}</section>
<section><h2>Steps</h2><table><thead><tr><th>Step</th><th>State</th><th>Proof</th><th>At</th></tr></thead><tbody>
${c.steps.map(stepRow).join('\n')}
</tbody></table></section>
${c.warnings.length === 0 ? '' : `<section><h2>Known beforehand</h2><ul>${c.warnings.map((w) => `<li>${escapeHtml(w.detail)}</li>`).join('')}</ul></section>`}
</body>
</html>
`
}

function headline(c: Certificate): string {
  if (c.verdict === 'success') return 'Success: the new build was seen booting'
  return c.verdict.charAt(0).toUpperCase() + c.verdict.slice(1)
}

function problem(p: NonNullable<Certificate['problem']>): string {
  return `<section class="problem"><h2>${escapeHtml(p.meaning)}</h2><p>${escapeHtml(p.detail)} <code>${escapeHtml(p.code)}</code></p><p><strong>What to do:</strong> ${escapeHtml(p.next)}</p></section>`
}

function stepRow(step: Certificate['steps'][number]): string {
  return `<tr class="${step.state}"><td>${escapeHtml(step.what)}</td><td>${step.state}${step.attempts > 1 ? ` (${step.attempts} attempts)` : ''}</td><td>${proof(step.receipt)}</td><td>${escapeHtml(formatTime(step.provenAt ?? ''))}</td></tr>`
}

function proof(receipt: Receipt | undefined): string {
  if (receipt === undefined) return ''
  switch (receipt.kind) {
    case 'write':
      return `${formatBytes(receipt.imageBytes)} in ${formatDuration(receipt.durationMs / 1000)}<br><code>${escapeHtml(receipt.sha256)}</code>`
    case 'verify':
      return `${receipt.method === 'read-back' ? 'read back' : 'digest of what was sent'}<br><code>${escapeHtml(receipt.sha256)}</code>`
    case 'backup':
      return `${formatBytes(receipt.bytes)}<br><code>${escapeHtml(receipt.sha256)}</code>`
    case 'proof':
      return escapeHtml(receipt.slot === undefined ? receipt.by : `slot ${receipt.slot}: ${receipt.by}`)
    case 'sideload':
      return `${formatBytes(receipt.bytes)} in ${formatDuration(receipt.durationMs / 1000)}`
    case 'switch':
    case 'done':
      return 'done'
    default:
      return missingCase(receipt)
  }
}

function list(rows: readonly (readonly [string, string | undefined])[]): string {
  return `<dl>${rows.map(([name, value]) => (value === undefined ? '' : `<dt>${name}</dt><dd>${escapeHtml(value)}</dd>`)).join('')}</dl>`
}

function escapeHtml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`)
}

const STYLE = `
:root { color-scheme: light dark; --ink: #1a1d21; --soft: #5b646e; --line: #d9dee3; --paper: #fff; --good: #12703d; --bad: #b3261e; --open: #8a5a00 }
@media (prefers-color-scheme: dark) { :root { --ink: #e8eaed; --soft: #a0a8b1; --line: #3a4048; --paper: #16181b; --good: #6fd19a; --bad: #ff8a80; --open: #f2c05e } }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper); max-width: 60rem; margin: 2rem auto; padding: 0 1.5rem }
.brand { color: var(--soft); margin: 0 } h1 { margin: .2rem 0 1.5rem; font-size: 1.8rem } h1.good { color: var(--good) } h1.bad { color: var(--bad) } h1.open { color: var(--open) }
h2 { font-size: 1.05rem; margin: 1.8rem 0 .5rem } dl { display: grid; grid-template-columns: 11rem 1fr; gap: .2rem 1rem; margin: 0 } dt { color: var(--soft) } dd { margin: 0; overflow-wrap: anywhere }
table { width: 100%; border-collapse: collapse; font-size: .9rem } th, td { text-align: left; vertical-align: top; padding: .35rem .6rem .35rem 0; border-bottom: 1px solid var(--line) } td:last-child { white-space: nowrap; color: var(--soft) }
tr.pending { color: var(--soft) } code { font: .8rem/1.4 ui-monospace, monospace; overflow-wrap: anywhere } .problem { border-left: 4px solid var(--bad); padding-left: 1rem }
`
