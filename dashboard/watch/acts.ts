// What buttons and keys do alike: play and pause, picture in picture, full screen. Used by controls.ts, choices.ts and keys.ts.

export const toggle = (video: HTMLVideoElement): Promise<void> | void =>
  video.paused ? video.play().catch(() => undefined) : video.pause();

export const togglePictureInPicture = (video: HTMLVideoElement): Promise<unknown> =>
  (document.pictureInPictureElement ? document.exitPictureInPicture() : video.requestPictureInPicture()).catch(
    () => null,
  );

/** Refused where the page around forbids it. */
export async function toggleFullScreen(frame: HTMLElement, video: PhoneVideo): Promise<void> {
  // An iPhone fills its screen with nothing but the video itself.
  if (!document.fullscreenEnabled) video.webkitEnterFullscreen?.();
  else
    await (document.fullscreenElement ? document.exitFullscreen() : frame.requestFullscreen()).catch(() => undefined);
}

type PhoneVideo = HTMLVideoElement & { webkitEnterFullscreen?(): void };
