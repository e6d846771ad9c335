/** Quoting for MySQL and MariaDB, whose account statements take no parameters. */

/** `` `name` ``, with the backticks inside doubled. */
export const identifier = (name: string): string => `\`${name.replaceAll("`", "``")}\``

/** `'text'`, safe whether or not `NO_BACKSLASH_ESCAPES` is on: a text with a backslash is written in hexadecimal. */
export const literal = (text: string): string =>
  text.includes("\\") ? `0x${Buffer.from(text, "utf8").toString("hex")}` : `'${text.replaceAll("'", "''")}'`

/** A database's name in a grant, where `_` and `%` stand for others unless escaped. */
export const grantPattern = (name: string): string => identifier(name.replaceAll(/[_%\\]/g, "\\$&"))

/** The account of this name from every host. */
export const account = (username: string): string => `${literal(username)}@'%'`
