// archive_entry.js: one deleted order: what became of it, how to restore it, and all it said.
import { api, copyButton, errorView, exact, h, Problem, setTitle, shortId } from '/app.js';
import { orderView } from '/order.js';
import { openPanel, panelSkeleton } from '/panel.js';

export function showEntry(place, { id, signal, back, opener }) {
  const panel = openPanel(place, { label: `Archive entry ${shortId(id)}`, back, opener });

  async function read() {
    if (!panel.content.children.length) panel.content.replaceChildren(panelSkeleton());
    try {
      const { data: { order, deletion } } = await api('GET', `/api/archive/${id}`, { signal });
      setTitle(`Archive: ${order.description}`);
      panel.content.replaceChildren(...orderView(order, { after: [becameOf(deletion), restore(deletion)] }));
      if (['pending', 'archived'].includes(deletion.state)) setTimeout(() => panel.element.isConnected && read(), 2500);
    } catch (problem) {
      if (problem instanceof Problem) panel.content.replaceChildren(errorView(problem, read));
      else if (problem.name !== 'AbortError') throw problem;
    }
  }

  const restore = ({ state }) => state === 'restored'
    ? h('section', {}, h('h3', {}, 'Restored'), h('p', {}, h('a', { href: `/orders/${id}` }, 'The order is in the list again.')))
    : h('section', {}, h('h3', {}, 'Restore'), h('p', {}, 'On the machine that runs the desk:'), command(`ordermill restore ${id}`));

  read();
  return panel;
}

const command = (text) => h('p', { class: 'command' }, h('code', {}, text), copyButton(text, 'Command'));

function becameOf({ deleted_at, archived_at, state, mails, archive, sha256, event_id }) {
  const archived = Boolean(archived_at) || !['pending'].includes(state);
  const mailed = ['mailed', 'done'].includes(state) || (mails.total > 0 && mails.sent + mails.failed === mails.total);
  const step = (done, title, detail) => h('li', { class: done ? 'past' : null }, h('strong', {}, title), h('span', { class: 'quiet' }, detail));
  return h('section', {}, h('h3', {}, 'What became of it'),
    h('ol', { class: 'timeline' },
      step(true, 'Deleted', exact(deleted_at)),
      step(archived, 'Archived', archived_at ? exact(archived_at) : archived ? '' : 'waiting'),
      step(mailed, mails.total ? `Mailed ${mails.sent} of ${mails.total}` : 'Nobody to mail', mails.failed ? `${mails.failed} failed; the status page can try again` : mailed || !mails.total ? '' : 'waiting')),
    h('details', { class: 'proof' }, h('summary', {}, 'Archive object'),
      h('dl', { class: 'facts' }, [['Object', archive], ['SHA-256', sha256], ['Event', event_id]].filter(([, value]) => value)
        .map(([term, value]) => [h('dt', {}, term), h('dd', {}, h('code', { class: 'wrap' }, value), copyButton(value, term))]))));
}
