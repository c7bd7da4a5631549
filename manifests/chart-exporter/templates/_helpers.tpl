{{- define "lag-exporter.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "lag-exporter.fullname" -}}
{{- $name := include "lag-exporter.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "lag-exporter.selector" -}}
app.kubernetes.io/name: {{ include "lag-exporter.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "lag-exporter.labels" -}}
{{ include "lag-exporter.selector" . }}
app.kubernetes.io/part-of: kafka-lag-adapter
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name (.Chart.Version | replace "+" "_") }}
{{- end }}

{{- define "lag-exporter.image" -}}
{{- if .Values.image.digest -}}
{{ .Values.image.repository }}@{{ .Values.image.digest }}
{{- else -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}
{{- end }}

{{- /*
The container, for a chart that has this one as a dependency; an item of its pods' containers:

  {{- include "lag-exporter.sidecar" (index .Subcharts "lag-exporter") | nindent 8 }}

The pods run as a user other than root, with an fsGroup where Kafka's secrets are mounted.
*/ -}}
{{- define "lag-exporter.sidecar" -}}
- name: lag-exporter
  image: {{ include "lag-exporter.image" . }}
  imagePullPolicy: {{ .Values.image.pullPolicy }}
  args:
    - --config=/etc/lag-exporter/config/config.yaml
    {{- with .Values.extraArgs }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with .Values.extraEnv }}
  env:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  ports:
    - name: metrics
      containerPort: 9308
  livenessProbe:
    httpGet:
      port: metrics
      path: /livez
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 6
  # No readiness probe: the exporter must not take what runs beside it out of service.
  {{- with .Values.resources }}
  resources:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- include "kafka-lag.restricted" . | nindent 4 }}
  volumeMounts:
    {{- include "kafka-lag.mounts" . | replace "name: config" "name: lag-exporter" | replace "name: kafka" "name: lag-exporter-kafka" | nindent 4 }}
    {{- with .Values.extraVolumeMounts }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
{{- end }}

{{- /* The container's volumes, as items of the pods' volumes. */ -}}
{{- define "lag-exporter.sidecarVolumes" -}}
- name: lag-exporter
  configMap:
    name: {{ include "lag-exporter.fullname" . }}
{{- with include "kafka-lag.secrets" . }}
{{- . | replace "name: kafka" "name: lag-exporter-kafka" }}
{{- end }}
{{- with .Values.extraVolumes }}
{{- toYaml . | nindent 0 }}
{{- end }}
{{- end }}
