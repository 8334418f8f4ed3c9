// Commands about firmware: repositories, downloads, the cache, sticks; and, apart from them, whom this bench trusts.
import { z } from 'zod'
import {
  bestViewSchema,
  cacheViewSchema,
  needViewSchema,
  offerIdSchema,
  offerViewSchema,
  repositoryNameSchema,
} from './contract-firmware.ts'
import { bayIdSchema, jobIdSchema, TEXT } from './contract-views.ts'
import { trustAnchorSchema } from './trust.ts'

const path = z.string().min(1).max(TEXT.path)
const address = z.string().trim().min(1).max(2_000)
const count = z.number().int().nonnegative()
const nothing = z.strictObject({})
const done = z.object({})
const onOffer = z.strictObject({ rom: offerIdSchema })
const onTransfer = z.strictObject({ transfer: jobIdSchema })
const transfer = z.object({ transfer: jobIdSchema })

export const FIRMWARE_COMMANDS = {
  /** Asks every repository; how it goes is told in the state. */
  'firmware.refresh': { params: nothing, result: done },
  'firmware.search': {
    params: z.strictObject({
      /** Words anywhere in name, build, model, patch level or publisher. */
      text: z.string().max(TEXT.name).exactOptional(),
      /** `fitting`: what some attached terminal (or the one on `bay`) may have, or may have once more is known. */
      only: z.enum(['all', 'fitting', 'cached']),
      /** Best for this terminal first; else the newest. */
      bay: bayIdSchema.exactOptional(),
      limit: count.max(100),
      offset: count,
    }),
    result: z.object({ offers: z.array(offerViewSchema).max(100), total: count }),
  },
  /** For one terminal, or for each one that is attached. */
  'firmware.best': {
    params: z.strictObject({ bay: bayIdSchema.exactOptional(), limit: count.min(1).max(3) }),
    result: z.object({ terminals: z.array(bestViewSchema).max(256) }),
  },
  'firmware.need': { params: onOffer, result: z.object({ need: needViewSchema }) },

  /** Begins, or goes on where it stopped. */
  'download.start': { params: onOffer, result: transfer },
  /** What is there stays. */
  'transfer.stop': { params: onTransfer, result: done },
  /** Off the list; what is there of an unfinished download is thrown away. */
  'transfer.drop': { params: onTransfer, result: done },

  'cache.list': { params: nothing, result: z.object({ cache: cacheViewSchema }) },
  'cache.pin': { params: onOffer.extend({ pinned: z.boolean() }), result: done },
  'cache.remove': { params: onOffer, result: done },
  /** Among the packages of the bench, so that it can be chosen; verified there. */
  'cache.use': { params: onOffer, result: z.object({ rom: jobIdSchema }) },

  'stick.export': {
    params: z.strictObject({ roms: z.array(offerIdSchema).min(1).max(64), folder: path }),
    result: transfer,
  },
  'stick.import': { params: z.strictObject({ folder: path }), result: transfer },

  /** Addresses alone: whoever answers there has to be signed for by the root that was trusted. */
  'repository.change': {
    params: z.strictObject({
      name: repositoryNameSchema,
      url: address.exactOptional(),
      mirrors: z.array(address).max(16),
    }),
    result: done,
  },

  /** Everything that changes whom this bench believes begins with `trust.`. */
  'trust.list': { params: nothing, result: z.object({ anchors: z.array(trustAnchorSchema).max(1_000) }) },
  'trust.add-key': {
    params: z.strictObject({ path, name: z.string().trim().max(100).exactOptional() }),
    result: z.object({ anchor: trustAnchorSchema }),
  },
  'trust.remove-key': { params: z.strictObject({ name: z.string().min(1).max(TEXT.name) }), result: done },
  /** Believes the given root, and whatever follows from it. Without `url` it comes on sticks only. */
  'trust.add-repository': {
    params: z.strictObject({
      name: repositoryNameSchema,
      url: address.exactOptional(),
      mirrors: z.array(address).max(16),
      /** Path of its `root.json`. */
      root: path,
    }),
    result: done,
  },
  'trust.remove-repository': { params: z.strictObject({ name: repositoryNameSchema }), result: done },
} as const
