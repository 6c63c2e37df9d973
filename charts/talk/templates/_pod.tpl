{{/* What the pods of all rooms have: list root room. Service links are off: a Service named talk-redis would plant
     TALK_REDIS_PORT=tcp://... in their environment. */}}
{{- define "talk.pod" -}}
{{- $root := index . 0 -}}{{- $room := index . 1 -}}{{- $values := index $root.Values $room -}}
serviceAccountName: {{ include "talk.serviceAccountName" . }}
enableServiceLinks: false
{{- with include "talk.pullSecrets" $root | fromJsonArray }}
imagePullSecrets: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.priorityClassName | default $root.Values.priorityClassName }}
priorityClassName: {{ . | quote }}
{{- end }}
{{- with $values.podSecurityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.nodeSelector }}
nodeSelector: {{- include "talk.strings" . | nindent 2 }}
{{- end }}
{{- /* A StatefulSet's pod is not replaced before its node is back or removed: Redis waits as Kubernetes has it. */}}
{{- with ternary $values.tolerations (include "talk.tolerations" $values.tolerations | fromJsonArray) (eq $room "redis") }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- $affinity := deepCopy ($values.affinity | default dict) }}
{{- if and (hasKey $values "topologySpreadConstraints") (not $values.topologySpreadConstraints) }}
{{- $mine := dict "matchLabels" (include "talk.selector" (list $root $room) | fromYaml) }}
topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: kubernetes.io/hostname
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {{- toYaml $mine | nindent 6 }}
    matchLabelKeys: [pod-template-hash]
{{- /* Zones by affinity: a constraint on a label that no node has switches off a pod's other soft constraints. */}}
{{- $zones := dict "topologyKey" "topology.kubernetes.io/zone" "labelSelector" $mine }}
{{- if not (hasKey $affinity "podAntiAffinity") }}
{{- $affinity = set $affinity "podAntiAffinity" (dict "preferredDuringSchedulingIgnoredDuringExecution" (list (dict "weight" 50 "podAffinityTerm" $zones))) }}
{{- end }}
{{- else if $values.topologySpreadConstraints }}
topologySpreadConstraints: {{- toYaml $values.topologySpreadConstraints | nindent 2 }}
{{- end }}
{{- with $affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Tolerations with those of a lost node, as JSON: a pod leaves it after 5 s, not Kubernetes' 300. What values say of
     these taints wins. */}}
{{- define "talk.tolerations" -}}
{{- $own := . | default list -}}{{- $told := list -}}
{{- range $own -}}{{- if eq (.effect | default "NoExecute") "NoExecute" -}}{{- $told = append $told (.key | default "") -}}{{- end -}}{{- end -}}
{{- range list "node.kubernetes.io/not-ready" "node.kubernetes.io/unreachable" -}}
{{- if not (or (has "" $told) (has . $told)) -}}
{{- $own = append $own (dict "key" . "operator" "Exists" "effect" "NoExecute" "tolerationSeconds" 5) -}}
{{- end -}}
{{- end -}}
{{- $own | toJson -}}
{{- end -}}

{{/* Metadata of a pod: list root room annotations, the last those that the chart itself sets. */}}
{{- define "talk.podMetadata" -}}
{{- $root := index . 0 -}}{{- $room := index . 1 -}}{{- $own := index . 2 -}}{{- $values := index $root.Values $room -}}
labels:
  {{- /* Without the chart's version: a new chart alone restarts no Redis. */}}
  {{- omit (include "talk.labels.of" (list $root $room $values.podLabels) | fromJson) "helm.sh/chart" "app.kubernetes.io/version" | include "talk.strings" | nindent 2 }}
{{- with include "talk.strings" (merge dict ($values.podAnnotations | default dict) $own) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Image, environment, resources and security context of a container: list root room env. */}}
{{- define "talk.container" -}}
{{- $root := index . 0 -}}{{- $room := index . 1 -}}{{- $values := index $root.Values $room -}}
image: {{ include "talk.image" (list $root $values.image) | quote }}
imagePullPolicy: {{ $root.Values.imagePullPolicy }}
{{- with $values.command }}
command: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "talk.env" (list (index . 2) $values.extraEnv) | fromJsonArray }}
env: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.extraEnvFrom }}
envFrom: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.resources }}
resources: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.securityContext }}
securityContext: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end -}}

{{/* Probes of Talk's own processes: live as soon as they listen, never restarted for what others lack. */}}
{{- define "talk.probes" -}}
startupProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 1
  timeoutSeconds: 5
  failureThreshold: 120
livenessProbe:
  httpGet: {path: /healthz, port: http}
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 3
readinessProbe:
  httpGet: {path: /ready, port: http}
  periodSeconds: 2
  timeoutSeconds: 3
  failureThreshold: 2
{{- end -}}

{{- define "talk.serviceAccount" -}}
{{- $root := index . 0 -}}{{- $room := index . 1 -}}{{- $account := (index $root.Values $room).serviceAccount | default dict -}}
{{- if $account.create -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "talk.serviceAccountName" . }}
  namespace: {{ $root.Release.Namespace }}
  labels:
    {{- include "talk.labels" . | nindent 4 }}
  {{- with include "talk.strings" $account.annotations }}
  annotations:
    {{- . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end -}}
{{- end -}}
