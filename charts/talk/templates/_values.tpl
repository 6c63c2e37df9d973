{{/* Values as Kubernetes wants them. */}}

{{/* A number, a boolean or a string as text: Helm reads numbers as floats, and 26214400 would become 2.62144e+07. */}}
{{- define "talk.text" -}}
{{- if kindIs "float64" . -}}
{{- if eq (. | int64 | float64) . -}}{{ int64 . }}{{- else -}}{{ toString . }}{{- end -}}
{{- else -}}{{ toString . }}{{- end -}}
{{- end -}}

{{/* A mapping as one of strings: labels, annotations. What is null is left out; keys that YAML 1.1 takes for a boolean
     or a number are quoted. */}}
{{- define "talk.strings" -}}
{{- $lines := list -}}
{{- range $key, $value := . -}}
{{- if not (kindIs "invalid" $value) -}}
{{- $safe := ternary ($key | quote) $key (regexMatch "^(?i:y|n|yes|no|on|off|true|false|null|[-+.]?[0-9].*)$" $key) -}}
{{- $lines = append $lines (printf "%s: %s" $safe (include "talk.text" $value | quote)) -}}
{{- end -}}
{{- end -}}
{{- join "\n" $lines -}}
{{- end -}}

{{/* Pull secrets, strings or objects, of the release and of an umbrella, as a JSON list of objects. */}}
{{- define "talk.pullSecrets" -}}
{{- $secrets := list -}}
{{- range concat (.Values.imagePullSecrets | default list) ((.Values.global).imagePullSecrets | default list) -}}
{{- $secret := . -}}
{{- if kindIs "string" . -}}{{- $secret = dict "name" . -}}{{- end -}}
{{- if not (has $secret $secrets) -}}{{- $secrets = append $secrets $secret -}}{{- end -}}
{{- end -}}
{{- $secrets | toJson -}}
{{- end -}}

{{/* An image: list root image. A digest wins over a tag; an umbrella's registry replaces the one that is named. */}}
{{- define "talk.image" -}}
{{- $root := index . 0 -}}{{- $image := index . 1 -}}
{{- $repository := $image.repository -}}
{{- with ($root.Values.global).imageRegistry -}}
{{- $parts := splitList "/" $repository -}}
{{- if regexMatch "[.:]|^localhost$" (first $parts) -}}{{- $parts = rest $parts -}}{{- end -}}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) (join "/" $parts) -}}
{{- end -}}
{{- if $image.digest -}}{{ $repository }}@{{ $image.digest }}
{{- else -}}{{ $repository }}:{{ $image.tag | default $root.Chart.AppVersion }}
{{- end -}}
{{- end -}}

{{/* Environment: list own extra. `own` is a mapping of text, or of a valueFrom; what `extra` names is left out of it,
     because server-side apply refuses a name that is there twice. */}}
{{- define "talk.env" -}}
{{- $own := index . 0 -}}{{- $extra := index . 1 | default list -}}
{{- $env := list -}}
{{- $named := list -}}
{{- range $extra -}}{{- $named = append $named .name -}}{{- end -}}
{{- range $name, $value := $own -}}
{{- if not (or (has $name $named) (kindIs "invalid" $value)) -}}
{{- if kindIs "map" $value -}}{{- $env = append $env (dict "name" $name "valueFrom" $value) -}}
{{- else if ne (include "talk.text" $value) "" -}}{{- $env = append $env (dict "name" $name "value" (include "talk.text" $value)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- range $extra -}}
{{- $item := deepCopy . -}}
{{- if and (hasKey $item "value") (not (kindIs "invalid" $item.value)) -}}{{- $item = set $item "value" (include "talk.text" $item.value) -}}{{- end -}}
{{- $env = append $env $item -}}
{{- end -}}
{{- $env | toJson -}}
{{- end -}}

{{/* Whether Helm talks to a cluster: `helm template` and a client-side dry run do not. */}}
{{- define "talk.isLive" -}}
{{- if or (lookup "v1" "Namespace" "" .Release.Namespace) (lookup "v1" "Namespace" "" "kube-system") -}}true{{- end -}}
{{- end -}}

{{- define "talk.gateway.url" -}}
http://{{ include "talk.gateway.name" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:{{ int64 .Values.gateway.service.port }}
{{- end -}}

{{- define "talk.local.url" -}}
http://{{ include "talk.local.name" . }}.{{ .Release.Namespace }}.svc.{{ .Values.clusterDomain }}:8090/v1
{{- end -}}

{{- define "talk.redis.isExternal" -}}{{- if .Values.redis.external.host -}}true{{- end -}}{{- end -}}
{{- define "talk.redis.isOwn" -}}{{- if and .Values.redis.enabled (not .Values.redis.external.host) -}}true{{- end -}}{{- end -}}

{{/* Whether each agent has a user of its own in the chart's Redis: the operator makes them. */}}
{{- define "talk.redis.usersPerAgent" -}}
{{- if and (include "talk.redis.isOwn" .) .Values.operator.enabled .Values.redis.auth.usersPerAgent -}}true{{- end -}}
{{- end -}}

{{/* The speech provider of the gateway, as JSON: the one named default, else the offline one, else nothing. */}}
{{- define "talk.speech" -}}
{{- $found := dict -}}
{{- range .Values.speech.providers -}}{{- if eq .name "default" -}}{{- $found = . -}}{{- end -}}{{- end -}}
{{- if $found -}}{{- $found | toJson -}}
{{- else if .Values.local.enabled -}}
{{- dict "baseURL" (include "talk.local.url" .) "transcription" (dict "model" "tiny-en") "speech" (dict "model" "joe" "voice" "joe") | toJson -}}
{{- else -}}{}
{{- end -}}
{{- end -}}

{{/* The file of a speech provider's key in the gateway. */}}
{{- define "talk.speech.keyFile" -}}/etc/talk/speech/{{ .name }}/apiKey{{- end -}}

{{/* The speech providers beside the default one, as the gateway reads them: a JSON list, or nothing. */}}
{{- define "talk.speech.named" -}}
{{- $named := list -}}
{{- range .Values.speech.providers -}}
{{- if ne .name "default" -}}
{{- $one := pick . "name" "baseURL" "transcription" "speech" -}}
{{- if .existingSecret -}}{{- $one = set $one "apiKeyFile" (include "talk.speech.keyFile" .) -}}{{- end -}}
{{- $named = append $named $one -}}
{{- end -}}
{{- end -}}
{{- if $named -}}{{- $named | toJson -}}{{- end -}}
{{- end -}}

{{/* The model of agents that name none, as JSON. */}}
{{- define "talk.model" -}}
{{- $model := .Values.agentDefaults.model | default dict -}}
{{- $made := dict -}}
{{- range $key, $value := $model -}}{{- if $value -}}{{- $made = set $made $key $value -}}{{- end -}}{{- end -}}
{{- if and (not $made.name) (not $made.baseURL) .Values.local.enabled (has "llm" .Values.local.parts) -}}
{{- $made = dict "name" "openai/demo" "baseURL" (include "talk.local.url" .) -}}
{{- end -}}
{{- $made | toJson -}}
{{- end -}}

{{/* Environment of an agent's pod, a JSON mapping for talk.env: where conversations are. The password is a variable of
     its own, because signs such as # @ / break a URL. */}}
{{- define "talk.redis.env" -}}
{{- $env := dict -}}
{{- if include "talk.redis.isExternal" . -}}
{{- $external := .Values.redis.external -}}
{{- $env = dict "TALK_REDIS_HOST" $external.host "TALK_REDIS_PORT" (include "talk.text" ($external.port | default 6379)) "TALK_REDIS_TLS" (toString $external.tls) "TALK_REDIS_USER" ($external.username | default "") -}}
{{- if ($external.caSecret).name -}}{{- $env = set $env "TALK_REDIS_CA_FILE" (printf "/etc/talk-redis/%s" ($external.caSecret.key | default "ca.crt")) -}}{{- end -}}
{{- else if .Values.redis.enabled -}}
{{- $env = dict "TALK_REDIS_HOST" (printf "%s.%s.svc.%s" (include "talk.redis.name" .) .Release.Namespace .Values.clusterDomain) "TALK_REDIS_PORT" "6379" -}}
{{- end -}}
{{- if and $env (include "talk.redis.secret" .) -}}
{{- $env = set $env "TALK_REDIS_PASSWORD" (dict "secretKeyRef" (dict "name" (include "talk.redis.secret" .) "key" (include "talk.redis.secretKey" .))) -}}
{{- end -}}
{{- $env | toJson -}}
{{- end -}}
