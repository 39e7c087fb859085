// orders.js: the list of orders. Every filter, the sort, how far it was read and the open order are in the URL.
import { $, addKeys, api, bdi, copyButton, createList, go, h, icon, localZone, money, periodText, pill, setTitle, shortId, thumbnail, time, urlFor } from '/app.js';

const filterNames = ['q', 'status', 'customer_email', 'price_gte', 'price_lte', 'created_from', 'created_to', 'sort'];
const sorts = {
  '-created_at': 'Newest first', created_at: 'Oldest first', '-updated_at': 'Last changed first',
  updated_at: 'Longest unchanged first', '-price': 'Highest price first', price: 'Lowest price first',
};
const defaultSort = '-created_at';

/** The API's own parameters for what the URL says; days are local days. */
export function selection(query) {
  const chosen = Object.fromEntries(filterNames.map((name) => [name, query[name]]));
  if (chosen.created_from || chosen.created_to) chosen.tz = localZone;
  return chosen;
}

export function show(root, place) {
  const { signal } = place;
  const selected = new Map();
  let query = {};
  let openId = null;
  let lastOpen = null; // its row gets the focus back, also when its panel had no time to appear
  let panel = null;
  let started = false;

  const list = createList({ label: 'Orders', columns: columns(), row, signal, empty, shown,
    load: (cursor, signal) => api('GET', urlFor('/api/orders', { ...selection(query), limit: 50, cursor }), { signal }).then(({ data }) => data) });
  const filters = [
    chip('status', 'Status', ['status'], () => query.status.replaceAll(',', ', ')),
    chip('period', 'Period', ['created_from', 'created_to'], () => periodText(query.created_from, query.created_to)),
    chip('customer', 'Customer', ['customer_email'], () => query.customer_email),
    chip('price', 'Price', ['price_gte', 'price_lte'], () => [query.price_gte && `from ${query.price_gte}`, query.price_lte && `to ${query.price_lte}`].filter(Boolean).join(' ')),
  ];
  const sort = h('select', { id: 'sort', onchange: () => setFilter({ sort: sort.value }) }, Object.entries(sorts).map(([value, text]) => h('option', { value }, text)));
  const chips = h('div', { class: 'chips', role: 'group', 'aria-label': 'Filters' }, filters.map(({ element }) => element), h('label', { class: 'chip sort-by' }, 'Sort ', sort));
  const bulk = h('div', { class: 'bulk', role: 'region', 'aria-label': 'Selected orders', hidden: true });
  const panelPlace = h('div', { id: 'panel-place' });

  root.append(
    h('div', { class: 'head' }, h('h1', {}, 'Orders'),
      h('button', { type: 'button', id: 'export', onclick: exportSelection }, icon('download'), 'Export CSV')),
    chips, bulk, list.element, panelPlace);

  /* -- rows -- */

  function columns() {
    const byUpdate = query.sort?.endsWith('updated_at');
    return [
      { name: 'pick', control: h('input', { type: 'checkbox', id: 'select-all', 'aria-label': 'Select all shown orders', onchange: selectAll }) },
      { name: 'description', text: 'Description' },
      { name: 'id', text: 'Order' },
      { name: 'customer', text: 'Customer' },
      sortable('price', 'Price', 'price'),
      { name: 'status', text: 'Status' },
      sortable('when', byUpdate ? 'Changed' : 'Created', byUpdate ? 'updated_at' : 'created_at'),
    ];
  }

  function sortable(name, text, member) {
    const sort = query.sort ?? defaultSort;
    const direction = { [member]: 'ascending', [`-${member}`]: 'descending' }[sort];
    const next = sort === `-${member}` ? member : `-${member}`;
    return { name, sort: direction,
      control: h('button', { type: 'button', class: 'sort', title: sorts[next], onclick: () => setFilter({ sort: next }) }, text,
        h('span', { 'aria-hidden': 'true' }, { ascending: ' ↑', descending: ' ↓' }[direction] ?? '')) };
  }

  const listQuery = () => Object.fromEntries([...filterNames, 'pages'].map((name) => [name, query[name]]));
  const orderUrl = (id) => urlFor(`/orders/${id}`, listQuery());

  function row(order) {
    const cell = (name, ...content) => h('td', { role: 'cell', class: name }, content);
    const customer = order.customer?.name || order.customer?.email;
    return h('tr', { role: 'row', 'data-id': order.id, class: order.id === openId ? 'open' : null, onclick: openRow },
      cell('pick', h('input', { type: 'checkbox', checked: selected.has(order.id), 'aria-label': `Select order ${shortId(order.id)}`, onchange: (event) => select(order, event.target.checked) })),
      cell('description', thumbnail(order.image), h('a', { href: orderUrl(order.id), class: 'open-order', title: order.description }, bdi(order.description))),
      cell('id', h('code', { title: order.id }, shortId(order.id)), copyButton(order.id, 'Order id')),
      cell('customer', customer ? bdi(customer) : h('span', { class: 'quiet' }, '–')),
      cell('price', money(order.price, order.currency)),
      cell('status', pill(order.status)),
      cell('when', time(query.sort?.endsWith('updated_at') ? order.updated_at : order.created_at)));
  }

  // The whole row opens the order; its link is what keyboards and screen readers use.
  function openRow(event) {
    if (event.target.closest('a, button, input') || String(getSelection())) return;
    go(orderUrl(event.currentTarget.dataset.id));
  }

  function empty() {
    if (filterNames.some((name) => name !== 'sort' && query[name])) {
      return [h('h2', {}, 'No order fits these filters'),
        h('p', {}, h('button', { type: 'button', onclick: () => go('/') }, 'Clear all filters'))];
    }
    return [h('h2', {}, 'No orders yet'), h('p', {}, 'The first one appears here as soon as somebody creates it.'),
      h('p', {}, h('a', { class: 'button primary', href: '/orders/new' }, 'New order'))];
  }

  function shown() {
    for (const id of selected.keys()) if (!list.items.some((order) => order.id === id)) selected.delete(id);
    showBulk();
    const pages = list.pages > 1 ? String(list.pages) : undefined;
    if (pages === query.pages || signal.aborted) return;
    query.pages = pages;
    history.replaceState(history.state, '', urlFor(location.pathname, { ...Object.fromEntries(new URLSearchParams(location.search)), pages }));
  }

  /* -- filters -- */

  function setFilter(changes, replace = false) {
    go(urlFor(openId ? `/orders/${openId}` : '/', { ...listQuery(), pages: undefined, ...changes }), { replace });
  }

  // A chip is made once and then only told its value: a person may still be in its menu.
  function chip(name, text, members, valueText) {
    const summary = h('summary', {}, text);
    const details = h('details', { class: 'menu', name: 'filter', id: `filter-${name}`, ontoggle: open }, summary);
    const clear = h('button', { type: 'button', class: 'icon', 'aria-label': `Clear ${name} filter`, onclick: () => {
      setFilter(Object.fromEntries(members.map((member) => [member, ''])));
      summary.focus();
    } }, icon('close'));
    const element = h('span', { class: 'chip' }, details, clear);

    async function open() {
      details.querySelector('form')?.remove();
      if (!details.open) return;
      const { filterForm } = await import('/filters.js');
      details.append(filterForm(name, query, (changes) => {
        if (name !== 'status') {
          details.open = false;
          summary.focus();
        }
        setFilter(changes);
      }));
    }

    return { element, update() {
      const value = members.some((member) => query[member]) && valueText();
      summary.replaceChildren(text, ...(value ? [': ', bdi(value)] : []));
      element.classList.toggle('on', Boolean(value));
      clear.hidden = !value;
    } };
  }

  /* -- several at once -- */

  function select(order, on) {
    if (on) selected.set(order.id, order);
    else selected.delete(order.id);
    showBulk();
  }

  function selectAll(event) {
    selected.clear();
    if (event.target.checked) for (const order of list.items) selected.set(order.id, order);
    for (const box of list.element.querySelectorAll('td.pick input')) box.checked = event.target.checked;
    showBulk();
  }

  async function showBulk() {
    const all = $('#select-all', list.element);
    all.checked = selected.size > 0 && selected.size === list.items.length;
    all.indeterminate = selected.size > 0 && !all.checked;
    bulk.hidden = !selected.size;
    if (!selected.size) return;
    const { bulkActions } = await import('/bulk.js');
    if (selected.size) bulk.replaceChildren(...bulkActions([...selected.values()], () => selectAll({ target: { checked: false } })));
  }

  async function exportSelection({ currentTarget }) {
    const { exportCsv } = await import('/export.js');
    await exportCsv(urlFor('/api/orders', selection(query)), currentTarget);
  }

  /* -- one order beside the list -- */

  async function showPanel(at) {
    if (!at.id) {
      panel?.close();
      panel = null;
      return;
    }
    const { showOrder } = await import('/order.js');
    if (signal.aborted || openId !== at.id) return;
    panel?.close({ keepFocus: true });
    panel = showOrder(panelPlace, {
      id: at.id, edit: 'edit' in at.query, signal,
      back: urlFor('/', listQuery()), url: orderUrl(at.id),
      opener: () => $(`tr[data-id="${lastOpen}"] a`, list.element),
    });
  }

  function update(at) {
    const before = JSON.stringify(selection(query));
    const wasOpen = openId;
    const wasEditing = 'edit' in query;
    const read = query.pages;
    query = at.query;
    openId = at.id;
    lastOpen = at.id ?? lastOpen;
    if (!at.id) setTitle('Orders');
    if (document.activeElement !== $('#q')) $('#q').value = query.q ?? '';
    for (const one of list.element.querySelectorAll('tr[data-id]')) one.classList.toggle('open', one.dataset.id === openId);
    if (!started || JSON.stringify(selection(query)) !== before) {
      if (started) scrollTo(0, 0);
      started = true;
      list.setColumns(columns());
      list.fill(Math.min(Number(query.pages) || 1, 20));
    } else if (!query.pages && read) query.pages = read;
    for (const link of list.element.querySelectorAll('a.open-order')) link.href = orderUrl(link.closest('tr').dataset.id);
    for (const filter of filters) filter.update();
    sort.value = query.sort ?? defaultSort;
    if (wasOpen !== openId || wasEditing !== 'edit' in query) showPanel(at);
  }

  /* -- keys -- */

  function move(step) {
    const links = [...list.element.querySelectorAll('a.open-order')];
    const at = links.findIndex((link) => openId ? link.closest('tr').dataset.id === openId : link.closest('tr').contains(document.activeElement));
    const link = links[at < 0 ? 0 : at + step];
    if (!link) return;
    link.scrollIntoView({ block: 'nearest' });
    if (openId) go(orderUrl(link.closest('tr').dataset.id), { replace: true });
    else link.focus();
  }

  addKeys({
    j: () => move(1),
    k: () => move(-1),
    x: () => document.activeElement.closest('tr')?.querySelector('td.pick input').click(),
    e: () => {
      const id = openId ?? document.activeElement.closest('tr')?.dataset.id;
      if (id) go(urlFor(`/orders/${id}`, { ...listQuery(), edit: '1' }));
    },
    Escape: () => {
      if (openId) go('edit' in query ? orderUrl(openId) : urlFor('/', listQuery()));
    },
  }, signal);

  document.addEventListener('order-changed', ({ detail }) => {
    selected.delete(detail.id);
    if (detail.order && !list.items.some((order) => order.id === detail.id)) list.fill(list.pages);
    else list.replace(detail.id, detail.order);
    showBulk();
  }, { signal });

  update(place);
  return update;
}
