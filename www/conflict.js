// conflict.js: two versions of an order side by side, field by field.
import { bdi, h, moneyText } from '/app.js';
import { openDialog } from '/dialog.js';
import { editable } from '/edit_order.js';

const linesText = (lines, currency) => lines.map((line) => `${line.quantity} × ${line.name || line.sku}, ${priceText(line.unit_price, currency)}`).join('\n');
const priceText = (price, currency) => (/^\d+(\.\d+)?$/.test(price) ? `${moneyText(price, currency)} ${currency}` : price);
const pairsText = (pairs) => Object.entries(pairs).map(([name, value]) => `${name}: ${value}`).join('\n');

// Each field: its label, how it reads, and how it is put into a merged order.
const fields = [
  ['Description', (order) => order.description, (to, from) => { to.description = from.description; }],
  ['Customer name', (order) => order.customer.name, (to, from) => { to.customer.name = from.customer.name; }],
  ['Customer e-mail', (order) => order.customer.email, (to, from) => { to.customer.email = from.customer.email; }],
  ['Lines', (order) => linesText(order.lines, order.currency), (to, from) => { to.lines = from.lines; }],
  ['Price', (order) => (order.lines.length ? '' : priceText(order.price, order.currency)), (to, from) => { to.price = from.price; }],
  ['Currency', (order) => order.currency, (to, from) => { to.currency = from.currency; }],
  ['Notes', (order) => order.notes, (to, from) => { to.notes = from.notes; }],
  ['Metadata', (order) => pairsText(order.metadata), (to, from) => { to.metadata = from.metadata; }],
];

const text = (value) => (value ? bdi(value) : h('em', { class: 'quiet' }, 'empty'));

/** What changed between two versions, as a list. */
export function changedFields(before, after) {
  const [old, now] = [editable(before), editable(after)];
  const rows = fields.filter(([, read]) => read(old) !== read(now)).map(([label, read]) => [label, read(old), read(now)]);
  if (before.status !== after.status) rows.unshift(['Status', before.status, after.status]);
  return h('dl', { class: 'facts changes' }, rows.map(([label, was, is]) => [h('dt', {}, label), h('dd', {}, h('del', {}, text(was)), ' ', h('ins', {}, text(is)))]));
}

/** Lets a person choose field by field. Gives the merged order, or null to go on editing. */
export async function chooseVersions({ base, theirs, mine, photo }) {
  const [old, now] = [editable(base), editable(theirs)];
  const differing = fields.filter(([, read]) => read(mine) !== read(now));
  const rows = differing.map(([label, read], index) => {
    // Where only one side changed a field, that side's text stands ready.
    const mineFirst = read(mine) !== read(old);
    const both = mineFirst && read(now) !== read(old);
    const side = (value, name, order, checked) => h('label', { class: 'version' },
      h('input', { type: 'radio', name: `field-${index}`, value, checked }), h('span', {}, h('span', { class: 'quiet' }, name), h('span', { class: 'version-text' }, text(read(order)))));
    return h('fieldset', { class: both ? 'both' : null }, h('legend', {}, label, both && h('span', { class: 'quiet' }, ' – both of you changed it')),
      h('div', { class: 'versions' }, side('mine', 'Yours', mine, mineFirst), side('theirs', 'Theirs', now, !mineFirst)));
  });
  const { element, closed } = openDialog({ title: 'Somebody else changed this order', wide: true,
    content: [h('p', {}, 'They saved while you were editing. Choose what to keep; nothing you typed is lost.'),
      theirs.status !== base.status && h('p', {}, `Its status is now ${theirs.status}.`), rows,
      !rows.length && h('p', {}, 'Both versions say the same.'), photo && h('p', {}, `Photo: yours is kept. ${photo}.`)],
    actions: [{ text: 'Go on editing', value: '' }, { text: 'Save this', value: 'save', kind: 'primary', id: 'save-merged' }] });
  if (await closed !== 'save') return null;
  const merged = structuredClone(now);
  differing.forEach(([, , put], index) => put(merged, element.querySelector(`[name=field-${index}]:checked`).value === 'mine' ? mine : now));
  return merged;
}
