{{- /* The name of everything. A release of another name may hold this chart beside others. */ -}}
{{- define "operator.name" -}}
{{- if contains .Chart.Name .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" -}}
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
{{- printf "%s-%s" (include "operator.name" .) .Release.Namespace -}}
{{- end -}}

{{- /* A version as the value of a label. */ -}}
{{- define "operator.version" -}}
{{- . | replace "+" "_" | trunc 63 | trimAll "-_." -}}
{{- end -}}

{{- define "operator.selector" -}}
app.kubernetes.io/name: {{ .Chart.Name }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end -}}

{{- define "operator.labels" -}}
{{ include "operator.selector" . }}
app.kubernetes.io/version: {{ include "operator.version" .Chart.AppVersion | quote }}
app.kubernetes.io/component: operator
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ include "operator.version" (printf "%s-%s" .Chart.Name .Chart.Version) }}
{{- end -}}
