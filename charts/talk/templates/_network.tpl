{{/* Rules of NetworkPolicies. */}}

{{- define "talk.net.dns" -}}
- ports:
    {{- range .Values.networkPolicy.dns.ports }}
    - {protocol: UDP, port: {{ int64 . }}}
    - {protocol: TCP, port: {{ int64 . }}}
    {{- end }}
  to:
    - namespaceSelector: {}
    {{- range .Values.networkPolicy.dns.cidrs }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
{{- end -}}

{{/* A port at every public address: list root port. */}}
{{- define "talk.net.public" -}}
{{- $root := index . 0 -}}
- ports:
    - {protocol: TCP, port: {{ int64 (index . 1) }}}
  to:
    - ipBlock:
        cidr: 0.0.0.0/0
        {{- with $root.Values.networkPolicy.privateRanges }}
        except: {{- toYaml . | nindent 10 }}
        {{- end }}
    - ipBlock:
        cidr: ::/0
        {{- with $root.Values.networkPolicy.privateRangesV6 }}
        except: {{- toYaml . | nindent 10 }}
        {{- end }}
{{- end -}}

{{/* Where a URL leads: list root url. An address; a namespace of the cluster (a policy sees the pods' ports, not the
     Service's, so all of them); else the port at public addresses. */}}
{{- define "talk.net.url" -}}
{{- $root := index . 0 -}}{{- $url := urlParse (index . 1) -}}
{{- $port := ternary "443" "80" (eq $url.scheme "https") -}}
{{- $host := $url.host -}}
{{- if regexMatch ":[0-9]+$" $host -}}
{{- $port = regexFind "[0-9]+$" $host -}}
{{- $host = regexReplaceAll ":[0-9]+$" $host "" -}}
{{- end -}}
{{- $host = $host | trimPrefix "[" | trimSuffix "]" | trimSuffix "." | trimSuffix (printf ".%s" $root.Values.clusterDomain) -}}
{{- $labels := splitList "." $host -}}
{{- if regexMatch "^[0-9.]+$" $host -}}
- to: [{ipBlock: {cidr: {{ $host }}/32}}]
  ports: [{protocol: TCP, port: {{ $port }}}]
{{- else if contains ":" $host -}}
- to: [{ipBlock: {cidr: "{{ $host }}/128"}}]
  ports: [{protocol: TCP, port: {{ $port }}}]
{{- else if or (eq (last $labels) "svc") (eq (len $labels) 1) -}}
- to: [{namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ ternary (index $labels (min 1 (sub (len $labels) 1) | int)) $root.Release.Namespace (gt (len $labels) 1) | quote }}}}}]
{{- else -}}
{{ include "talk.net.public" (list $root $port) }}
{{- end -}}
{{- end -}}

{{/* The pods of a room of this release, as a peer. */}}
{{- define "talk.net.room" -}}
podSelector:
  matchLabels:
    {{- include "talk.selector" . | nindent 4 }}
{{- end -}}

{{/* The agents of the namespaces that this release serves, as peers. */}}
{{- define "talk.net.agents" -}}
- podSelector:
    matchExpressions: [{key: talk.dwani.ai/agent, operator: Exists}]
{{- range .Values.watchNamespaces }}
- namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ . | quote }}}}
  podSelector:
    matchExpressions: [{key: talk.dwani.ai/agent, operator: Exists}]
{{- end }}
{{- end -}}

{{- define "talk.net.metrics" -}}
- ports: [{protocol: TCP, port: 9090}]
  from:
    {{- with .Values.networkPolicy.metricsFrom }}
    {{- toYaml . | nindent 4 }}
    {{- else }}
    - namespaceSelector: {}
    {{- end }}
{{- end -}}

{{/* Where the API server is: as values say, else what the cluster says of it, else anywhere. Private ranges stay beside
     the addresses that were found: a control plane that is replaced gets others, and until the next upgrade the operator
     and the gateway would be cut off. A public address (AKS, GKE) is allowed as itself. JSON: {cidrs, ports}. */}}
{{- define "talk.net.apiServer.where" -}}
{{- $values := .Values.networkPolicy.apiServer -}}
{{- $cidrs := $values.cidrs | default list -}}
{{- $ports := list -}}
{{- range $values.ports -}}{{- $ports = append $ports (int64 .) -}}{{- end -}}
{{- $ask := $values.lookup -}}
{{- if kindIs "invalid" $ask -}}{{- $ask = .Values.crds.install -}}{{- end -}}
{{- if and $ask (not $cidrs) (include "talk.isLive" .) -}}
{{- $addresses := list -}}
{{- $slice := lookup "discovery.k8s.io/v1" "EndpointSlice" "default" "kubernetes" | default dict -}}
{{- range $slice.endpoints -}}{{- $addresses = concat $addresses .addresses -}}{{- end -}}
{{- if $addresses -}}
{{- range $slice.ports -}}{{- $ports = append $ports (int64 .port) -}}{{- end -}}
{{- $service := lookup "v1" "Service" "default" "kubernetes" | default (dict "spec" dict) -}}
{{- $addresses = concat $addresses ($service.spec.clusterIPs | default list) -}}
{{- $cidrs = list "10.0.0.0/8" "172.16.0.0/12" "192.168.0.0/16" "100.64.0.0/10" "fc00::/7" -}}
{{- range $addresses | uniq | sortAlpha -}}{{- $cidrs = append $cidrs (printf "%s/%s" . (ternary "128" "32" (contains ":" .))) -}}{{- end -}}
{{- end -}}
{{- end -}}
{{- dict "cidrs" $cidrs "ports" ($ports | uniq) | toJson -}}
{{- end -}}

{{- define "talk.net.apiServer" -}}
{{- $where := include "talk.net.apiServer.where" . | fromJson -}}
- ports:
    {{- range $where.ports }}
    - {protocol: TCP, port: {{ int64 . }}}
    {{- end }}
  {{- with $where.cidrs }}
  to:
    {{- range . }}
    - ipBlock: {cidr: {{ . | quote }}}
    {{- end }}
  {{- end }}
{{- end -}}

{{/* What an agent's pods may do: in from the gateway and the operator. */}}
{{- define "talk.net.agentIngress" -}}
- ports: [{protocol: TCP, port: 8081}]
  from:
    {{- range list "gateway" "operator" }}
    - namespaceSelector: {matchLabels: {kubernetes.io/metadata.name: {{ $.Release.Namespace | quote }}}}
      {{- include "talk.net.room" (list $ .) | nindent 6 }}
    {{- end }}
{{ include "talk.net.metrics" . }}
{{- end -}}

{{/* ... and out to Redis, the gateway and the offline parts. */}}
{{- define "talk.net.agentEgress" -}}
{{- $own := dict "matchLabels" (dict "kubernetes.io/metadata.name" .Release.Namespace) -}}
- to:
    - namespaceSelector: {{ toJson $own }}
      {{- include "talk.net.room" (list . "gateway") | nindent 6 }}
  ports: [{protocol: TCP, port: 8080}]
{{- if include "talk.redis.isOwn" . }}
- to:
    - namespaceSelector: {{ toJson $own }}
      {{- include "talk.net.room" (list . "redis") | nindent 6 }}
  ports: [{protocol: TCP, port: 6379}]
{{- else if include "talk.redis.isExternal" . }}
- ports: [{protocol: TCP, port: {{ int64 (.Values.redis.external.port | default 6379) }}}]
{{- end }}
{{- if .Values.local.enabled }}
- to:
    - namespaceSelector: {{ toJson $own }}
      {{- include "talk.net.room" (list . "local") | nindent 6 }}
  ports: [{protocol: TCP, port: 8090}]
{{- end }}
{{- end -}}
