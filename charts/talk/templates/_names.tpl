{{/* All names of the chart, and the labels that belong to them. A name is at most 63 characters long, also with what
     Kubernetes appends (a StatefulSet's revision is a label of its pods: 11 characters). */}}

{{- define "talk.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{/* The beginning of every name: a DNS label that starts with a letter, at most 40 characters. What had to be changed
     or cut keeps a hash, so that two releases never meet. */}}
{{- define "talk.fullname" -}}
{{- $wanted := .Values.fullnameOverride -}}
{{- if not $wanted -}}
{{- $wanted = ternary .Release.Name (printf "%s-%s" .Release.Name (include "talk.name" .)) (contains (include "talk.name" .) .Release.Name) -}}
{{- end -}}
{{- $legal := $wanted | lower | replace "." "-" -}}
{{- if regexMatch "^[0-9]" $legal -}}{{- $legal = printf "talk-%s" $legal -}}{{- end -}}
{{- if or (ne $legal $wanted) (gt (len $legal) 40) -}}
{{- $legal = printf "%s-%s" ($legal | trunc 33 | trimSuffix "-") ($wanted | sha256sum | trunc 6) -}}
{{- end -}}
{{- $legal -}}
{{- end -}}

{{- define "talk.gateway.name" -}}{{ include "talk.fullname" . }}-gateway{{- end -}}
{{- define "talk.operator.name" -}}{{ include "talk.fullname" . }}-operator{{- end -}}
{{- define "talk.redis.name" -}}{{ include "talk.fullname" . }}-redis{{- end -}}
{{- define "talk.local.name" -}}{{ include "talk.fullname" . }}-local{{- end -}}
{{- define "talk.test.name" -}}{{ include "talk.fullname" . }}-test{{- end -}}
{{- define "talk.agents.configmap" -}}{{ include "talk.fullname" . }}-agents{{- end -}}
{{/* An agent's objects, as the operator names them too. */}}
{{- define "talk.agent.name" -}}talkagent-{{ . }}{{- end -}}

{{/* Talk's own Secrets and claims begin with talk-internal-: no TalkAgent may refer to such names. */}}
{{- define "talk.redis.secret" -}}
{{- if include "talk.redis.isExternal" . -}}{{ .Values.redis.external.existingSecret }}
{{- else -}}{{ .Values.redis.auth.existingSecret | default (printf "talk-internal-%s" (include "talk.redis.name" .)) }}
{{- end -}}
{{- end -}}
{{- define "talk.identity.secret" -}}
{{ .Values.auth.identity.existingSecret | default (printf "talk-internal-%s-identity" (include "talk.fullname" .)) }}
{{- end -}}
{{- define "talk.identity.configmap" -}}talk-internal-{{ include "talk.fullname" . }}-identity{{- end -}}
{{- define "talk.redis.secretKey" -}}
{{- if include "talk.redis.isExternal" . -}}{{ .Values.redis.external.existingSecretKey | default "password" }}
{{- else if .Values.redis.auth.existingSecret -}}{{ .Values.redis.auth.existingSecretKey | default "password" }}
{{- else -}}password
{{- end -}}
{{- end -}}

{{- define "talk.serviceAccountName" -}}
{{- $root := index . 0 -}}{{- $room := index . 1 -}}
{{- $account := (index $root.Values $room).serviceAccount | default dict -}}
{{- if $account.create -}}{{ $account.name | default (include (printf "talk.%s.name" $room) $root) }}
{{- else -}}{{ $account.name | default "default" }}
{{- end -}}
{{- end -}}

{{/* Labels of an object of a room, a JSON mapping of strings; those of the chart win over `commonLabels` and over
     `more`: list root room more. */}}
{{- define "talk.labels.of" -}}
{{- $root := index . 0 -}}
{{- $own := include "talk.selector" (list $root (index . 1)) | fromYaml -}}
{{- $own = merge $own (dict
  "helm.sh/chart" (printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63)
  "app.kubernetes.io/version" ($root.Chart.AppVersion | replace "+" "_" | trunc 63)
  "app.kubernetes.io/managed-by" $root.Release.Service
  "app.kubernetes.io/part-of" "talk"
) -}}
{{- merge $own (index . 2 | default dict) ($root.Values.commonLabels | default dict) | toJson -}}
{{- end -}}

{{/* Labels of an object: list root room. */}}
{{- define "talk.labels" -}}
{{- include "talk.labels.of" (list (index . 0) (index . 1) dict) | fromJson | include "talk.strings" -}}
{{- end -}}

{{- define "talk.selector" -}}
{{- $root := index . 0 -}}{{- $room := index . 1 -}}
app.kubernetes.io/name: {{ include "talk.name" $root | quote }}
app.kubernetes.io/instance: {{ $root.Release.Name | quote }}
app.kubernetes.io/component: {{ $room }}
{{- end -}}
