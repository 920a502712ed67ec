// What can be done with one video: stopped, resumed, edited, fetched, deleted.
import { useQueryClient } from '@tanstack/react-query';
import { Download, Pencil, Play, Square, Trash2 } from 'lucide-react';
import { useState } from 'react';
import { openFile, request } from '../../api/http.ts';
import type { Video } from '../../api/types.ts';
import { besidePoster, changeVideo, isBusy, isResumable, removeVideo } from '../../api/videos.ts';
import { go } from '../../router.tsx';
import { t } from '../../text/text.ts';
import { Dialog } from '../../ui/dialog.tsx';
import { Field } from '../../ui/field.tsx';
import { Problem } from '../../ui/problem.tsx';
import { toastError } from '../../ui/toasts.tsx';

export function Actions({ video }: { video: Video }) {
  const client = useQueryClient();
  const [editing, setEditing] = useState(false);
  const save = async () => {
    const link = document.createElement('a');
    link.href = await openFile(besidePoster(video, 'original') ?? `/stream/${video.hash}/original`);
    link.download = video.filename;
    link.click();
  };
  return (
    <>
      {isBusy(video) && (
        <button type="button" className="button" onClick={() => void changeVideo(client, video, 'stop')}>
          <Square size={16} aria-hidden /> {t('video.stop')}
        </button>
      )}
      {isResumable(video) && (
        <button type="button" className="button primary" onClick={() => void changeVideo(client, video, 'resume')}>
          <Play size={16} aria-hidden /> {t('video.resume')}
        </button>
      )}
      <button type="button" className="button" onClick={() => setEditing(true)}>
        <Pencil size={16} aria-hidden /> {t('act.edit')}
      </button>
      <button type="button" className="button" onClick={() => void save().catch(toastError)}>
        <Download size={16} aria-hidden /> {t('video.original')}
      </button>
      <button
        type="button"
        className="button danger"
        onClick={() => {
          removeVideo(client, video);
          go('/videos');
        }}
      >
        <Trash2 size={16} aria-hidden /> {t('act.delete')}
      </button>
      {editing && <Edit video={video} onClose={() => setEditing(false)} />}
    </>
  );
}

function Edit({ video, onClose }: { video: Video; onClose: () => void }) {
  const client = useQueryClient();
  const [wrong, setWrong] = useState<unknown>(null);
  const save = async (form: FormData) => {
    const text = (name: string) => String(form.get(name) ?? '').trim();
    const tags = text('tags')
      .split(',')
      .map((tag) => tag.trim())
      .filter((tag) => tag !== '');
    try {
      const json = { title: text('title'), description: text('description'), tags };
      client.setQueryData(
        ['video', video.hash],
        await request<Video>(`/videos/${video.hash}`, { method: 'PUT', json }),
      );
      onClose();
    } catch (error) {
      setWrong(error);
    }
  };
  return (
    <Dialog label={t('act.edit')} onClose={onClose}>
      <form
        className="inside"
        onSubmit={(event) => {
          event.preventDefault();
          void save(new FormData(event.currentTarget));
        }}
      >
        <h2>{t('act.edit')}</h2>
        {wrong !== null && <Problem error={wrong} />}
        <Field label={t('video.title')}>
          {(id) => <input id={id} name="title" className="input" required defaultValue={video.title} />}
        </Field>
        <Field label={t('video.description')}>
          {(id) => <textarea id={id} name="description" className="input" rows={4} defaultValue={video.description} />}
        </Field>
        <Field label={t('video.tags')} hint={t('video.tags.hint')}>
          {(id, described) => (
            <input
              id={id}
              aria-describedby={described}
              name="tags"
              className="input"
              defaultValue={video.tags.join(', ')}
            />
          )}
        </Field>
        <div className="row">
          <button type="submit" className="button primary">
            {t('act.save')}
          </button>
          <button type="button" className="button" onClick={onClose}>
            {t('act.back')}
          </button>
        </div>
      </form>
    </Dialog>
  );
}
