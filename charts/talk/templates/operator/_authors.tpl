{{/* What authors may ask for, as the operator reads it: JSON. */}}
{{- define "talk.authors" -}}
{{- $own := list -}}
{{- range list "gateway" "operator" "redis" "local" -}}
{{- $own = append $own (include "talk.serviceAccountName" (list $ .)) -}}
{{- end -}}
{{- dict "images" (.Values.authors.images | default list) "serviceAccountNames" (.Values.authors.serviceAccountNames | default list) "neverServiceAccountNames" ($own | uniq) | toJson -}}
{{- end -}}

{{/* Whether there is an admission policy. Kubernetes has them as v1 from 1.30 on; without a cluster Helm's own idea of a
     version counts, or --kube-version. */}}
{{- define "talk.hasAdmissionPolicy" -}}
{{- $wanted := .Values.admissionPolicy.enabled -}}
{{- if kindIs "invalid" $wanted -}}{{- $wanted = .Values.crds.install -}}{{- end -}}
{{- if and $wanted .Values.operator.enabled (or (semverCompare ">=1.30.0-0" .Capabilities.KubeVersion.Version) (.Capabilities.APIVersions.Has "admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy")) -}}true{{- end -}}
{{- end -}}

{{/* An object of the whole cluster: release and namespace make it this release's alone. */}}
{{- define "talk.admissionPolicy.name" -}}{{ include "talk.fullname" . }}.{{ .Release.Namespace }}.authors{{- end -}}
