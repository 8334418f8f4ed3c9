// Before any schema is made: the page may not make code out of texts, and need not try.
import { config } from 'zod'

config({ jitless: true })
