// archive.js: the deleted orders, and one archive entry beside them.
import { $, addKeys, api, bdi, copyButton, createList, go, h, money, setTitle, shortId, time, urlFor } from '/app.js';

const stateWords = { pending: 'deleted', archived: 'archived', mailed: 'mailed', done: 'done', restored: 'restored' };
const mailWords = ({ total, sent, failed }) => (total ? `${sent} of ${total}${failed ? `, ${failed} failed` : ''}` : 'nobody to mail');

export function show(root, place) {
  const { signal } = place;
  let panel = null;
  let openId = null;
  let pages = null;
  const url = (id) => urlFor(id ? `/archive/${id}` : '/archive', { pages });

  const list = createList({ label: 'Archive', signal, columns: [
    { name: 'description', text: 'Description' }, { name: 'id', text: 'Order' }, { name: 'customer', text: 'Customer' },
    { name: 'price', text: 'Price' }, { name: 'status', text: 'State' }, { name: 'mails', text: 'Mails' }, { name: 'when', text: 'Deleted' }],
  row, shown,
  load: (cursor, signal) => api('GET', urlFor('/api/archive', { limit: 50, cursor }), { signal }).then(({ data }) => data),
  empty: () => [h('h2', {}, 'Nothing was deleted yet'), h('p', {}, 'A deleted order is kept here, with its photo and all it said.')] });
  const panelPlace = h('div', { id: 'panel-place' });
  root.append(h('div', { class: 'head' }, h('h1', {}, 'Archive'), h('a', { class: 'button', href: '/reports' }, 'Make a report')), list.element, panelPlace);

  function row(entry) {
    const cell = (name, ...content) => h('td', { role: 'cell', class: name }, content);
    return h('tr', { role: 'row', 'data-id': entry.order_id, class: entry.order_id === openId ? 'open' : null, onclick: (event) => {
      if (!event.target.closest('a, button') && !String(getSelection())) go(url(entry.order_id));
    } },
    cell('description', h('a', { class: 'open-order', href: url(entry.order_id), title: entry.description }, bdi(entry.description))),
    cell('id', h('code', { title: entry.order_id }, shortId(entry.order_id)), copyButton(entry.order_id, 'Order id')),
    cell('customer', entry.customer_name ? bdi(entry.customer_name) : h('span', { class: 'quiet' }, '–')),
    cell('price', money(entry.price, entry.currency)),
    cell('status', h('span', { class: 'pill', 'data-state': entry.state }, stateWords[entry.state] ?? entry.state)),
    cell('mails', mailWords(entry.mails)),
    cell('when', time(entry.deleted_at)));
  }

  function shown() {
    pages = list.pages > 1 ? list.pages : null;
    if (!signal.aborted) history.replaceState(history.state, '', url(openId));
  }

  async function update({ id, query }) {
    if (pages === null) pages = Number(query.pages) || null;
    const before = openId;
    openId = id;
    if (!id) setTitle('Archive');
    for (const one of list.element.querySelectorAll('tr[data-id]')) one.classList.toggle('open', one.dataset.id === id);
    if (before === id) return;
    panel?.close({ keepFocus: Boolean(id) });
    panel = null;
    if (!id) return;
    const { showEntry } = await import('/archive_entry.js');
    if (!signal.aborted && openId === id) panel = showEntry(panelPlace, { id, signal, back: url(null), opener: () => $(`tr[data-id="${id}"] a`, list.element) });
  }

  function move(step) {
    const links = [...list.element.querySelectorAll('a.open-order')];
    const at = links.findIndex((link) => openId ? link.closest('tr').dataset.id === openId : link.closest('tr').contains(document.activeElement));
    const link = links[at < 0 ? 0 : at + step];
    if (openId && link) go(url(link.closest('tr').dataset.id), { replace: true });
    else link?.focus();
  }

  addKeys({ j: () => move(1), k: () => move(-1), Escape: () => openId && go(url(null)) }, signal);
  update(place);
  list.fill(Math.min(pages ?? 1, 20));
  return update;
}
