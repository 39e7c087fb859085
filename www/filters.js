// filters.js: what stands in an open filter chip. Its values go to the URL.
import { h, periods, statuses } from '/app.js';

const decimal = (text) => text.trim().replace(/^(\d+),(\d+)$/, '$1.$2');
const apply = () => h('button', { class: 'primary' }, 'Apply');
const input = (name, query, attributes) => h('input', { name, value: query[name] ?? '', autocomplete: 'off', ...attributes });

const contents = {
  status: (query, setFilter) => h('fieldset', {}, h('legend', { class: 'unseen' }, 'Status'),
    statuses.map((word) => h('label', { class: 'tick' },
      h('input', { type: 'checkbox', name: 'status', value: word, checked: query.status?.split(',').includes(word), onchange: ({ target }) =>
        setFilter({ status: [...target.form.elements.status].filter((box) => box.checked).map((box) => box.value).join(',') }) }), word))),
  period: (query, setFilter) => [
    h('div', { class: 'presets' }, Object.entries(periods()).map(([name, [created_from, created_to]]) =>
      h('button', { type: 'button', 'aria-pressed': String(query.created_from === created_from && query.created_to === created_to),
        onclick: () => setFilter({ created_from, created_to }) }, name))),
    h('label', {}, 'From', input('created_from', query, { type: 'date' })), h('label', {}, 'To', input('created_to', query, { type: 'date' })), apply()],
  customer: (query) => [h('label', {}, 'E-mail address', input('customer_email', query, { type: 'email' })), apply()],
  price: (query) => [h('label', {}, 'From', input('price_gte', query, { inputmode: 'decimal' })), h('label', {}, 'To', input('price_lte', query, { inputmode: 'decimal' })), apply()],
};

export function filterForm(name, query, setFilter) {
  return h('form', { class: 'drop', onsubmit: (event) => {
    event.preventDefault();
    if (name !== 'status') setFilter(Object.fromEntries([...new FormData(event.target)].map(([member, text]) => [member, name === 'price' ? decimal(text) : text.trim()])));
  } }, contents[name](query, setFilter));
}

// A menu closes like a menu: by Escape, and by a click or focus elsewhere.
const close = ({ target }) => {
  for (const menu of document.querySelectorAll('details.menu[open]')) if (!menu.contains(target)) menu.open = false;
};
document.addEventListener('click', close);
document.addEventListener('focusin', close);
document.addEventListener('keydown', (event) => {
  const menu = document.activeElement.closest('details.menu[open]');
  if (event.key !== 'Escape' || !menu) return;
  event.preventDefault();
  event.stopPropagation();
  menu.open = false;
  menu.querySelector('summary').focus();
}, true);
