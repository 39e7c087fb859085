// edit_order.js: changes an order in its panel. Only what differs is sent, on the version that was seen (If-Match).
import { $, api, h, Problem } from '/app.js';
import { busy, draft, showErrors } from '/form.js';
import { createOrderForm, linesTotal } from '/order_form.js';

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
const lineOf = ({ sku = '', name = '', quantity, unit_price }) => ({ quantity, sku: sku ?? '', name: name ?? '', unit_price });

const deleted = { title: 'Somebody else deleted this order.', message: 'What you typed is still here, to copy. The order itself is in the archive.' };

/** The members of an order a person edits, in one fixed shape, so that two of them can be compared. */
export function editable(order) {
  const { description, customer, lines, price, currency, notes, metadata } = order;
  return { description, customer: { name: customer?.name ?? '', email: customer?.email ?? '' }, lines: (lines ?? []).map(lineOf), price, currency, notes: notes ?? '', metadata: metadata ?? {} };
}

/** A merge patch (RFC 7396) that makes `before` into `after`. */
function mergePatch(before, after) {
  const patch = {};
  for (const name of ['description', 'currency', 'notes']) if (before[name] !== after[name]) patch[name] = after[name];
  for (const name of ['customer', 'metadata']) {
    const members = {};
    for (const key of new Set([...Object.keys(before[name]), ...Object.keys(after[name])])) {
      if (before[name][key] !== after[name][key]) members[key] = after[name][key] || null;
    }
    if (Object.keys(members).length) patch[name] = members;
  }
  if (!same(before.lines, after.lines)) patch.lines = after.lines.map((line) => Object.fromEntries(Object.entries(line).filter(([, value]) => value !== '')));
  // With lines the price is their sum: one that still says the old sum would contradict them.
  if (!after.lines.length && before.price !== after.price) patch.price = after.price;
  else if (patch.lines?.length) patch.price = linesTotal(after.lines, after.currency) ?? undefined;
  return patch;
}

export function editOrder(root, { order, etag, done }) {
  const leaving = new AbortController();
  const kept = draft.read(order.id);
  // A draft goes on from the version it was typed on; saving it meets whatever came later as a conflict.
  let base = kept?.base ?? order;
  let match = kept?.etag ?? etag;
  const form = createOrderForm({ ...base, ...kept?.order }, { submit: 'Save changes', signal: leaving.signal, photo: kept?.photo, changed: keep,
    cancel: h('button', { type: 'button', id: 'discard', onclick: () => finish(null) }, 'Discard changes') });

  function keep() {
    draft.write(order.id, { base, etag: match, order: form.value(), photo: form.photo.kept() });
  }

  function finish(changed) {
    draft.drop(order.id);
    leaving.abort();
    done(changed);
  }

  root.replaceChildren(h('header', { class: 'panel-head' }, h('h2', {}, 'Edit order')),
    kept ? h('p', { class: 'hint' }, 'This is what you had typed before; it is not saved yet.') : '', form.element);
  form.element.elements.description.focus();
  form.element.addEventListener('submit', (event) => {
    event.preventDefault();
    busy($('#save', form.element), 'Saving…', async () => {
      form.clearErrors();
      await form.photo.settle();
      const errors = form.check();
      if (errors.length) return showErrors(form.element, { errors });
      await save(form.value());
    });
  });

  async function save(mine) {
    const patch = mergePatch(editable(base), { ...mine, lines: mine.lines.map(lineOf) });
    const image = form.photo.value();
    if (image !== undefined) patch.image = image;
    if (image && form.photo.accepted()) patch.accept_mismatch = true;
    if (!Object.keys(patch).length) return finish(null);
    try {
      const { data } = await api('PATCH', `/api/orders/${order.id}`, { body: patch, headers: { 'If-Match': match } });
      const { toast } = await import('/toast.js');
      toast('Changes saved.');
      finish(data);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 412) await resolve(mine);
      else showErrors(form.element, problem.status === 410 ? deleted : problem);
    }
  }

  /** Somebody was faster: both versions side by side, then once more on top of theirs. */
  async function resolve(mine) {
    keep();
    let theirs;
    try {
      theirs = await api('GET', `/api/orders/${order.id}`);
    } catch (problem) {
      return showErrors(form.element, problem.status === 410 ? deleted : problem);
    }
    const { chooseVersions } = await import('/conflict.js');
    const merged = await chooseVersions({ base, theirs: theirs.data, mine, photo: form.photo.words() });
    if (!merged) return;
    base = theirs.data;
    match = theirs.etag;
    await save(merged);
  }
}
