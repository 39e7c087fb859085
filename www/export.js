// export.js: the CSV of a selection. The token travels in a header, so a plain link cannot fetch it.
import { api, h, Problem } from '/app.js';
import { problemToast, toast } from '/toast.js';

export function saveFile(blob, name) {
  const url = URL.createObjectURL(blob);
  h('a', { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60000);
}

export async function exportCsv(path, button) {
  if (button.getAttribute('aria-disabled')) return;
  button.setAttribute('aria-disabled', 'true');
  const stop = new AbortController();
  const message = toast('Exporting…', { sticky: true });
  const cancel = h('button', { type: 'button', onclick: () => stop.abort() }, 'Stop');
  try {
    const { response } = await api('GET', path, { accept: 'text/csv', signal: stop.signal });
    let bytes = 0;
    const counted = response.body.pipeThrough(new TransformStream({
      transform(chunk, controller) {
        bytes += chunk.length;
        message.show(`Exporting… ${(bytes / 1e6).toFixed(1)} MB `, cancel);
        controller.enqueue(chunk);
      },
    }));
    // A Blob may live on disk: a large export is not a large page.
    const blob = await new Response(counted).blob();
    saveFile(blob, `orders-${new Date().toISOString().slice(0, 10)}.csv`);
    message.show('Export is in your downloads.');
    message.end();
  } catch (error) {
    message.close();
    if (error instanceof Problem) problemToast(error, 'The export did not work.');
    else if (error.name === 'AbortError') toast('Export stopped.');
    else toast('The export broke off. Try again.', { kind: 'error' });
  } finally {
    button.removeAttribute('aria-disabled');
  }
}
