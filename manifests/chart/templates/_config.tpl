{{- /* The configuration file: what brokers and kafka say, and config over it. */ -}}
{{- define "lag-adapter.config" -}}
{{- $config := dict }}
{{- with .Values.brokers }}
{{- $_ := set $config "brokers" (kindIs "string" . | ternary (list .) .) }}
{{- end }}
{{- $kafka := dict }}
{{- with .Values.kafka }}
{{- if .secret }}
{{- if eq .mechanism "mTLS" }}
{{- $_ := set $kafka "tls" (dict "enabled" true "cert-file" "/etc/lag-adapter/kafka/tls.crt" "key-file" "/etc/lag-adapter/kafka/tls.key") }}
{{- else }}
{{- $_ := set $kafka "sasl" (dict "mechanism" .mechanism "username" (.username | default .secret) "password-file" "/etc/lag-adapter/kafka/password") }}
{{- $_ := set $kafka "tls" (dict "enabled" .tls) }}
{{- end }}
{{- end }}
{{- if .caSecret }}
{{- $_ := set $kafka "tls" (mergeOverwrite (dict "enabled" true) ($kafka.tls | default dict) (dict "ca-file" "/etc/lag-adapter/kafka-ca/ca.crt")) }}
{{- end }}
{{- end }}
{{- with $kafka }}
{{- $_ := set $config "kafka" . }}
{{- end }}
{{- $config = mergeOverwrite $config (deepCopy .Values.config) }}
{{- if not (or $config.brokers $config.clusters) }}
{{- fail "brokers: no value; name at least one Kafka broker, such as --set brokers=kafka-bootstrap.kafka.svc:9092, or set config.clusters" }}
{{- end }}
{{- toYaml $config }}
{{- end }}
