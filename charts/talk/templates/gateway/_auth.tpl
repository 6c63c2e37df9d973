{{/* Nobody opens an API without authentication to the world by chance: list root value. */}}
{{- define "talk.refuseAnonymous" -}}
{{- $root := index . 0 -}}
{{- if and (eq $root.Values.auth.mode "none") (not $root.Values.auth.allowAnonymousIngress) -}}
{{- fail (printf "%s: auth.mode is none, so everyone who reaches this address could use the API and what it costs. Set auth.mode, or auth.allowAnonymousIngress: true where something else in front asks who calls" (index . 1)) -}}
{{- end -}}
{{- end -}}

{{/* The gateway's environment of `auth`, as JSON. */}}
{{- define "talk.auth.env" -}}
{{- $auth := .Values.auth -}}
{{- if eq $auth.mode "apiKey" -}}
{{- if not $auth.apiKey.existingSecret -}}
{{- fail "auth.apiKey.existingSecret: auth.mode is apiKey, so name the Secret with the file of keys: `talk keys create` makes one, `talk keys secret` prints it for kubectl" -}}
{{- end -}}
{{- dict "TALK_AUTH_MODE" "apiKey" "TALK_AUTH_FILE" "/etc/talk/api-keys/keys.json" | toJson -}}
{{- else if eq $auth.mode "oidc" -}}
{{- if not (and $auth.oidc.issuer $auth.oidc.audience) -}}
{{- fail "auth.oidc: auth.mode is oidc, so set auth.oidc.issuer and auth.oidc.audience" -}}
{{- end -}}
{{- dict
  "TALK_AUTH_MODE" "oidc"
  "TALK_OIDC_ISSUER" $auth.oidc.issuer
  "TALK_OIDC_AUDIENCE" $auth.oidc.audience
  "TALK_OIDC_JWKS_URL" $auth.oidc.jwksURL
  "TALK_OIDC_ALGORITHMS" (join "," $auth.oidc.algorithms)
  "TALK_OIDC_LEEWAY_SECONDS" $auth.oidc.leewaySeconds
  "TALK_OIDC_CALLER_CLAIM" $auth.oidc.callerClaim
  "TALK_OIDC_AGENTS_CLAIM" $auth.oidc.agentsClaim
| toJson -}}
{{- else -}}{}
{{- end -}}
{{- end -}}

{{/* The gateway's environment of `rateLimits`, as JSON. */}}
{{- define "talk.limits.env" -}}
{{- $limits := .Values.rateLimits -}}
{{- $env := dict
  "TALK_LIMIT_REQUESTS_PER_MINUTE" $limits.requestsPerMinute
  "TALK_LIMIT_CONCURRENT_TURNS" $limits.concurrentTurns
  "TALK_LIMIT_TOKENS_PER_DAY" $limits.tokensPerDay
  "TALK_LIMIT_IP_REQUESTS_PER_MINUTE" $limits.ipRequestsPerMinute
  "TALK_LIMIT_AGENT_REQUESTS_PER_MINUTE" $limits.agentRequestsPerMinute
  "TALK_LIMIT_AGENT_TOKENS_PER_DAY" $limits.agentTokensPerDay
  "TALK_LIMIT_FAIL" $limits.fail
  "TALK_TRUSTED_PROXIES" (join "," $limits.trustedProxies)
-}}
{{- if $limits.shared -}}{{- $env = merge $env (include "talk.redis.env" . | fromJson) -}}{{- end -}}
{{- $env | toJson -}}
{{- end -}}
