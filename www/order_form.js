// order_form.js: the fields of an order, for a new one and for editing.
import { $, config, currencyScale, h, icon, moneyText } from '/app.js';
import { clearErrors, field, formProblem } from '/form.js';
import { createPhoto } from '/photo.js';

/** "59,90" and "59.9" as the API writes it; what is no number stays as typed, for the API to refuse. */
function decimal(text, currency) {
  const typed = text.trim().replace(/^(\d+),(\d+)$/, '$1.$2');
  const [whole, fraction = ''] = typed.split('.');
  const scale = currencyScale(currency);
  if (!/^\d+(\.\d+)?$/.test(typed) || fraction.length > scale) return typed;
  return scale ? `${whole}.${fraction.padEnd(scale, '0')}` : whole;
}

/** The sum of the lines in minor units, exactly; null while a line is not a number yet. */
export function linesTotal(lines, currency) {
  const scale = currencyScale(currency);
  let sum = 0n;
  for (const { quantity, unit_price } of lines) {
    const price = decimal(String(unit_price), currency);
    if (!/^\d+(\.\d+)?$/.test(price) || !/^\d+$/.test(quantity) || (price.split('.')[1] ?? '').length > scale) return null;
    sum += BigInt(quantity) * BigInt(price.replace('.', ''));
  }
  const digits = String(sum).padStart(scale + 1, '0');
  return scale ? `${digits.slice(0, -scale)}.${digits.slice(-scale)}` : digits;
}

export const emptyOrder = () => ({ description: '', customer: { name: '', email: '' }, lines: [], price: '', currency: config.currency, notes: '', metadata: {} });

/** Builds the fields in a form. changed() runs after each change. */
export function createOrderForm(order, { submit, cancel, changed, signal, photo: keptPhoto }) {
  const lines = h('div', { class: 'line-rows' });
  const lineError = h('p', { class: 'error-text' });
  const pairs = h('div', { class: 'pair-rows' });
  const total = h('output', { name: 'total' });
  const totalField = h('div', { class: 'field' }, h('span', { class: 'label' }, 'Total of the lines'), total);
  const description = field({ name: 'description', label: 'Description', hint: 'What is ordered, in a few words. A photo is compared with it.', maxlength: 500, dir: 'auto', value: order.description });
  const price = field({ name: 'price', label: 'Price', inputmode: 'decimal', value: order.price });
  const currency = field({ name: 'currency', label: 'Currency', value: order.currency, maxlength: 3, size: 4, list: 'currencies', autocapitalize: 'characters' });
  const photo = createPhoto({ image: order.image, kept: keptPhoto, description: () => $('input', description).value.trim(), changed: () => changed?.(), signal });

  const form = h('form', { class: 'order-form', novalidate: true },
    formProblem(), description, photo.element,
    h('fieldset', {}, h('legend', {}, 'Customer'), h('div', { class: 'columns' },
      field({ name: 'customer.name', label: 'Name', optional: true, dir: 'auto', value: order.customer?.name ?? '' }),
      field({ name: 'customer.email', label: 'E-mail address', optional: true, type: 'email', value: order.customer?.email ?? '' }))),
    h('fieldset', { 'data-name': 'lines' }, h('legend', {}, 'Lines'),
      h('p', { class: 'hint' }, 'With lines, the price is their sum. Without, type the price below.'), lines, lineError,
      h('button', { type: 'button', id: 'add-line', onclick: () => addLine({ sku: '', name: '', quantity: 1, unit_price: '' }, true) }, icon('plus'), 'Add line')),
    h('div', { class: 'columns price-row' }, price, totalField, currency),
    field({ name: 'notes', label: 'Notes', optional: true, control: h('textarea', { rows: 3, dir: 'auto', value: order.notes ?? '' }) }),
    h('fieldset', { 'data-name': 'metadata' }, h('legend', {}, 'Metadata', h('span', { class: 'quiet' }, ' (optional)')), pairs,
      h('p', { class: 'error-text' }),
      h('button', { type: 'button', id: 'add-metadata', onclick: () => addPair('', '', true) }, icon('plus'), 'Add a pair')),
    h('datalist', { id: 'currencies' }, ['EUR', 'USD', 'GBP', 'CHF', 'JPY', 'SEK', 'PLN'].map((value) => h('option', { value }))),
    h('div', { class: 'form-end' }, h('button', { class: 'primary', id: 'save' }, submit), cancel));

  function addLine(line, focus) {
    const cell = (name, label, attributes = {}) => field({ name, label, value: String(line[name] ?? ''), ...attributes });
    const row = h('div', { class: 'line-row', role: 'group' },
      cell('sku', 'SKU', { maxlength: 64, optional: true }), cell('name', 'Name', { dir: 'auto' }),
      cell('quantity', 'Quantity', { inputmode: 'numeric' }), cell('unit_price', 'Unit price', { inputmode: 'decimal' }),
      h('button', { type: 'button', class: 'icon', onclick: () => remove(row, lines, '#add-line') }, icon('close')));
    lines.append(row);
    renumber();
    if (focus) {
      $('input', row).focus();
      changed?.();
    }
  }

  function addPair(name, value, focus) {
    const row = h('div', { class: 'pair-row' },
      field({ name: '', label: 'Name', value: name, maxlength: 64 }), field({ name: '', label: 'Value', value, dir: 'auto' }),
      h('button', { type: 'button', class: 'icon', 'aria-label': 'Remove this pair', onclick: () => remove(row, pairs, '#add-metadata') }, icon('close')));
    pairs.append(row);
    if (focus) $('input', row).focus();
  }

  function remove(row, rows, add) {
    const neighbour = row.nextElementSibling ?? row.previousElementSibling;
    row.remove();
    renumber();
    (neighbour ? $('input', neighbour) : $(add, form)).focus();
    changed?.();
  }

  // Names carry the index, so that the pointer /lines/2/sku finds its field.
  function renumber() {
    [...lines.children].forEach((row, index) => {
      row.setAttribute('aria-label', `Line ${index + 1}`);
      $('button', row).setAttribute('aria-label', `Remove line ${index + 1}`);
      for (const input of row.querySelectorAll('input')) {
        const name = `lines.${index}.${input.name.split('.').at(-1)}`;
        input.name = name;
        input.parentElement.dataset.name = name;
      }
    });
    showTotal();
  }

  function showTotal() {
    const { lines, currency } = value();
    const hasLines = lines.length > 0;
    price.hidden = hasLines;
    totalField.hidden = !hasLines;
    const sum = linesTotal(lines, currency);
    total.value = sum === null ? '–' : `${moneyText(sum, currency)} ${currency}`;
  }

  /** The form as an order; `image` only when the photo was changed. */
  function value() {
    const text = (name) => form.elements[name].value.trim();
    const code = text('currency').toUpperCase();
    const rows = [...lines.children].map((row) => Object.fromEntries([...row.querySelectorAll('input')].map((input) => [input.name.split('.').at(-1), input.value.trim()])));
    return {
      description: text('description'),
      customer: { name: text('customer.name'), email: text('customer.email') },
      lines: rows.map((line) => ({ ...line, quantity: /^\d{1,9}$/.test(line.quantity) ? Number(line.quantity) : line.quantity, unit_price: decimal(line.unit_price, code) })),
      price: decimal(text('price'), code), currency: code, notes: form.elements.notes.value,
      metadata: Object.fromEntries([...pairs.children].map((row) => [...row.querySelectorAll('input')].map((input) => input.value.trim())).filter(([name]) => name)),
    };
  }

  /** What can be said without asking the server, in the server's own form. */
  function check() {
    const { description, lines, price } = value();
    const errors = [];
    if (!description) errors.push({ pointer: '/description', detail: 'Write what is ordered.' });
    lines.forEach((line, index) => {
      if (!line.name) errors.push({ pointer: `/lines/${index}/name`, detail: 'Name what it is.' });
      if (!line.unit_price) errors.push({ pointer: `/lines/${index}/unit_price`, detail: 'Give the price of one.' });
    });
    if (!lines.length && !price) errors.push({ pointer: '/price', detail: 'Give a price, or add lines.' });
    if (photo.failed()) errors.push({ pointer: '/image', detail: 'The photo was not checked yet. Send it again or remove it.' });
    if (photo.undecided()) errors.push({ pointer: '/image', detail: 'Use this photo all the same, choose another one, or change the description.' });
    return errors;
  }

  (order.lines ?? []).forEach((line) => addLine(line));
  Object.entries(order.metadata ?? {}).forEach(([name, text]) => addPair(name, text));
  showTotal();
  form.addEventListener('input', () => {
    showTotal();
    changed?.();
  });
  $('input', description).addEventListener('change', () => photo.descriptionChanged());
  return { element: form, value, check, photo, clearErrors: () => clearErrors(form) };
}
