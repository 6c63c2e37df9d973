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
{{- with $values.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $values.affinity }}
affinity: {{- toYaml . | nindent 2 }}
{{- end }}
{{- if hasKey $values "topologySpreadConstraints" }}
topologySpreadConstraints:
{{- with $values.topologySpreadConstraints }}
  {{- toYaml . | nindent 2 }}
{{- else }}
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {matchLabels: {{- include "talk.selector" (list $root $room) | fromYaml | toJson | print " " }}}
    matchLabelKeys: [pod-template-hash]
  {{- end }}
{{- end }}
{{- end }}
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
