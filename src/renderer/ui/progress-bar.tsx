// A bar that fills, with its share for screen readers.
import * as RadixProgress from '@radix-ui/react-progress'

export function ProgressBar({ share, label }: { readonly share: number; readonly label: string }) {
  const percent = Math.round(Math.min(1, Math.max(0, share)) * 100)
  return (
    <RadixProgress.Root className="bar-track" value={percent} aria-label={label}>
      <RadixProgress.Indicator className="bar-fill" style={{ transform: `scaleX(${share})` }} />
    </RadixProgress.Root>
  )
}
