// photo.js: a photo by drop, paste, file or camera; it is checked against the description before anything is saved.
import { $, apiUrl, authorization, h, icon, Problem, problemFrom, safeUrl } from '/app.js';
import { verdictView } from '/order.js';

const types = 'image/jpeg,image/png,image/webp';
const limit = 10 * 1024 * 1024;

/** fetch cannot tell how far an upload is; XMLHttpRequest can. */
function upload(file, description, progress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', apiUrl(`/api/images?${new URLSearchParams({ description })}`));
    for (const [name, value] of Object.entries({ ...authorization(), 'Content-Type': file.type, Accept: 'application/json, application/problem+json' })) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded, total }) => progress(loaded / total);
    request.onerror = () => reject(new Problem({ title: 'No connection', detail: 'The photo could not be sent.' }));
    request.onload = async () => {
      const response = new Response(request.responseText, { status: request.status });
      if (response.ok) resolve(await response.json());
      else reject(await problemFrom(response));
    };
    signal.addEventListener('abort', () => request.abort());
    request.send(file);
  });
}

/** A photo of a modern phone may be over the limit: make it smaller rather than refuse it. */
async function fit(file) {
  if (file.size <= limit) return file;
  const bitmap = await createImageBitmap(file);
  const scale = Math.min(1, 3000 / Math.max(bitmap.width, bitmap.height));
  const canvas = h('canvas', { width: Math.round(bitmap.width * scale), height: Math.round(bitmap.height * scale) });
  canvas.getContext('2d').drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  return new Promise((resolve) => canvas.toBlob(resolve, 'image/jpeg', 0.9));
}

/** The photo part of an order form. `image` is the order's present one, `kept` one from a draft. */
export function createPhoto({ image, kept, description, changed, signal }) {
  const picker = h('input', { type: 'file', accept: types, name: 'photo', 'aria-label': 'Choose a photo', class: 'unseen', tabindex: '-1',
    onchange: () => take(picker.files[0]), onfocus: () => $('#accept-photo', body)?.focus() }); // an error leads here: on to where it is decided
  const body = h('div', { class: 'drop-zone' });
  const error = h('p', { class: 'error-text', id: 'photo-error' });
  const spoken = h('p', { class: 'unseen', role: 'status' }); // stays, where the rest is drawn anew
  const element = h('fieldset', { class: 'photo-field', 'data-name': 'image' }, h('legend', {}, 'Photo', h('span', { class: 'quiet' }, ' (optional)')), picker, body, spoken, error);
  let file = null;      // the bytes, while this page is open
  let checked = kept?.checked ?? null;  // the recogniser's answer
  let accepted = kept?.accepted ?? false;
  let removed = kept?.removed ?? false;
  let sending = null;   // {controller, done}
  let tried = null;     // the description it was last sent with
  let lost = false;     // the bytes are gone and the receipt is for another description
  let waiting = 0;
  let preview = null;

  function buttons() {
    return h('div', { class: 'actions' },
      h('button', { type: 'button', id: 'choose-photo', onclick: () => picker.click() }, 'Choose a photo'),
      navigator.mediaDevices && h('button', { type: 'button', id: 'take-photo', onclick: openCamera }, icon('camera'), 'Take a photo'));
  }

  function draw(...more) {
    const source = preview ?? (!removed && !checked && !lost && image ? safeUrl(image.url) : null);
    const has = file || checked || lost || (image && !removed);
    const shown = checked ?? (file || removed || lost ? null : image);
    body.replaceChildren(...[
      has && h('div', { class: 'photo-now' },
        source ? h('img', { src: source, alt: file ? 'The chosen photo' : 'The present photo' }) : h('span', { class: 'thumb big' }),
        h('div', {}, more, !more.length && shown && verdictView(shown, checked?.verdict === 'mismatch' && choice()),
          h('div', { class: 'actions' }, h('button', { type: 'button', id: 'replace-photo', onclick: () => picker.click() }, 'Other photo'),
            h('button', { type: 'button', id: 'remove-photo', onclick: remove }, 'Remove')))),
      !has && h('p', { class: 'quiet' }, 'Drop a photo here, paste one, or'), !has && buttons(),
    ].filter(Boolean));
  }

  /** A mismatch is no refusal: whoever has the thing at hand knows better. */
  function choice() {
    const accept = h('button', { type: 'button', id: 'accept-photo', 'aria-pressed': String(accepted), onclick: () => {
      accepted = !accepted;
      error.textContent = '';
      accept.setAttribute('aria-pressed', String(accepted));
      accept.firstChild.toggleAttribute('hidden', !accepted);
      changed();
    } }, icon('check'), 'Use this photo all the same');
    accept.firstChild.toggleAttribute('hidden', !accepted);
    return h('div', { class: 'choice' }, accept, h('span', {}, 'or choose another one, or change the description.'));
  }

  async function take(chosen) {
    if (!chosen) return;
    error.textContent = '';
    if (!types.split(',').includes(chosen.type)) {
      error.textContent = 'This is not a photo the desk can read. Use JPEG, PNG or WebP.';
      return;
    }
    forget();
    file = await fit(chosen);
    preview = URL.createObjectURL(file);
    check();
  }

  /** Sends the photo; the receipt is good for this description only. */
  function check() {
    const text = tried = description();
    if (!text) {
      draw(h('p', {}, 'The photo is checked as soon as there is a description.'));
      return;
    }
    const bar = h('progress', { max: 1, value: 0, 'aria-label': 'Sending the photo' });
    const words = h('p', { role: 'status' }, 'Sending the photo…');
    const controller = new AbortController();
    sending?.controller.abort();
    draw(words, bar);
    const done = upload(file, text, (part) => {
      bar.value = part;
      if (part === 1) words.textContent = 'Looking at the photo…';
    }, AbortSignal.any([signal, controller.signal])).then((answer) => {
      checked = { ...answer, description: text };
      accepted = false;
      draw();
      spoken.textContent = $('.verdict-words > div', body).innerText;
    }, (problem) => {
      draw(h('p', {}, problem.message), h('button', { type: 'button', onclick: check }, 'Send again'));
    }).finally(() => {
      if (sending?.controller === controller) sending = null;
      changed();
    });
    sending = { controller, done };
  }

  /** A receipt is good for one description: another one needs another look. */
  function recheck() {
    clearTimeout(waiting);
    if (file && tried !== description()) check();
    else if (checked && !file && checked.description !== description()) {
      forget();
      lost = true;
      draw(h('p', {}, 'The description changed, so the photo has to be checked again: choose it once more, or remove it.'));
      changed();
    }
  }

  function forget() {
    sending?.controller.abort();
    if (preview) URL.revokeObjectURL(preview);
    file = checked = preview = sending = tried = null;
    accepted = removed = lost = false;
    picker.value = '';
  }

  function remove() {
    forget();
    removed = Boolean(image);
    draw();
    $('#choose-photo', body).focus();
    changed();
  }

  async function openCamera() {
    const { takePhoto } = await import('/camera.js');
    take(await takePhoto());
  }

  for (const name of ['dragover', 'dragleave', 'drop']) {
    body.addEventListener(name, (event) => {
      event.preventDefault();
      body.classList.toggle('over', name === 'dragover');
      if (name === 'drop') take(event.dataTransfer.files[0]);
    });
  }
  document.addEventListener('paste', (event) => {
    const [pasted] = event.clipboardData.files;
    if (pasted) {
      event.preventDefault();
      take(pasted);
    }
  }, { signal });
  draw();

  return {
    element,
    // Not at once: the field is often left by pressing a button here, which must stay where it is.
    descriptionChanged() {
      clearTimeout(waiting);
      waiting = setTimeout(recheck, 250);
    },
    /** Waits for a photo on its way; checks again when the receipt is about to end. */
    async settle() {
      recheck();
      if (file && checked && Date.parse(checked.expires_at) < Date.now() + 60000) check();
      await sending?.done;
    },
    undecided: () => checked?.verdict === 'mismatch' && !accepted,
    failed: () => lost || (file && !checked),
    /** undefined: as it was; null: taken away. */
    value: () => (checked ? { receipt: checked.receipt } : removed ? null : undefined),
    accepted: () => accepted,
    kept: () => (checked || removed ? { checked, accepted, removed } : null),
    words: () => (checked ? `New photo (${checked.verdict.replace('_', ' ')})` : removed ? 'No photo' : null),
  };
}
