{{- /*
The serving certificate that the chart generates, as YAML of base64: ca.crt, ca.key, tls.crt, tls.key. What the cluster has is kept: the CA
always, the certificate until certificates.generated.renew changes. Without a cluster (helm template) it is another one each time.
*/ -}}
{{- define "lag-adapter.generate" -}}
{{- $name := include "lag-adapter.tlsSecret" . }}
{{- $days := int .Values.certificates.generated.days }}
{{- $kept := (lookup "v1" "Secret" .Release.Namespace (printf "%s-ca" $name)).data | default dict }}
{{- $ca := dict }}
{{- if and (index $kept "tls.crt") (index $kept "tls.key") }}
{{- $ca = buildCustomCert (index $kept "tls.crt") (index $kept "tls.key") }}
{{- else }}
{{- $ca = genCAWithKey (printf "%s CA" $name) $days (genPrivateKey "ecdsa") }}
{{- end }}
{{- $old := lookup "v1" "Secret" .Release.Namespace $name }}
{{- $serving := $old.data | default dict }}
{{- $renewed := index (($old.metadata).annotations | default dict) "kafka-lag-adapter/renew" | default "" }}
{{- if not (and (index $serving "tls.crt") (index $serving "tls.key") (eq (index $serving "ca.crt" | default "") (b64enc $ca.Cert)) (eq $renewed .Values.certificates.generated.renew)) }}
{{- $host := include "lag-adapter.host" . }}
{{- $new := genSignedCertWithKey $host nil (list $host (printf "%s.cluster.local" $host)) $days $ca (genPrivateKey "ecdsa") }}
{{- $serving = dict "tls.crt" (b64enc $new.Cert) "tls.key" (b64enc $new.Key) }}
{{- end }}
{{- dict "ca.crt" (b64enc $ca.Cert) "ca.key" (b64enc $ca.Key) "tls.crt" (index $serving "tls.crt") "tls.key" (index $serving "tls.key") | toYaml }}
{{- end }}

{{- /* What spec.caBundle is to be where the Secret is the cluster owner's, as base64. */ -}}
{{- define "lag-adapter.existingCA" -}}
{{- if .Values.certificates.existing.caBundle }}
{{- b64enc .Values.certificates.existing.caBundle }}
{{- else }}
{{- $name := include "lag-adapter.tlsSecret" . }}
{{- $ca := index ((lookup "v1" "Secret" .Release.Namespace $name).data | default dict) "ca.crt" }}
{{- required (printf "certificates.existing.caBundle: no value, and no Secret %s with a ca.crt was found in namespace %s; kube-apiserver needs the CA of the serving certificate: set it (--set-file certificates.existing.caBundle=ca.crt), or add ca.crt to the Secret" $name .Release.Namespace) $ca }}
{{- end }}
{{- end }}

{{- /* Fails where an API that is to be served has another owner, and says who that is and what to choose from. */ -}}
{{- define "lag-adapter.checkOwners" -}}
{{- $root := . }}
{{- range include "lag-adapter.apis" . | fromYamlArray }}
{{- $api := printf "%s.%s" .version .group }}
{{- $found := lookup "apiregistration.k8s.io/v1" "APIService" "" $api }}
{{- $annotations := ($found.metadata).annotations | default dict }}
{{- $release := index $annotations "meta.helm.sh/release-name" | default "" }}
{{- $namespace := index $annotations "meta.helm.sh/release-namespace" | default "" }}
{{- if and $found (not (and (eq $release $root.Release.Name) (eq $namespace $root.Release.Namespace))) (not $root.Values.takeOver) }}
{{- $owner := "kube-apiserver itself" }}
{{- with $found.spec.service }}
{{- $owner = printf "Service %s in namespace %s" .name .namespace }}
{{- end }}
{{- if $release }}
{{- $owner = printf "%s (Helm release %s in namespace %s)" $owner $release $namespace }}
{{- end }}
{{- $other := eq .group "custom.metrics.k8s.io" | ternary "--set customMetrics.enabled=false --set externalMetrics.enabled=true" "--set externalMetrics.enabled=false" }}
{{- fail (printf "\n\nAPIService %s is served by %s already. A cluster has one server of %s, and HPAs that use its metrics would lose them. Choose one:\n  1. uninstall the other first, if no HPA needs it\n  2. leave this API to it: %s\n  3. take it over, and have the other give it up: --take-ownership --set takeOver=true\n" $api $owner .group $other) }}
{{- end }}
{{- end }}
{{- end }}
