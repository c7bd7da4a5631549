{{- define "lag-adapter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "lag-adapter.fullname" -}}
{{- $name := include "lag-adapter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 50 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lag-adapter.selector" -}}
app.kubernetes.io/name: {{ include "lag-adapter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lag-adapter.labels" -}}
{{ include "lag-adapter.selector" . }}
app.kubernetes.io/part-of: kafka-lag-adapter
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "lag-adapter.serviceAccount" -}}
{{- if .Values.serviceAccount.create }}
{{- .Values.serviceAccount.name | default (include "lag-adapter.fullname" .) }}
{{- else }}
{{- .Values.serviceAccount.name | default "default" }}
{{- end }}
{{- end }}

{{- define "lag-adapter.subject" -}}
- kind: ServiceAccount
  name: {{ include "lag-adapter.serviceAccount" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}

{{- define "lag-adapter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /* The name that kube-apiserver asks for, without and with the cluster's domain. */ -}}
{{- define "lag-adapter.host" -}}
{{ include "lag-adapter.fullname" . }}.{{ .Release.Namespace }}.svc
{{- end }}

{{- /* The Secret with the serving certificate. */ -}}
{{- define "lag-adapter.tlsSecret" -}}
{{- if eq .Values.certificates.source "existing" -}}
{{- required "certificates.existing.secret: no value; name a Secret of the release's namespace with tls.crt and tls.key, or choose another certificates.source" .Values.certificates.existing.secret }}
{{- else -}}
{{ include "lag-adapter.fullname" . }}-tls
{{- end }}
{{- end }}

{{- /* The APIServices of this installation, as a list of version.group with the version's priority. */ -}}
{{- define "lag-adapter.apis" -}}
{{- if .Values.customMetrics.enabled }}
- {version: v1beta1, group: custom.metrics.k8s.io, priority: 100}
- {version: v1beta2, group: custom.metrics.k8s.io, priority: 200}
{{- end }}
{{- if .Values.externalMetrics.enabled }}
- {version: v1beta1, group: external.metrics.k8s.io, priority: 100}
{{- end }}
{{- end }}
