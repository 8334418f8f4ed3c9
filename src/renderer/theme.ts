// Light, dark or high contrast: as chosen, else as the system has it.
import { useEffect } from 'react'
import { useBench } from './state/bench.ts'

export function useTheme(): void {
  const theme = useBench(({ bench }) => bench?.settings.theme ?? 'system')
  useEffect(() => {
    const dark = window.matchMedia('(prefers-color-scheme: dark)')
    const contrast = window.matchMedia('(prefers-contrast: more)')
    const apply = () => {
      const ofSystem = contrast.matches ? 'contrast' : dark.matches ? 'dark' : 'light'
      document.documentElement.dataset['theme'] = theme === 'system' ? ofSystem : theme
    }
    apply()
    dark.addEventListener('change', apply)
    contrast.addEventListener('change', apply)
    return () => {
      dark.removeEventListener('change', apply)
      contrast.removeEventListener('change', apply)
    }
  }, [theme])
}
