// The controls that every screen uses: buttons, switches, choices, fields.
import * as RadixSwitch from '@radix-ui/react-switch'
import * as ToggleGroup from '@radix-ui/react-toggle-group'
import { type ReactNode, useId } from 'react'
import { Icon, type IconName } from './icon.tsx'

export interface ButtonProps {
  readonly children: ReactNode
  readonly onClick: () => void
  readonly icon?: IconName
  readonly kind?: 'main' | 'plain' | 'danger' | 'quiet'
  readonly size?: 'normal' | 'small'
  readonly disabled?: boolean
  /** Key that does the same, for screen readers (`aria-keyshortcuts`). */
  readonly shortcut?: string
}

export function Button(props: ButtonProps) {
  const { children, onClick, icon, kind = 'plain', size = 'normal', disabled = false, shortcut } = props
  return (
    <button
      type="button"
      className="button"
      data-kind={kind}
      data-size={size}
      disabled={disabled}
      onClick={onClick}
      aria-keyshortcuts={shortcut}
    >
      {icon && <Icon name={icon} />}
      {children}
    </button>
  )
}

/** A button that shows an icon only; `label` is what it is called. */
export function IconButton({
  icon,
  label,
  onClick,
}: {
  readonly icon: IconName
  readonly label: string
  readonly onClick: () => void
}) {
  return (
    <button
      type="button"
      className="button"
      data-kind="quiet"
      data-size="small"
      aria-label={label}
      title={label}
      onClick={onClick}
    >
      <Icon name={icon} />
    </button>
  )
}

export function Switch({
  label,
  hint,
  checked,
  onChange,
}: {
  readonly label: string
  readonly hint?: string
  readonly checked: boolean
  readonly onChange: (checked: boolean) => void
}) {
  const id = useId()
  return (
    <div className="row switch-row">
      <RadixSwitch.Root
        id={id}
        className="switch"
        checked={checked}
        onCheckedChange={onChange}
        {...(hint !== undefined && { 'aria-describedby': `${id}-hint` })}
      >
        <RadixSwitch.Thumb className="switch-thumb" />
      </RadixSwitch.Root>
      <div className="grow">
        <label htmlFor={id}>{label}</label>
        {hint !== undefined && (
          <p id={`${id}-hint`} className="quiet small">
            {hint}
          </p>
        )}
      </div>
    </div>
  )
}

export interface Choice<T extends string> {
  readonly value: T
  readonly label: string
}

/** One of a few, all in sight. */
export function Choices<T extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string
  readonly value: T
  readonly choices: readonly Choice<T>[]
  readonly onChange: (value: T) => void
}) {
  const id = useId()
  return (
    <div className="field">
      <span className="label" id={id}>
        {label}
      </span>
      <ToggleGroup.Root
        type="single"
        className="choices"
        value={value}
        aria-labelledby={id}
        onValueChange={(next: string) => {
          const found = choices.find((choice) => choice.value === next)
          if (found !== undefined) onChange(found.value)
        }}
      >
        {choices.map((choice) => (
          <ToggleGroup.Item key={choice.value} className="choice" value={choice.value}>
            {choice.label}
          </ToggleGroup.Item>
        ))}
      </ToggleGroup.Root>
    </div>
  )
}

/** One of many. */
export function Select<T extends string>({
  label,
  value,
  choices,
  onChange,
}: {
  readonly label: string
  readonly value: T | ''
  readonly choices: readonly Choice<T | ''>[]
  readonly onChange: (value: T | '') => void
}) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <select
        id={id}
        className="input"
        value={value}
        onChange={({ target }) => {
          const found = choices.find((choice) => choice.value === target.value)
          if (found !== undefined) onChange(found.value)
        }}
      >
        {choices.map((choice) => (
          <option key={choice.value} value={choice.value}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  )
}

export function TextField({
  label,
  value,
  onChange,
  type = 'text',
  hint,
}: {
  readonly label: string
  readonly value: string
  readonly onChange: (value: string) => void
  readonly type?: 'text' | 'search' | 'date' | 'password'
  readonly hint?: string
}) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        type={type}
        value={value}
        onChange={({ target }) => onChange(target.value)}
        autoComplete="off"
        spellCheck={false}
        {...(hint !== undefined && { placeholder: hint })}
        {...(type === 'search' && { 'data-search': '' })}
      />
    </div>
  )
}

export function NumberField({
  label,
  value,
  min,
  max,
  onChange,
}: {
  readonly label: string
  readonly value: number
  readonly min: number
  readonly max: number
  readonly onChange: (value: number) => void
}) {
  const id = useId()
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input
        id={id}
        className="input"
        type="number"
        value={value}
        min={min}
        max={max}
        onChange={({ target }) => {
          const number = Math.round(target.valueAsNumber)
          if (number >= min && number <= max) onChange(number)
        }}
      />
    </div>
  )
}
