/** Quoting for the statements that take no parameters (roles, databases). */

/** `"name"`, with the quotes inside doubled. */
export const identifier = (name: string): string => `"${name.replaceAll('"', '""')}"`

/** `'text'`, safe for any text under `standard_conforming_strings`, which is the default since PostgreSQL 9.1. */
export const literal = (text: string): string => `'${text.replaceAll("'", "''")}'`
