// Drop a file, say what is wanted, send it.
import { useQueryClient } from '@tanstack/react-query';
import { type DragEvent, useRef, useState } from 'react';
import { submit } from './api.ts';
import { bytes } from './format.ts';

const KINDS = [
  { name: 'hls', label: 'Stream (HLS)', output: { container: 'hls' } },
  { name: 'mp4', label: 'MP4 file', output: { container: 'mp4' } },
  { name: 'mp3', label: 'MP3 sound', output: { container: 'mp3' } },
] as const;

type Sending = { name: string; share: number };

export function SubmitForm() {
  const client = useQueryClient();
  const input = useRef<HTMLInputElement>(null);
  const [kinds, setKinds] = useState<readonly string[]>(['hls']);
  const [over, setOver] = useState(false);
  const [sending, setSending] = useState<Sending | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const send = async (files: readonly File[]) => {
    setProblem(null);
    const outputs = KINDS.filter(({ name }) => kinds.includes(name)).map(({ output }) => output);
    try {
      for (const file of files) {
        setSending({ name: `${file.name} (${bytes(file.size)})`, share: 0 });
        const { uuid } = await submit(file, outputs, (share) => setSending({ name: file.name, share }));
        await client.invalidateQueries({ queryKey: ['jobs'] });
        if (files.length === 1) location.hash = `#/jobs/${uuid}`;
      }
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setSending(null);
    }
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    if (kinds.length > 0 && sending === null) void send([...event.dataTransfer.files]);
  };

  return (
    <section
      className={`card drop ${over ? 'over' : ''}`}
      aria-label="New job"
      onDragOver={(event) => {
        event.preventDefault();
        setOver(true);
      }}
      onDragLeave={() => setOver(false)}
      onDrop={drop}
    >
      <div>
        <h1>Drop a film, a sound or a picture here</h1>
        <fieldset>
          <legend>Make</legend>
          {KINDS.map(({ name, label }) => (
            <label key={name}>
              <input
                type="checkbox"
                checked={kinds.includes(name)}
                onChange={({ target }) =>
                  setKinds(target.checked ? [...kinds, name] : kinds.filter((kind) => kind !== name))
                }
              />
              {label}
            </label>
          ))}
        </fieldset>
      </div>
      <div className="send">
        <input
          ref={input}
          id="file"
          type="file"
          multiple
          className="hidden"
          aria-label="Files to send"
          onChange={({ target }) => {
            const files = [...(target.files ?? [])];
            target.value = '';
            if (files.length > 0) void send(files);
          }}
        />
        <button
          type="button"
          className="primary"
          disabled={kinds.length === 0 || sending !== null}
          onClick={() => input.current?.click()}
        >
          Choose files…
        </button>
        {kinds.length === 0 && <p className="hint">Tick at least one.</p>}
      </div>
      {sending && (
        <div className="wide" role="status">
          <p className="hint">Sending {sending.name}</p>
          <progress value={sending.share} max={1} aria-label="Sent so far" />
        </div>
      )}
      {problem !== null && (
        <p className="problem wide" role="alert">
          {problem}
        </p>
      )}
    </section>
  );
}
