// filters.js: the filter chips over the list of orders. Each opens a small form; its values go to the URL.
import { h, icon, statuses } from '/app.js';

const isoDay = (date) => new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 10);

/** Named periods as local days, both inclusive. */
export function periods(now = new Date()) {
  const day = (offset) => isoDay(new Date(now.getFullYear(), now.getMonth(), now.getDate() + offset));
  const month = (offset, date) => isoDay(new Date(now.getFullYear(), now.getMonth() + offset, date));
  return {
    Today: [day(0), day(0)], Yesterday: [day(-1), day(-1)], 'Last 7 days': [day(-6), day(0)], 'Last 30 days': [day(-29), day(0)],
    'This month': [month(0, 1), month(1, 0)], 'Last month': [month(-1, 1), month(0, 0)],
  };
}

export const periodText = (from, to) =>
  Object.entries(periods()).find(([, days]) => days[0] === from && days[1] === to)?.[0]
  ?? (from && to ? (from === to ? from : `${from} to ${to}`) : from ? `from ${from}` : `to ${to}`);

const decimal = (text) => text.trim().replace(/^(\d+),(\d+)$/, '$1.$2');
let resume = null; // the box whose choice just redrew the chips: the person is still in that menu

export function filterChips(query, setFilter) {
  const status = chip('Status', query.status?.split(',').join(', '), () => setFilter({ status: '' }),
    h('fieldset', {}, h('legend', { class: 'unseen' }, 'Status'), statuses.map((word) => h('label', { class: 'tick' },
      h('input', { type: 'checkbox', name: 'status', value: word, checked: query.status?.split(',').includes(word), onchange: (event) => {
        const chosen = [...event.target.form.elements.status].filter((box) => box.checked).map((box) => box.value);
        resume = word;
        setFilter({ status: chosen.join(',') });
      } }), word))));

  const from = h('input', { type: 'date', name: 'created_from', value: query.created_from ?? '' });
  const to = h('input', { type: 'date', name: 'created_to', value: query.created_to ?? '' });
  const hasPeriod = query.created_from || query.created_to;
  const period = chip('Period', hasPeriod && periodText(query.created_from, query.created_to), () => setFilter({ created_from: '', created_to: '' }), [
    h('div', { class: 'presets' }, Object.entries(periods()).map(([name, [created_from, created_to]]) =>
      h('button', { type: 'button', 'aria-pressed': String(query.created_from === created_from && query.created_to === created_to),
        onclick: () => setFilter({ created_from, created_to }) }, name))),
    h('label', {}, 'From', from), h('label', {}, 'To', to), apply(),
  ], () => setFilter({ created_from: from.value, created_to: to.value }));

  const email = h('input', { type: 'email', name: 'customer_email', value: query.customer_email ?? '', autocomplete: 'off' });
  const customer = chip('Customer', query.customer_email, () => setFilter({ customer_email: '' }),
    [h('label', {}, 'E-mail address', email), apply()], () => setFilter({ customer_email: email.value.trim() }));

  const low = h('input', { name: 'price_gte', inputmode: 'decimal', value: query.price_gte ?? '', autocomplete: 'off' });
  const high = h('input', { name: 'price_lte', inputmode: 'decimal', value: query.price_lte ?? '', autocomplete: 'off' });
  const range = [query.price_gte && `from ${query.price_gte}`, query.price_lte && `to ${query.price_lte}`].filter(Boolean).join(' ');
  const price = chip('Price', range, () => setFilter({ price_gte: '', price_lte: '' }),
    [h('label', {}, 'From', low), h('label', {}, 'To', high), apply()],
    () => setFilter({ price_gte: decimal(low.value), price_lte: decimal(high.value) }));

  return [status, period, customer, price];
}

const apply = () => h('button', { class: 'primary' }, 'Apply');

function chip(name, value, clear, content, submit) {
  const details = h('details', { class: 'menu', name: 'filter', id: `filter-${name.toLowerCase()}` },
    h('summary', {}, name, value ? [': ', h('bdi', {}, value)] : ''),
    h('form', { class: 'drop', onsubmit: (event) => { event.preventDefault(); submit?.(); } }, content));
  const box = resume && details.querySelector(`input[value=${resume}]`);
  if (box) {
    resume = null;
    details.open = true;
    queueMicrotask(() => box.focus());
  }
  return h('span', { class: value ? 'chip on' : 'chip' }, details,
    value && h('button', { type: 'button', class: 'icon', 'aria-label': `Clear ${name.toLowerCase()} filter`, onclick: clear }, icon('close')));
}

// A menu closes like a menu: by Escape, and by a click or focus elsewhere.
const openMenus = (except) => [...document.querySelectorAll('details.menu[open]')].filter((menu) => !menu.contains(except));
document.addEventListener('click', ({ target }) => openMenus(target).forEach((menu) => { menu.open = false; }));
document.addEventListener('focusin', ({ target }) => openMenus(target).forEach((menu) => { menu.open = false; }));
document.addEventListener('keydown', (event) => {
  const menu = document.activeElement.closest('details.menu[open]');
  if (event.key !== 'Escape' || !menu) return;
  event.preventDefault();
  event.stopPropagation();
  menu.open = false;
  menu.querySelector('summary').focus();
}, true);
