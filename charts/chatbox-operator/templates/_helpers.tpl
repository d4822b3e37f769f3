{{- /* What the chart calls itself. */ -}}
{{- define "operator.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* The name of everything. A release of another name may hold this chart beside others. */ -}}
{{- define "operator.fullname" -}}
{{- $name := include "operator.name" . -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- /* An image. A value that is null, or that an older release did not have, is the default of values.yaml. A digest may
stand in the place of the tag, or be part of the repository. */ -}}
{{- define "operator.image" -}}
{{- $image := .image | default dict -}}
{{- $repository := $image.repository | default .repository -}}
{{- $tag := $image.tag | default (.tag | replace "+" "_") -}}
{{- if contains "@" $repository -}}
{{- $repository -}}
{{- else if hasPrefix "sha256:" $tag -}}
{{- $repository }}@{{ $tag -}}
{{- else -}}
{{- $repository }}:{{ $tag -}}
{{- end -}}
{{- end -}}

{{- /* The name of what has no namespace: the same release may be in several. */ -}}
{{- define "operator.clusterName" -}}
{{- printf "%s-%s" (include "operator.fullname" .) .Release.Namespace -}}
{{- end -}}

{{- /* No selector can change later: that of a release without overrides is the same for ever. */ -}}
{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ include "operator.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- /* A version as the value of a label. */ -}}
{{- define "operator.version" -}}
{{- . | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ include "operator.version" .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "operator.version" (printf "%s-%s" .Chart.Name .Chart.Version) }}
{{- end -}}
