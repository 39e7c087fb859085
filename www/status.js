// status.js: what the desk depends on, and what it has still to do.
import { $, api, errorView, h, plural, Problem, setTitle, signOut, time } from '/app.js';
import { busy } from '/form.js';
import { problemToast, toast } from '/toast.js';

const words = { ready: 'All is well', degraded: 'Working, with limits', unavailable: 'Not working' };

export function show(root, { signal }) {
  setTitle('Status');
  const body = h('div', { class: 'status-body' }, h('span', { class: 'bone photo' }));
  root.append(h('div', { class: 'narrow' }, h('div', { class: 'head' }, h('h1', {}, 'Status'), h('button', { type: 'button', id: 'refresh', onclick: read }, 'Look again')),
    body, h('p', { class: 'end-of-page' }, h('button', { type: 'button', onclick: signOut }, 'Sign out'))));

  async function read() {
    try {
      const { data } = await api('GET', '/readyz', { signal });
      draw(data);
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      if (!(problem instanceof Problem)) throw problem;
      // 503 has the same body: what is down is just what this page is for.
      if (problem.body.dependencies) draw(problem.body);
      else body.replaceChildren(errorView(problem, read));
    }
  }

  function draw({ status, dependencies = [], deletions = {}, mails = {} }) {
    const dead = (deletions.dead ?? 0) + (mails.dead ?? 0);
    const number = (value, text, detail, kind) => h('div', { class: 'number', 'data-kind': value ? kind : null }, h('strong', {}, String(value ?? 0)), h('span', {}, text), detail && h('span', { class: 'quiet' }, detail));
    body.replaceChildren(
      h('p', { class: 'overall', 'data-status': status, role: 'status' }, words[status] ?? status),
      h('div', { class: 'numbers' },
        number(deletions.open, 'open deletions', deletions.oldest_at && ['oldest ', time(deletions.oldest_at)]),
        number(mails.waiting, 'mails waiting'), number(dead, 'dead letters', null, 'bad')),
      h('div', { class: 'actions' },
        h('button', { type: 'button', id: 'redrive', class: dead ? 'primary' : null, onclick: (event) => archive(event.currentTarget, { redrive: true }) }, 'Try again'),
        h('span', { class: 'quiet' }, 'Archives every deletion that is not archived yet, and tries dead letters again.')),
      h('h2', {}, 'Depends on'),
      h('ul', { class: 'rows dependencies' }, dependencies.map(({ name, adapter, status, detail }) => h('li', {},
        h('span', {}, h('strong', {}, name.replaceAll('_', ' ')), ' ', h('span', { class: 'quiet' }, adapter)),
        h('span', { class: 'pill', 'data-status': status === 'ok' ? 'delivered' : 'failed' }, status), detail && h('p', { class: 'quiet' }, detail)))));
  }

  const archive = (button, body) => busy(button, 'Trying…', async () => {
    try {
      const { data } = await api('POST', '/api/archive', { body });
      toast(`${plural(data.examined, 'deletion')} looked at: ${data.archived} archived, ${data.already_archived} were archived already, ${data.failed} failed.`, { kind: data.failed ? 'warning' : 'plain' });
      await read();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      problemToast(problem, 'That did not work.');
    }
  });

  read();
  const timer = setInterval(() => document.visibilityState === 'visible' && !$('[aria-disabled]', body) && !body.contains(document.activeElement) && read(), 10000);
  signal.addEventListener('abort', () => clearInterval(timer));
}
