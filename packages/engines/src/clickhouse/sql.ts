/** Quoting for ClickHouse, where a backslash escapes in names and texts alike. */

const escaped = (text: string, quote: string): string => text.replaceAll("\\", "\\\\").replaceAll(quote, `\\${quote}`)

export const identifier = (name: string): string => `\`${escaped(name, "`")}\``

export const literal = (text: string): string => `'${escaped(text, "'")}'`
