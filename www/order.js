// order.js: one order in the side panel: reading it, its next status, editing, deleting.
import { api, bdi, copyButton, errorView, exact, go, h, icon, money, nextStatuses, orderChanged, percent, pill, Problem, safeUrl, setTitle, shortId, time } from '/app.js';
import { draft } from '/form.js';
import { openPanel, panelSkeleton } from '/panel.js';

const stepWords = { confirmed: 'Mark as confirmed', shipped: 'Mark as shipped', delivered: 'Mark as delivered', cancelled: 'Cancel order' };

export function showOrder(place, { id, edit, signal, back, url, opener }) {
  const panel = openPanel(place, { label: `Order ${shortId(id)}`, back, opener });
  let order = null;
  let etag = null;

  async function read() {
    panel.content.replaceChildren(panelSkeleton());
    try {
      ({ data: order, etag } = await api('GET', `/api/orders/${id}`, { signal }));
    } catch (problem) {
      if (!(problem instanceof Problem)) return;
      setTitle('Order');
      panel.content.replaceChildren(problem.status === 410 ? deletedView() : errorView(problem, read));
      return;
    }
    draw();
  }

  async function draw() {
    setTitle(`${edit ? 'Edit ' : ''}${order.description}`);
    if (edit) {
      const { editOrder } = await import('/edit_order.js');
      editOrder(panel.content, { order, etag, done: (changed) => { if (changed) orderChanged(id, changed); go(url); } });
    } else panel.content.replaceChildren(...orderView(order, actions()));
  }

  const deletedView = () => h('div', { class: 'state' }, h('h2', {}, 'This order was deleted'),
    h('p', {}, 'It is kept in the archive, with its photo and all it said.'),
    h('p', {}, h('a', { class: 'button primary', href: `/archive/${id}` }, 'Open the archive entry')));

  const actions = () => ({
    head: [
      h('a', { class: 'button', id: 'edit', href: `${url}${url.includes('?') ? '&' : '?'}edit=1` }, icon('edit'), draft.read(id) ? 'Go on editing' : 'Edit'),
      h('button', { type: 'button', id: 'delete', class: 'danger-quiet', onclick: remove }, icon('trash'), 'Delete'),
    ],
    steps: nextStatuses[order.status].map((status) =>
      h('button', { type: 'button', class: status === 'cancelled' ? '' : 'primary', 'data-step': status, onclick: () => step(status) }, stepWords[status])),
  });

  async function step(status) {
    if (status === 'cancelled') {
      const { ask } = await import('/dialog.js');
      const sure = await ask({ title: 'Cancel this order?', yes: 'Cancel order', kind: 'danger',
        content: h('p', {}, 'A cancelled order stays in the list and cannot go on to another status.') });
      if (!sure) return;
    }
    const { toast, problemToast } = await import('/toast.js');
    try {
      ({ data: order, etag } = await api('PATCH', `/api/orders/${id}`, { body: { status }, headers: { 'If-Match': etag } }));
      orderChanged(id, order);
      toast(`Order is ${status}.`);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 412) {
        toast('Somebody else changed this order a moment ago. This is how it is now; nothing was changed by you.', { kind: 'warning', sticky: true });
      } else problemToast(problem, 'The status was not changed.');
      if (problem.status === 412 || problem.status === 409 || problem.status === 410) return read();
    }
    draw();
    panel.element.focus({ preventScroll: true });
  }

  async function remove() {
    const { deleteOrder } = await import('/deletion.js');
    const outcome = await deleteOrder(order, etag);
    if (outcome === 'changed') read();
    if (outcome !== 'deleted') return;
    orderChanged(id, null);
    go(back, { replace: true });
  }

  read();
  return panel;
}

/** The order as sections; the archive shows the same. */
export function orderView(order, { head = [], steps = [], after = [] } = {}) {
  const fact = (term, ...text) => [h('dt', {}, term), h('dd', {}, text)];
  const metadata = Object.entries(order.metadata ?? {});
  return [
    h('header', { class: 'panel-head' },
      h('p', { class: 'quiet' }, h('code', { title: order.id }, shortId(order.id)), copyButton(order.id, 'Order id')),
      h('h2', {}, bdi(order.description)),
      h('p', { class: 'panel-sum' }, money(order.price, order.currency), pill(order.status)),
      head.length > 0 && h('div', { class: 'actions' }, head)),
    after,
    h('section', { 'aria-label': 'Status' }, h('h3', {}, 'Status'), statusSteps(order.status), steps.length > 0 && h('div', { class: 'actions' }, steps)),
    order.image && h('section', { 'aria-label': 'Photo' }, h('h3', {}, 'Photo'), photoView(order.image)),
    h('section', { 'aria-label': 'Customer' }, h('h3', {}, 'Customer'),
      order.customer?.name || order.customer?.email
        ? h('p', {}, bdi(order.customer.name), order.customer.name && order.customer.email ? h('br') : '', order.customer.email && h('a', { href: `mailto:${encodeURI(order.customer.email)}` }, bdi(order.customer.email)))
        : h('p', { class: 'quiet' }, 'No customer was given.')),
    order.lines?.length > 0 && h('section', { 'aria-label': 'Lines' }, h('h3', {}, 'Lines'), linesView(order)),
    order.notes && h('section', { 'aria-label': 'Notes' }, h('h3', {}, 'Notes'), h('p', { class: 'notes', dir: 'auto' }, order.notes)),
    metadata.length > 0 && h('section', { 'aria-label': 'Metadata' }, h('h3', {}, 'Metadata'),
      h('dl', { class: 'facts' }, metadata.map(([name, value]) => fact(bdi(name), bdi(value))))),
    h('section', { 'aria-label': 'History' }, h('h3', {}, 'History'),
      h('dl', { class: 'facts' }, fact('Created', time(order.created_at), h('span', { class: 'quiet' }, ` ${exact(order.created_at)}`)),
        order.updated_at !== order.created_at && fact('Last changed', time(order.updated_at), h('span', { class: 'quiet' }, ` ${exact(order.updated_at)}`)),
        fact('Version', String(order.version)))),
  ].flat().filter(Boolean);
}

function statusSteps(status) {
  const path = status === 'cancelled' ? ['pending', 'cancelled'] : ['pending', 'confirmed', 'shipped', 'delivered'];
  const reached = path.indexOf(status);
  return h('ol', { class: 'steps' }, path.map((step, index) =>
    h('li', { class: index < reached ? 'past' : null, 'aria-current': index === reached ? 'step' : null }, step)));
}

function linesView(order) {
  return h('table', { class: 'lines' },
    h('thead', {}, h('tr', {}, ['Line', 'Quantity', 'Unit price'].map((text, index) => h('th', { scope: 'col', class: index ? 'number' : null }, text)))),
    h('tbody', {}, order.lines.map((line) => h('tr', {},
      h('td', {}, bdi(line.name || line.sku), line.name && line.sku && h('code', { class: 'quiet' }, line.sku)),
      h('td', { class: 'number' }, String(line.quantity)), h('td', { class: 'number' }, money(line.unit_price, order.currency))))),
    h('tfoot', {}, h('tr', {}, h('th', { scope: 'row', colspan: 2 }, 'Total'), h('td', { class: 'number' }, money(order.price, order.currency)))));
}

function photoView(image) {
  const src = safeUrl(image.url);
  return h('figure', { class: 'photo' },
    src && h('a', { href: src, target: '_blank', rel: 'noopener' }, h('img', { src, alt: 'Photo of the order, opens in full size', decoding: 'async' })),
    h('figcaption', {}, verdictView(image)));
}

/** "a cup", "an umbrella", "scissors"; a service writes "Coffee Cup". */
function thing(name) {
  const plain = /^([A-Z][a-z]+ ?)+$/.test(name) ? name.toLowerCase() : name;
  if (plain !== 'bus' && plain.endsWith('s')) return plain;
  return `${/^[aeiou]/i.test(plain) ? 'an' : 'a'} ${plain}`;
}

const verdictTitles = {
  match: 'The photo fits the description.', mismatch: 'The photo seems to show something else.',
  unsure: 'It is not clear whether the photo fits.', not_checked: 'The photo was not checked.',
};
/** How many labels its evidence names at most. */
const named = { match: 3, mismatch: 3, unsure: 3, not_checked: 0 };
const verdictIcons = { match: 'check', mismatch: 'warning', unsure: 'question', not_checked: 'camera' };

/** What an order keeps is less than what the recogniser said. */
function sentence({ verdict, confidence, labels }) {
  if (verdict === 'not_checked') return null;
  const label = labels.find((one) => one.confidence === confidence) ?? labels[0];
  return label ? `The photo shows ${thing(label.name)} (${percent(label.confidence)}).` : 'Nothing in it could be told for sure.';
}

/** What the recogniser said, in words, with its evidence. Takes an order's image or the answer of POST /api/images. */
export function verdictView(image, ...more) {
  const { verdict, labels = [], evidence, model, accepted_by_user: accepted } = image;
  const words = evidence ?? sentence({ ...image, labels });
  return h('div', { class: 'verdict-words', 'data-verdict': verdict }, icon(verdictIcons[verdict]),
    h('div', {},
      h('p', { class: 'verdict-title' }, verdictTitles[verdict]),
      words && h('p', { dir: 'auto' }, words),
      labels.length > (evidence ? named[verdict] : 1) && h('ul', { class: 'labels', 'aria-label': 'Seen in the photo' },
        labels.slice(0, 5).map((label) => h('li', {}, h('bdi', {}, label.name), ' ', h('span', {}, percent(label.confidence))))),
      accepted && h('p', { class: 'accepted' }, icon('check'), 'Accepted by hand in spite of this.'),
      more,
      model && verdict !== 'not_checked' && h('p', { class: 'quiet' }, 'Model ', h('bdi', {}, model))));
}
