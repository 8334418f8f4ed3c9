// Who works now, in the line above every screen; chosen there, because shifts change while terminals are on the bench.
import * as Menu from '@radix-ui/react-dropdown-menu'
import { useText } from '../../i18n/index.ts'
import { order, useBench } from '../../state/bench.ts'
import { go } from '../../state/place.ts'
import { Icon } from '../../ui/icon.tsx'

const NOBODY: readonly string[] = []

export function OperatorMenu() {
  const t = useText()
  const operator = useBench(({ bench }) => bench?.settings.operator ?? '')
  const operators = useBench(({ bench }) => bench?.settings.operators ?? NOBODY)
  if (operators.length === 0) return null
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="button operator" data-kind="quiet" data-size="small">
        <Icon name="hands" />
        <span className="unseen">{t('operators.now')}</span>
        <bdi className="clip">{operator === '' ? t('operators.nobody') : operator}</bdi>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Content className="menu" align="end" sideOffset={4}>
          <Menu.RadioGroup
            value={operator}
            onValueChange={(next) => void order('settings.set', { operator: next })}
          >
            {['', ...operators].map((name) => (
              <Menu.RadioItem key={name} value={name} className="menu-item">
                <span className="menu-mark">
                  <Menu.ItemIndicator>
                    <Icon name="ready" />
                  </Menu.ItemIndicator>
                </span>
                <bdi className="clip">{name === '' ? t('operators.nobody') : name}</bdi>
              </Menu.RadioItem>
            ))}
          </Menu.RadioGroup>
          <Menu.Item className="menu-item" onSelect={() => go('settings')}>
            {t('operators.change')}
          </Menu.Item>
        </Menu.Content>
      </Menu.Portal>
    </Menu.Root>
  )
}
