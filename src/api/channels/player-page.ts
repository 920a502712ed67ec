// The page that plays a live channel: with hls.js, or the browser's own HLS where that does not run. Used by live-routes.ts.

const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};
const asText = (text: string): string => text.replace(/[&<>"']/g, (sign) => ESCAPES[sign] ?? sign);

export function playerPage({ title, source }: { readonly title: string; readonly source: string }): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${asText(title)}</title>
<style>
  html, body { margin: 0; height: 100%; background: #000; color: #ddd; font: 16px system-ui, sans-serif }
  video { width: 100%; height: 100%; object-fit: contain }
  p { position: absolute; inset: 0 0 auto 0; margin: 0; padding: .5rem 1rem; background: rgb(0 0 0 / 60%) }
  p:empty { display: none }
</style>
<video controls autoplay muted playsinline data-source="${asText(source)}"></video>
<p role="status"></p>
<script type="module" src="/live-player.js"></script>
</html>
`;
}
