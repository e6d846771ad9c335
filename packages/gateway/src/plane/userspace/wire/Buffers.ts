/**
 * Read buffers. Every direction of every session owns a small one, which is all that an idle session costs; one that
 * fills it leases a large one until it is quiet again. Buffers are views of slabs, so that ten thousand sessions do not
 * mean twenty thousand allocations.
 */

/** Bytes of a small buffer: a query or a command and most answers fit. */
export const small = 1024
/** Bytes of a large buffer. */
export const large = 65_536

const slabSize = 256 * small
/** Large buffers kept for the next busy session; what is above goes back to the system. */
const spareLimit = 32

let slab = new Uint8Array(0)
let used = 0
const freeSmall: Array<Uint8Array> = []
const freeLarge: Array<Uint8Array> = []

export const leaseSmall = (): Uint8Array => {
  const free = freeSmall.pop()
  if (free !== undefined) return free
  if (used + small > slab.length) {
    slab = new Uint8Array(slabSize)
    used = 0
  }
  const buffer = slab.subarray(used, used + small)
  used += small
  return buffer
}

export const leaseLarge = (): Uint8Array => freeLarge.pop() ?? new Uint8Array(large)

export const giveBack = (buffer: Uint8Array): void => {
  if (buffer.length === small) freeSmall.push(buffer)
  else if (freeLarge.length < spareLimit) freeLarge.push(buffer)
}
