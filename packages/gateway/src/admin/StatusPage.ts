export const page = ""
export const pagePolicy = ""
