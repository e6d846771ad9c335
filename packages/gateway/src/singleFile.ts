/**
 * Whether this program is the single executable. Asked at run time, because bundlers take the `node:` off imports and
 * this module has no name without it.
 */
export const isSingleFile = (): boolean => process.getBuiltinModule("node:sea")?.isSea() ?? false
