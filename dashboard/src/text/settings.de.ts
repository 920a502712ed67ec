// What each setting does, in German: groups, and the sentence of `about`. Loaded with the page that shows them; a test holds the names against the server's.

export const settings: Readonly<Record<string, string>> = {
  'group.Server': 'Server',
  HOST: 'Adresse, auf der gelauscht wird. Alles außer Loopback schaltet AUTH ein.',
  PORT: 'Port des einen Servers; 0 nimmt einen freien.',
  APIS: 'APIs, die dieser Prozess anbietet.',
  ROLES: 'Was dieser Prozess tut: api, work, live.',
  PUBLIC_URL:
    'Adresse, unter der Benutzer den Server erreichen, für Links in Antworten; weggelassen entscheidet die Anfrage.',
  CORS_ALLOWED_ORIGINS: 'Ursprünge, von denen Browser die APIs aufrufen dürfen, durch Kommas getrennt; * für alle.',
  LOG_LEVEL: 'Geringste Stufe der Zeilen im Protokoll.',

  'group.Data': 'Daten',
  DATA_DIR:
    'Ordner für alles, was diese Maschine behält: eingebaute Datenbank, verwalteter Speicher, Zwischenergebnisse.',
  DATABASE_URL: 'PostgreSQL 15 oder neuer; weggelassen läuft ein eingebautes unter DATA_DIR.',
  STORAGE_URL: 'Verwalteter Speicher: ein Ordner oder s3://bucket/prefix; weggelassen DATA_DIR/storage.',
  TEMP_VIDEOS_DIR: 'Ordner für Zwischenergebnisse laufender Arbeit; weggelassen DATA_DIR/scratch.',
  SCRATCH_RESERVE_BYTES: 'Bytes, die Arbeit auf dem Datenträger frei lassen muss.',
  SECRET_KEY:
    'Schlüssel (32 Bytes, base64 oder hex), der Zugangsdaten versiegelt; weggelassen wird er einmal in DATA_DIR gemacht.',
  FILE_ROOTS: 'Ordner, die Quellen und Ziele der Art file nennen dürfen, durch Kommas getrennt.',
  RETENTION_HOURS: 'Stunden, nach denen beendete Aufträge gelöscht werden; 0 sofort, off nie.',
  UPLOAD_EXPIRY_HOURS: 'Stunden ohne Lebenszeichen, nach denen ein unvollständiger Upload aufgegeben wird.',

  'group.S3': 'S3',
  S3_ENDPOINT: 'S3-kompatibler Endpunkt; der Bucket steht dann im Pfad.',
  AWS_ACCESS_KEY_ID: 'S3-Schlüssel, wo ein Auftrag keinen mitbringt.',
  AWS_SECRET_ACCESS_KEY: 'S3-Geheimnis, wo ein Auftrag keines mitbringt.',
  AWS_SESSION_TOKEN: 'S3-Sitzungstoken, wo ein Auftrag keines mitbringt.',
  AWS_REGION: 'S3-Region.',
  AWS_S3_REGION_NAME: 'Ein anderer Name für AWS_REGION.',
  AWS_STORAGE_BUCKET_NAME: 'Bucket der Encoder-API.',
  STREAM_FROM_S3:
    'Segmente von Videos in einem Bucket: durch diesen Server gesendet, oder Player werden zu signierten Adressen des Buckets umgeleitet.',

  'group.Encoding': 'Kodieren',
  FFMPEG_PATH: 'FFmpeg 5.1 oder neuer.',
  FFPROBE_PATH: 'ffprobe derselben Version.',
  WORKER_CONCURRENCY: 'Stücke, die zugleich kodiert werden; 0 heißt eines je zwei Kerne.',
  ENCODING_WORKERS: 'Ein anderer Name für WORKER_CONCURRENCY, das gilt, wo beide gesetzt sind.',
  WORKER_ID: 'Name dieses Workers; weggelassen Host, Prozessnummer und ein Zufallsteil.',
  ENCODE_THREADS: 'Threads eines Encoders; 0 lässt ihn wählen.',
  SEGMENT_SECONDS: 'Länge eines Segments, Sekunden.',
  VIDEO_QUALITY_PRESETS: 'Qualitäten, wo ein Auftrag keine nennt: aus 2160p, 1440p, 1080p, 720p, 480p, 360p, 240p.',
  ENCODE_PRESET: 'Tempo-Voreinstellung, wo ein Auftrag keine nennt.',
  HWACCEL: 'Hardware-Encoder, wo ein Auftrag nicht wählt.',
  JOB_TIME_LIMIT_SECONDS: 'Zeitgrenze eines FFmpeg-Laufs; 0 ist das Größere aus 10 Minuten und 20 × Länge.',

  'group.Queue': 'Warteschlange',
  QUEUE_MAX_ATTEMPTS: 'Versuche einer Arbeit, deren Fehler vorübergehen kann.',
  QUEUE_VISIBILITY_TIMEOUT_MS: 'Frist laufender Arbeit: Ein Worker, der so lange schweigt, verliert sie.',
  PROJECT_CONCURRENCY:
    'Arbeiten eines Projekts, die in jeder Spur der Warteschlange im ganzen Verbund zugleich getan werden; 0 ist ohne Grenze.',
  QUEUE_POLL_INTERVAL_MS:
    'Abstand, in dem zur Sicherheit nachgesehen wird; sonst wecken Benachrichtigungen die Worker sofort.',

  'group.Encoder API': 'Encoder-API',
  REDIS_URL: 'Redis, dessen Liste encoding:jobs übernommen wird; fehlt auch REDIS_HOST, wird kein Redis benutzt.',
  REDIS_HOST: 'Host dieses Redis, wo REDIS_URL fehlt.',
  REDIS_PORT: 'Sein Port.',
  REDIS_DB: 'Seine Datenbanknummer.',
  POLL_INTERVAL: 'Sekunden zwischen zwei Blicken auf die Redis-Liste, wo sich auf sie nicht warten lässt.',
  MAIN_BACKEND_URL:
    'Backend, dem Beginn, Fortschritt und Ende von Encoder-Aufträgen gemeldet werden; weggelassen keinem.',
  MAIN_BACKEND_CALLBACK_PATH: 'Pfad dieses Aufrufs; {video_id} wird ersetzt.',
  MAIN_BACKEND_API_KEY: 'Wird dabei als „Authorization: Api-Key …“ gesendet.',
  ENCODER_QUEUE_LIMIT:
    'Wartende Encoder-Aufträge, ab denen keine weiteren aus Redis übernommen werden; 0 ist ohne Grenze.',
  ENCODER_TIME_LIMIT_SECONDS:
    'Sekunden, die FFmpeg an einem Encoder-Auftrag arbeiten und ein fremder Worker schweigen darf; 0 überlässt es JOB_TIME_LIMIT_SECONDS.',

  'group.Operations API': 'Umwandlungs-API',
  MAX_VIDEO_BYTES: 'Bytes eines Videos, das eine Umwandlung annimmt.',
  MAX_IMAGE_BYTES: 'Bytes eines Bildes, das eine Umwandlung annimmt.',
  MAX_AUDIO_BYTES: 'Bytes einer Tondatei, die eine Umwandlung annimmt.',
  OPERATION_VIDEO_WORKERS: 'Umwandlungen von Videos, die ein Worker zugleich macht; 0 überlässt sie anderen Prozessen.',
  OPERATION_IMAGE_WORKERS:
    'Umwandlungen von Bildern, die ein Worker zugleich macht; 0 überlässt sie anderen Prozessen.',
  OPERATION_AUDIO_WORKERS: 'Umwandlungen von Ton, die ein Worker zugleich macht; 0 überlässt sie anderen Prozessen.',
  OPERATION_VIDEO_TIME_LIMIT: 'Sekunden, die die Umwandlung eines Videos dauern darf.',
  OPERATION_IMAGE_TIME_LIMIT: 'Sekunden, die die Umwandlung eines Bildes dauern darf.',
  OPERATION_AUDIO_TIME_LIMIT: 'Sekunden, die die Umwandlung von Ton dauern darf.',
  OPERATION_RETRY_DELAYS:
    'Sekunden vor jedem weiteren Versuch einer Umwandlung, deren Fehler vorübergehen kann; off versucht es einmal.',
  OPERATION_EXPIRY_HOURS: 'Stunden nach ihrem Ende, die eine Umwandlung und ihre Dateien behalten werden.',
  RATE_LIMIT_BURST:
    'Aufrufe einer Client-Adresse in kurzer Zeit; Uploads und Statusabfragen zählen für sich. off ohne Grenze.',
  RATE_LIMIT_SUSTAINED: 'Dasselbe über lange Zeit.',
  RATE_LIMIT_UPLOADS: 'Neue Umwandlungen einer Client-Adresse.',
  RATE_LIMIT_STATUS: 'Statusabfragen einer Client-Adresse.',
  SESSION_SECRET: 'Signiert die Cookies der Sitzungen; weggelassen wird es aus SECRET_KEY abgeleitet.',
  USE_CLOUDINARY: 'Liefert die Ergebnisse von Umwandlungen an Cloudinary.',
  CLOUDINARY_CLOUD_NAME: 'Cloud-Name des Cloudinary-Kontos.',
  CLOUDINARY_API_KEY: 'API-Schlüssel des Kontos.',
  CLOUDINARY_API_SECRET: 'API-Geheimnis des Kontos.',
  CLOUDINARY_FOLDER: 'Ordner des Kontos, unter dessen outputs die Ergebnisse liegen.',
  CLOUDINARY_API_URL: 'Adresse der API von Cloudinary.',

  'group.Live channels': 'Live-Kanäle',
  CHANNEL_WATCHDOG_SECONDS: 'Sekunden ohne Bild, nach denen das FFmpeg eines Kanals beendet und neu gestartet wird.',
  CHANNEL_DETACHED_SECONDS:
    'Sekunden, die Kanäle weiterlaufen, solange ihre Maschine PostgreSQL nicht erreicht, sofern keine andere sie übernimmt; auf allen Maschinen gleich.',
  LIVE_CPU_PERCENT:
    'Prozent der Kerne, die die Kanäle einer Maschine voraussichtlich füllen dürfen; darüber wird keiner mehr gestartet. 0 ist ohne Grenze.',

  'group.Limits': 'Grenzen',
  MAX_SOURCE_BYTES: 'Bytes einer Quelle, höchstens.',
  MAX_INLINE_BYTES: 'Bytes einer Quelle, die in der Anfrage selbst steht, dekodiert.',
  MAX_VIDEO_WIDTH: 'Pixel, die ein Video breit sein darf.',
  MAX_VIDEO_HEIGHT: 'Pixel, die ein Video hoch sein darf.',
  MAX_STREAMS: 'Spuren, die eine Quelle haben darf.',
  MAX_DURATION_SECONDS: 'Sekunden, die eine Quelle dauern darf.',
  MAX_FRAME_RATE: 'Bilder je Sekunde eines Ergebnisses, höchstens.',
  MAX_IMAGE_PIXELS: 'Pixel eines Bildes, höchstens.',
  MAX_OUTPUTS: 'Ergebnisse eines Auftrags.',
  PROBE_TIMEOUT_SECONDS: 'Sekunden, die das Ansehen einer Quelle dauern darf.',
  CHILD_MEMORY_BYTES: 'Adressraum eines FFmpeg.',
  CHILD_FILE_BYTES: 'Bytes einer Datei, die FFmpeg schreibt.',
  CHILD_OPEN_FILES: 'Offene Dateien eines FFmpeg.',
  CHILD_NICENESS:
    'Nachrang (nice) von FFmpeg; Live-Kanäle und die ersten Sekunden eines Videos stehen hinter nichts zurück.',

  'group.Access': 'Zugang',
  TRUSTED_PROXIES: 'Adressen oder CIDRs von Reverse-Proxys, deren X-Forwarded-For, -Proto und -Host geglaubt wird.',
  AUTH: 'Ob Schlüssel verlangt werden; auto verlangt sie, sobald HOST nicht Loopback ist.',
  ADMIN_KEY: 'Ein erster Schlüssel mit dem Recht admin, mindestens 16 Zeichen.',
  EGRESS_ALLOW: 'CIDRs, die Quellen, Ziele, Webhooks und Live-Eingänge erreichen dürfen, obwohl sie privat sind.',
  EGRESS_CA_FILE:
    'PEM-Datei mit Zertifizierungsstellen, denen außer den üblichen vertraut wird: für eigene Server, für Kameras.',
  WEBHOOK_SECRET:
    'Geheimnis (whsec_…), das Webhooks signiert, oder mehrere mit Kommas dazwischen, während ein neues ein altes ablöst; weggelassen wird es einmal in DATA_DIR gemacht.',
  PLAYBACK_URL_TTL: 'Sekunden, die eine signierte Adresse zum Abspielen gilt.',
};
