/** The typed client of the admin API. */
import { Context, Layer, Redacted } from "effect"
import { FetchHttpClient, HttpClient, HttpClientRequest } from "effect/http"
import { HttpApiClient } from "effect/http-api"
import { AdminApi } from "./AdminApi.ts"

export interface Options {
  /** Such as `http://127.0.0.1:9180`. */
  readonly url: string
  /** The admin token; left out for a gateway that has none. */
  readonly token?: Redacted.Redacted
}

export class AdminClient extends Context.Service<AdminClient, HttpApiClient.ForApi<typeof AdminApi>>()(
  "@berth/gateway/AdminClient"
) {
  /** The client over whichever HTTP client is provided. */
  static readonly make = ({ url, token }: Options) =>
    HttpApiClient.make(AdminApi, {
      baseUrl: url,
      transformClient: (client) =>
        token === undefined
          ? client
          : HttpClient.mapRequest(client, HttpClientRequest.bearerToken(Redacted.value(token)))
    })
  /** The client over `fetch`. */
  static readonly layer = (options: Options) =>
    Layer.effect(AdminClient, AdminClient.make(options)).pipe(Layer.provide(FetchHttpClient.layer))
}
