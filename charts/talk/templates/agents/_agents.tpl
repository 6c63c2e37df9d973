{{/* The specs of `agents`, as JSON: name -> spec. */}}
{{- define "talk.agents" -}}
{{- $made := dict -}}
{{- range $name, $spec := .Values.agents -}}
{{- if $spec -}}
{{- if not (and (regexMatch "^[a-z0-9]([-a-z0-9]*[a-z0-9])?$" $name) (le (len $name) 40)) -}}
{{- fail (printf "agents.%s: a name is at most 40 lower case letters, digits and hyphens, and begins and ends without a hyphen" $name) -}}
{{- end -}}
{{- $made = set $made $name $spec -}}
{{- end -}}
{{- end -}}
{{- $made | toJson -}}
{{- end -}}

{{/* A TalkAgent as a whole document, with what the operator would fill in: list root name spec. */}}
{{- define "talk.agents.document" -}}
{{- $defaults := (index . 0).Values.agentDefaults -}}
{{- $filled := dict "drainSeconds" (int64 $defaults.drainSeconds) -}}
{{- range $field := list "session" "limits" "voice" -}}
{{- with index $defaults $field -}}{{- $filled = set $filled $field (deepCopy .) -}}{{- end -}}
{{- end -}}
{{- dict "apiVersion" "talk.dwani.ai/v1alpha1" "kind" "TalkAgent" "metadata" (dict "name" (index . 1)) "spec" (merge (deepCopy (index . 2)) $filled) | toYaml -}}
{{- end -}}

{{/* `agentDefaults.pod` with what the release wants of every pod, as JSON. */}}
{{- define "talk.agents.pod" -}}
{{- $pod := deepCopy (.Values.agentDefaults.pod | default dict) -}}
{{- range $field := list "labels" "annotations" "nodeSelector" -}}
{{- with include "talk.strings" (index $pod $field) | fromYaml -}}{{- $pod = set $pod $field . -}}{{- end -}}
{{- end -}}
{{- $pod = set $pod "labels" (merge dict ($pod.labels | default dict) (include "talk.strings" .Values.commonLabels | fromYaml)) -}}
{{- if $pod.env -}}{{- $pod = set $pod "env" (include "talk.env" (list dict $pod.env) | fromJsonArray) -}}{{- end -}}
{{- if and .Values.priorityClassName (not $pod.priorityClassName) -}}{{- $pod = set $pod "priorityClassName" .Values.priorityClassName -}}{{- end -}}
{{- if and (include "talk.redis.isExternal" .) (.Values.redis.external.caSecret).name -}}
{{- $volume := dict "name" "talk-redis-ca" "secret" (dict "secretName" .Values.redis.external.caSecret.name) -}}
{{- $mount := dict "name" "talk-redis-ca" "mountPath" "/etc/talk-redis" "readOnly" true -}}
{{- $pod = set $pod "volumes" (append ($pod.volumes | default list) $volume) -}}
{{- $pod = set $pod "volumeMounts" (append ($pod.volumeMounts | default list) $mount) -}}
{{- end -}}
{{- range $field, $value := $pod -}}{{- if not $value -}}{{- $pod = omit $pod $field -}}{{- end -}}{{- end -}}
{{- $pod | toJson -}}
{{- end -}}
