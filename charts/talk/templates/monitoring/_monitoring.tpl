{{/* A kind of the Prometheus operator that the cluster does not know is told before anything is installed: list root kind value. */}}
{{- define "talk.monitoring.needs" -}}
{{- $root := index . 0 -}}{{- $kind := index . 1 -}}
{{- if and (include "talk.isLive" $root) (not ($root.Capabilities.APIVersions.Has (printf "monitoring.coreos.com/v1/%s" $kind))) -}}
{{- fail (printf "%s: this cluster has no %s; install the Prometheus operator's CRDs first" (index . 2) $kind) -}}
{{- end -}}
{{- end -}}

{{/* Metadata of an object that Prometheus or Grafana looks for: list root name values. */}}
{{- define "talk.monitoring.metadata" -}}
{{- $root := index . 0 -}}{{- $values := index . 2 -}}
name: {{ index . 1 }}
namespace: {{ $values.namespace | default $root.Release.Namespace }}
labels:
  {{- include "talk.labels.of" (list $root "monitoring" $values.labels) | fromJson | include "talk.strings" | nindent 2 }}
{{- with include "talk.strings" ($values.annotations | default dict) }}
annotations:
  {{- . | nindent 2 }}
{{- end }}
{{- end -}}
