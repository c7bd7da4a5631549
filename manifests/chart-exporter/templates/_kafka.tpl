{{- /* What the charts of both programs have in common. That of lag-exporter has a copy, which `make generate` writes. */ -}}

{{- /* The configuration file: what brokers and kafka say, and config over it. */ -}}
{{- define "kafka-lag.config" -}}
{{- $config := dict }}
{{- $at := printf "/etc/%s" .Chart.Name }}
{{- with .Values.brokers }}
{{- $_ := set $config "brokers" (kindIs "string" . | ternary (list .) .) }}
{{- end }}
{{- $kafka := dict }}
{{- with .Values.kafka }}
{{- if .secret }}
{{- if eq .mechanism "mTLS" }}
{{- $_ := set $kafka "tls" (dict "enabled" true "cert-file" (printf "%s/kafka/tls.crt" $at) "key-file" (printf "%s/kafka/tls.key" $at)) }}
{{- else }}
{{- $_ := set $kafka "sasl" (dict "mechanism" .mechanism "username" (.username | default .secret) "password-file" (printf "%s/kafka/password" $at)) }}
{{- $_ := set $kafka "tls" (dict "enabled" .tls) }}
{{- end }}
{{- end }}
{{- if .caSecret }}
{{- $_ := set $kafka "tls" (mergeOverwrite (dict "enabled" true) ($kafka.tls | default dict) (dict "ca-file" (printf "%s/kafka-ca/ca.crt" $at))) }}
{{- end }}
{{- end }}
{{- with $kafka }}
{{- $_ := set $config "kafka" . }}
{{- end }}
{{- $config = mergeOverwrite $config (deepCopy (.Values.config | default dict)) }}
{{- if and $config.brokers $config.clusters }}
{{- fail "brokers and config.clusters: both are set; name the brokers of each cluster in config.clusters, and leave brokers out" }}
{{- end }}
{{- if not (or $config.brokers $config.clusters) }}
{{- fail "brokers: no value; name at least one Kafka broker, such as --set brokers=kafka-bootstrap.kafka.svc:9092, or set config.clusters" }}
{{- end }}
{{- toYaml $config }}
{{- end }}

{{- /* Where the container finds the configuration and Kafka's secrets, as items of volumeMounts. */ -}}
{{- define "kafka-lag.mounts" -}}
- name: config
  mountPath: /etc/{{ .Chart.Name }}/config
  readOnly: true
{{- if .Values.kafka.secret }}
- name: kafka
  mountPath: /etc/{{ .Chart.Name }}/kafka
  readOnly: true
{{- end }}
{{- if .Values.kafka.caSecret }}
- name: kafka-ca
  mountPath: /etc/{{ .Chart.Name }}/kafka-ca
  readOnly: true
{{- end }}
{{- end }}

{{- /* The volumes of Kafka's secrets. */ -}}
{{- define "kafka-lag.secrets" -}}
{{- with .Values.kafka }}
{{- if .secret }}
- name: kafka
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    items:
      {{- if eq .mechanism "mTLS" }}
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
      {{- else }}
      - key: {{ .passwordKey }}
        path: password
      {{- end }}
{{- end }}
{{- if .caSecret }}
- name: kafka-ca
  secret:
    secretName: {{ .caSecret }}
    defaultMode: 0440
    items:
      - key: {{ .caKey }}
        path: ca.crt
{{- end }}
{{- end }}
{{- end }}

{{- /* Of the container, as the Pod Security Standard "restricted" wants it. */ -}}
{{- define "kafka-lag.restricted" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}
