{{- /* What the workloads share. Each takes the chart's context; the component's name is added where it differs. */ -}}

{{- define "rendition.labels" -}}
app.kubernetes.io/name: rendition
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "rendition.identity" -}}
automountServiceAccountToken: false
enableServiceLinks: false
{{- if .Values.serviceAccount }}
serviceAccountName: {{ .Values.serviceAccount }}
{{- end }}
{{- if .Values.image.pullSecrets }}
imagePullSecrets:
  {{- toYaml .Values.image.pullSecrets | nindent 2 }}
{{- end }}
securityContext:
  runAsNonRoot: true
  runAsUser: 1000
  runAsGroup: 1000
  fsGroup: 1000
  seccompProfile: { type: RuntimeDefault }
{{- end }}

{{- define "rendition.image" -}}
image: "{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}"
imagePullPolicy: {{ .Values.image.pullPolicy }}
envFrom:
  - secretRef: { name: {{ .Values.secret }} }
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: { drop: [ALL] }
volumeMounts:
  - { name: data, mountPath: /data }
  - { name: tmp, mountPath: /tmp }
{{- end }}

{{- define "rendition.settings" -}}
{{- range $name, $value := .Values.settings }}
- name: {{ $name }}
  value: {{ $value | quote }}
{{- end }}
{{- end }}

{{- define "rendition.probes" -}}
startupProbe:
  httpGet: { path: /health, port: http }
  periodSeconds: 3
  timeoutSeconds: 5
  failureThreshold: 40
readinessProbe:
  httpGet: { path: /health, port: http }
  periodSeconds: 10
  timeoutSeconds: 5
  failureThreshold: 2
# Not /health: it says 503 while the database is away, and starting every server anew would cure nothing.
livenessProbe:
  httpGet: { path: /, port: http }
  periodSeconds: 15
  timeoutSeconds: 10
  failureThreshold: 4
# Until every proxy has noticed that this pod goes, it still answers.
lifecycle:
  preStop:
    exec: { command: [sleep, "5"] }
{{- end }}

{{- define "rendition.diskVolumes" -}}
- { name: data, emptyDir: {} }
- { name: tmp, emptyDir: {} }
{{- end }}

{{- /* Without sizeLimit: work looks at the disk's free space before it begins, and a limit it can't see would evict the pod. */ -}}
{{- define "rendition.workVolumes" -}}
{{- if .Values.scratch.size -}}
- name: data
  ephemeral:
    volumeClaimTemplate:
      spec:
        accessModes: [ReadWriteOnce]
        {{- if .Values.scratch.storageClassName }}
        storageClassName: {{ .Values.scratch.storageClassName }}
        {{- end }}
        resources:
          requests: { storage: {{ .Values.scratch.size }} }
- { name: tmp, emptyDir: {} }
{{- else -}}
{{ include "rendition.diskVolumes" . }}
{{- end }}
{{- end }}
