// Two short tones, made by the browser itself: one up for what is done, one down for what needs somebody.

const SECONDS = 0.18
const PITCHES = { good: [660, 880], bad: [440, 311] } as const

export function playTone(good: boolean): void {
  const context = new AudioContext()
  const [first, second] = good ? PITCHES.good : PITCHES.bad
  for (const [index, pitch] of [first, second].entries()) {
    const at = context.currentTime + index * SECONDS
    const tone = context.createOscillator()
    const volume = context.createGain()
    tone.frequency.value = pitch
    volume.gain.setValueAtTime(0.15, at)
    volume.gain.exponentialRampToValueAtTime(0.001, at + SECONDS)
    tone.connect(volume).connect(context.destination)
    tone.start(at)
    tone.stop(at + SECONDS)
  }
  setTimeout(() => void context.close(), 1_000)
}
