{{/* Nobody opens an API without authentication to the world by chance: list root value. */}}
{{- define "talk.refuseAnonymous" -}}
{{- $root := index . 0 -}}
{{- if and (eq $root.Values.auth.mode "none") (not $root.Values.auth.allowAnonymousIngress) -}}
{{- fail (printf "%s: auth.mode is none, so everyone who reaches this address could use the API and what it costs. Set auth.mode, or auth.allowAnonymousIngress: true where something else in front asks who calls" (index . 1)) -}}
{{- end -}}
{{- end -}}
