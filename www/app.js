// app.js: the shell, the router, and every shared part the first view needs.
//
// The first view is six requests: index.html, app.css, app.js, the screen's own
// module, config.json and one API call. So the parts each screen uses from the
// start (elements, words and numbers, API client, list, router) live here, one
// section each; every other part (dialog, toast, form field, panel, …) is a
// module of its own that loads when somebody first needs it.

/* ---- elements ------------------------------------------------------------ */

const asProperty = new Set(['value', 'checked', 'indeterminate', 'disabled', 'srcObject']);

/** Makes an element. Text only ever becomes a text node, so data cannot be markup. */
export function h(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  node.append(...children.flat(Infinity).filter((child) => child != null && child !== false));
  for (const [name, value] of Object.entries(attributes)) {
    if (value == null || value === false) continue;
    if (name.startsWith('on')) node.addEventListener(name.slice(2), value);
    else if (asProperty.has(name)) node[name] = value;
    else node.setAttribute(name, value === true ? '' : value);
  }
  return node;
}

export function icon(name) {
  const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
  const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
  svg.setAttribute('aria-hidden', 'true');
  use.setAttribute('href', `#i-${name}`);
  svg.append(use);
  return svg;
}

/** Text from people: isolated, so a right-to-left name cannot reorder its row. */
export const bdi = (text) => h('bdi', {}, text ?? '');

export const $ = (selector, root = document) => root.querySelector(selector);

export async function copy(text, what) {
  const { toast } = await import('/toast.js');
  try {
    await navigator.clipboard.writeText(text);
    toast(`${what} copied.`);
  } catch {
    toast(`Copying is not allowed here. ${what}: ${text}`);
  }
}

export const copyButton = (text, what) =>
  h('button', { type: 'button', class: 'icon copy', 'aria-label': `Copy ${what.toLowerCase()}`, title: `Copy ${what.toLowerCase()}`,
    onclick: () => copy(text, what) }, icon('copy'));

/* ---- words and numbers --------------------------------------------------- */

// The page speaks English; a person's own English decides the date and number forms.
const locale = navigator.language.startsWith('en') ? navigator.language : 'en-GB';
export const localZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
const exactTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium', timeStyle: 'long' });
const dayTime = new Intl.DateTimeFormat(locale, { dateStyle: 'medium' });
const relativeTime = new Intl.RelativeTimeFormat('en', { numeric: 'auto', style: 'short' });

// The last eight digits: the first ones of a version 7 UUID are the clock, alike for all orders of a minute.
export const shortId = (id) => id.slice(-8);
export const percent = (part) => `${Math.round(part * 100)} %`;
export const plural = (count, one, many = `${one}s`) => `${count.toLocaleString(locale)} ${count === 1 ? one : many}`;

export function currencyScale(currency) {
  try {
    return new Intl.NumberFormat('en', { style: 'currency', currency }).resolvedOptions().maximumFractionDigits;
  } catch {
    return 2;
  }
}

/** A decimal string for people. Intl takes the string as it is: no float in between. */
export function moneyText(amount, currency) {
  const scale = currencyScale(currency);
  return new Intl.NumberFormat(locale, { minimumFractionDigits: scale, maximumFractionDigits: scale }).format(amount);
}

export function money(amount, currency) {
  const [, whole, fraction] = moneyText(amount, currency).match(/^(.*?)([.,]\d+)?$/);
  // Whole and fraction apart: a column of mixed currencies still lines up at the decimals.
  return h('span', { class: 'money' }, whole, h('span', { class: 'fraction' }, fraction ?? ''), ' ', h('span', { class: 'currency' }, currency));
}

export const exact = (instant) => exactTime.format(new Date(instant));

function relative(instant) {
  const seconds = (Date.parse(instant) - Date.now()) / 1000;
  const size = Math.abs(seconds);
  if (size < 45) return seconds > 0 ? 'in a moment' : 'just now';
  if (size < 3600) return relativeTime.format(Math.round(seconds / 60), 'minute');
  if (size < 86400) return relativeTime.format(Math.round(seconds / 3600), 'hour');
  if (size < 7 * 86400) return relativeTime.format(Math.round(seconds / 86400), 'day');
  return dayTime.format(new Date(instant));
}

export const time = (instant) => h('time', { datetime: instant, title: exact(instant) }, relative(instant));

setInterval(() => {
  for (const node of document.querySelectorAll('time')) node.textContent = relative(node.dateTime);
}, 60000);

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

export function periodText(from, to) {
  const named = Object.entries(periods()).find(([, days]) => days[0] === from && days[1] === to);
  if (named) return named[0];
  if (from && to) return from === to ? from : `${from} to ${to}`;
  return from ? `from ${from}` : `to ${to}`;
}

export const statuses = ['pending', 'confirmed', 'shipped', 'delivered', 'cancelled'];
export const nextStatuses = {
  pending: ['confirmed', 'cancelled'], confirmed: ['shipped', 'cancelled'], shipped: ['delivered'], delivered: [], cancelled: [],
};
export const pill = (word) => h('span', { class: 'pill', 'data-status': word }, word);

const verdictWords = { match: 'photo matches', mismatch: 'photo does not match', unsure: 'photo unclear', not_checked: 'photo not checked' };
const verdictMarks = { match: '✓', mismatch: '!', unsure: '?' };

/** The small photo of a row, with its verdict. An empty frame holds the place where there is none. */
export function thumbnail(image) {
  if (!image) return h('span', { class: 'thumb' });
  const words = (verdictWords[image.verdict] ?? '') + (image.accepted_by_user ? ', accepted by hand' : '');
  const frame = h('span', { class: 'thumb', title: words });
  const url = safeUrl(image.url);
  if (url) frame.append(h('img', { src: url, alt: '', width: 32, height: 32, loading: 'lazy', decoding: 'async', onerror: (event) => event.target.remove() }));
  const mark = verdictMarks[image.verdict]; // none where no recogniser looked: a mark on every row says nothing
  frame.append(mark ? h('span', { class: 'verdict', 'data-verdict': image.verdict, 'aria-hidden': 'true' }, mark) : '',
    h('span', { class: 'unseen' }, `${words}. `));
  return frame;
}

/* ---- API client ---------------------------------------------------------- */

export const config = { api_base: '', site_name: 'Order desk', currency: 'EUR', sign_in: { type: 'token' } };

const tokenKey = 'ordermill.token';
export const session = {
  get token() { return sessionStorage.getItem(tokenKey) ?? localStorage.getItem(tokenKey); },
  start(token, stay) {
    sessionStorage.setItem(tokenKey, token);
    if (stay) localStorage.setItem(tokenKey, token);
  },
  end() {
    sessionStorage.removeItem(tokenKey);
    localStorage.removeItem(tokenKey);
  },
};

/** An answer that is not a success: RFC 9457's members, or status 0 when there was no answer. */
export class Problem extends Error {
  constructor(members, response) {
    super(members.detail || members.title || 'Something went wrong.');
    this.status = 0;
    this.errors = [];
    Object.assign(this, members);
    this.body = members;
    this.etag = response?.headers.get('ETag');
    this.retryAfter = Number(response?.headers.get('Retry-After')) || 0;
    this.trace_id ??= response?.headers.get('X-Request-Id');
  }
}

export const apiUrl = (path) => new URL(config.api_base + path, location.origin).href;

export function safeUrl(url) {
  if (!url) return null;
  const absolute = new URL(url, apiUrl('/'));
  return /^https?:$/.test(absolute.protocol) ? absolute.href : null;
}

export function authorization() {
  return session.token ? { Authorization: `Bearer ${session.token}` } : {};
}

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

/** One request. Gives {status, data, etag, location, response} or throws a Problem. */
export async function api(method, path, { body, headers = {}, accept = 'application/json', signal, signingIn = false } = {}) {
  const send = { ...authorization(), Accept: accept, ...headers };
  if (body !== undefined && !(body instanceof URLSearchParams)) {
    send['Content-Type'] ??= method === 'PATCH' ? 'application/merge-patch+json' : 'application/json';
    body = JSON.stringify(body);
  }
  for (let tries = 0; ; tries++) {
    let response;
    try {
      response = await fetch(apiUrl(path), { method, headers: send, body, signal, credentials: 'omit' });
    } catch (error) {
      if (error.name === 'AbortError') throw error;
      throw new Problem({ title: 'No connection', detail: `${navigator.onLine ? 'The order desk does not answer.' : 'This device is offline.'} Nothing you typed is lost; try again in a moment.` });
    }
    if (response.ok) {
      const data = accept === 'application/json' && response.status !== 204 ? await response.json() : null;
      return { status: response.status, data, etag: response.headers.get('ETag'), location: response.headers.get('Location'), response };
    }
    const problem = await problemFrom(response);
    // Reading again is always safe; a short "busy" should not reach a person.
    if (method === 'GET' && [429, 503].includes(problem.status) && tries < 2 && problem.retryAfter <= 3 && path !== '/readyz') {
      await pause((problem.retryAfter || 0.5) * 1000);
      continue;
    }
    if (problem.status === 401 && !signingIn) askForToken(session.token ? 'The token was not accepted. It may have ended.' : '');
    throw problem;
  }
}

export async function problemFrom(response) {
  const members = await response.json().catch(() => ({ title: `The server answered ${response.status}.` }));
  const problem = new Problem(members, response);
  problem.status = response.status;
  return problem;
}

const advice = {
  403: 'Sign in with a token that has this scope.',
  429: 'Too many requests. Wait a moment, then try again.',
  503: 'It is busy or something it needs is down. The status page says which.',
};

/** Error view of a list or panel: what, why, what to do, and the trace id for whoever helps. */
export function errorView(problem, retry) {
  return h('div', { class: 'state error', role: 'alert' },
    icon('warning'),
    h('h2', {}, problem.title || 'That did not work'),
    h('p', {}, problem.message, ' ', advice[problem.status] ?? ''),
    retry && problem.status !== 404 && h('p', {}, h('button', { type: 'button', class: 'retry', onclick: retry }, 'Try again')),
    problem.trace_id && h('p', { class: 'quiet' }, 'Trace id ', h('code', {}, problem.trace_id), copyButton(problem.trace_id, 'Trace id')));
}

/* ---- list ---------------------------------------------------------------- */

/**
 * A table that is filled page by page. load(cursor, signal) answers {data, page};
 * row(item) makes a tr. While a filter changes, the old rows stay (dimmed): no jump.
 */
export function createList({ label, columns, row, load, empty, signal, shown }) {
  const head = h('tr', { role: 'row' }, columns.map(headCell));
  const body = h('tbody', { role: 'rowgroup' });
  const foot = h('div', { class: 'list-foot' });
  const table = h('table', { role: 'table', 'aria-label': label }, h('thead', { role: 'rowgroup' }, head), body);
  const list = { element: h('div', { class: 'list' }, table, foot), items: [], pages: 0, fill, replace, setColumns };
  let running = new AbortController();
  let next = null;

  function headCell({ name, text, control, sort }) {
    return h('th', { role: 'columnheader', scope: 'col', class: name, 'aria-sort': sort }, control ?? text);
  }

  function setColumns(changed) {
    const focused = head.contains(document.activeElement) && document.activeElement.closest('th').className;
    head.replaceChildren(...changed.map(headCell));
    if (focused) $(`.${focused} button`, head)?.focus();
  }

  function skeleton() {
    const cells = columns.map(({ name }) => h('td', { class: name }, h('span', { class: 'bone' })));
    body.replaceChildren(...Array.from({ length: 8 }, () => h('tr', { class: 'skeleton', 'aria-hidden': 'true' }, cells.map((cell) => cell.cloneNode(true)))));
  }

  async function page(cursor) {
    const answer = await load(cursor, AbortSignal.any([signal, running.signal]));
    next = answer.page.has_more ? answer.page.next : null;
    list.pages++;
    return answer.data;
  }

  /** Reads the first `pages` pages; what was on the screen stays until they are here. */
  async function fill(pages = 1) {
    running.abort();
    running = new AbortController();
    const mine = running;
    table.setAttribute('aria-busy', 'true');
    if (!list.items.length) {
      table.hidden = false;
      skeleton();
      foot.hidden = true;
    }
    try {
      const items = [];
      list.pages = 0;
      next = null;
      do items.push(...await page(next)); while (next && list.pages < pages);
      list.items = items;
      body.replaceChildren(...items.map(row));
      table.hidden = !items.length;
      showFoot();
    } catch (problem) {
      if (mine.signal.aborted || signal.aborted) return;
      if (!(problem instanceof Problem)) throw problem;
      list.items = [];
      body.replaceChildren();
      table.hidden = true;
      foot.replaceChildren(errorView(problem, () => fill(pages)));
    } finally {
      if (mine === running) table.removeAttribute('aria-busy');
    }
    foot.hidden = false;
    if (scrollWanted) scrollTo(0, scrollWanted);
    scrollWanted = 0;
    shown?.(list);
  }

  async function more(event) {
    const button = event.target;
    button.setAttribute('aria-disabled', 'true');
    button.textContent = 'Loading…';
    try {
      const items = await page(next);
      const rows = items.map(row);
      list.items.push(...items);
      body.append(...rows);
      showFoot();
      $('a', rows[0])?.focus({ preventScroll: true });
      shown?.(list);
    } catch (problem) {
      if (problem.name === 'AbortError') return;
      if (!(problem instanceof Problem)) throw problem;
      foot.replaceChildren(errorView(problem, () => { showFoot(); $('#load-more')?.click(); }));
    }
  }

  function showFoot() {
    if (!list.items.length) return foot.replaceChildren(h('div', { class: 'state empty' }, empty()));
    foot.replaceChildren(
      h('span', { class: 'quiet', id: 'shown' }, next ? `${list.items.length} shown` : `That is all: ${list.items.length}`),
      next ? h('button', { type: 'button', id: 'load-more', onclick: more }, 'Load more') : '');
  }

  /** Puts a changed item in the place of the old one, or takes it out (null). */
  function replace(id, item) {
    const index = list.items.findIndex((one) => (one.id ?? one.order_id) === id);
    if (index < 0) return;
    if (item) {
      list.items[index] = item;
      body.rows[index].replaceWith(row(item));
    } else {
      list.items.splice(index, 1);
      body.rows[index].remove();
      table.hidden = !list.items.length;
      showFoot();
    }
  }

  return list;
}

/* ---- router -------------------------------------------------------------- */

const id = '([0-9a-f-]{36})';
const routes = [
  ['/', 'orders'], ['/orders/new', 'new_order'], [`/orders/${id}`, 'orders'],
  ['/archive', 'archive'], [`/archive/${id}`, 'archive'],
  ['/reports', 'reports'], ['/reports/([\\w-]+)', 'reports'],
  ['/subscribers', 'subscribers'], ['/status', 'status'],
  ['/confirm', 'mail_link'], ['/unsubscribe', 'mail_link'],
].map(([path, screen]) => [new RegExp(`^${path}$`), screen]);

const sections = { new_order: 'orders' };
const withoutToken = ['mail_link'];
const main = $('#main');
let current = { screen: null, leaving: new AbortController() };
let scrollWanted = 0; // where the person was, for the list to go to once it is filled
let settled = false; // the first view leaves the focus where the browser put it

export function setTitle(text) {
  document.title = text ? `${text} · ${config.site_name}` : config.site_name;
}

/** A path with its query; empty values are left out so that URLs stay short. */
export function urlFor(path, query = {}) {
  const parameters = new URLSearchParams(Object.entries(query).filter(([, value]) => value !== '' && value != null));
  return parameters.size ? `${path}?${parameters}` : path;
}

export function go(url, { replace = false } = {}) {
  if (replace) history.replaceState(history.state, '', url);
  else {
    history.replaceState({ scroll: scrollY }, '');
    history.pushState(null, '', url);
  }
  return route();
}

/** Tells the screens that an order changed (order) or went away (null). */
export function orderChanged(id, order) {
  document.dispatchEvent(new CustomEvent('order-changed', { detail: { id, order } }));
}

async function route(scroll = 0) {
  const path = location.pathname;
  const [pattern, screen] = routes.find(([one]) => one.test(path)) ?? [];
  const place = { path, id: pattern?.exec(path)[1] ?? null, query: Object.fromEntries(new URLSearchParams(location.search)) };
  const plain = !screen || withoutToken.includes(screen) || !session.token;
  document.body.dataset.view = plain ? 'plain' : 'desk';
  if (screen && !session.token && !withoutToken.includes(screen)) return askForToken('');

  if (screen && screen === current.screen && current.update) {
    current.update(place);
  } else {
    current.leaving.abort();
    const opening = current = { screen, leaving: new AbortController() };
    scrollWanted = scroll;
    place.signal = opening.leaving.signal;
    markSection(screen);
    if (!screen) return notFound();
    try {
      const module = await import(`/${screen}.js`);
      if (opening !== current) return;
      main.replaceChildren();
      opening.update = module.show(main, place);
    } catch (error) {
      // A module that did not arrive is a connection that is gone; a retry imports it afresh by reloading.
      if (!(error instanceof TypeError) || navigator.onLine && !/import|module/i.test(error.message)) throw error;
      main.replaceChildren(errorView(new Problem({ title: 'This page did not load' }), () => location.reload()));
    }
    if (settled && !main.contains(document.activeElement)) main.focus({ preventScroll: true });
    settled = true;
    scrollTo(0, scroll);
  }
}

function markSection(screen) {
  const section = sections[screen] ?? screen;
  for (const link of document.querySelectorAll('#bar a[data-section]')) {
    if (link.dataset.section === section) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
}

function notFound() {
  setTitle('Not found');
  main.replaceChildren(h('div', { class: 'state' }, h('h1', {}, 'There is no such page'),
    h('p', {}, 'The address may be mistyped.'), h('p', {}, h('a', { href: '/' }, 'Go to the orders'))));
}

async function askForToken(message) {
  current.leaving.abort();
  const asking = current = { screen: 'sign_in', leaving: new AbortController() };
  document.body.dataset.view = 'plain';
  const { show } = await import('/sign_in.js');
  if (asking === current) show(main, message);
}

export function reopen() {
  current.screen = null;
  return route();
}

document.addEventListener('click', (event) => {
  const link = event.target.closest('a[href]');
  if (!link || event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (link.target || link.hasAttribute('download') || link.origin !== location.origin || link.hash) return;
  if (!routes.some(([pattern]) => pattern.test(link.pathname))) return;
  event.preventDefault();
  go(link.pathname + link.search);
});

$('.skip').addEventListener('click', (event) => {
  event.preventDefault();
  main.focus();
});

history.scrollRestoration = 'manual';
addEventListener('popstate', (event) => route(event.state?.scroll));

/* ---- shell --------------------------------------------------------------- */

const search = $('#search');

/** The list's filters survive a new search; elsewhere a search starts from all orders. */
function runSearch(replace) {
  const onOrders = current.screen === 'orders';
  const query = onOrders ? Object.fromEntries(new URLSearchParams(location.search)) : {};
  delete query.pages;
  go(urlFor('/', { ...query, q: search.q.value.trim() }), { replace });
}

let typing;
search.addEventListener('input', () => {
  clearTimeout(typing);
  if (current.screen === 'orders') typing = setTimeout(runSearch, 250, true);
});
search.addEventListener('submit', (event) => {
  event.preventDefault();
  clearTimeout(typing);
  runSearch(false);
});

$('#sign-out').addEventListener('click', signOut);
export function signOut() {
  session.end();
  sessionStorage.clear();
  askForToken('You are signed out.');
}

const showKeys = async () => (await import('/keys.js')).showKeys();
$('#show-keys').addEventListener('click', showKeys);

const shortcuts = {
  '/': () => { search.q.focus(); search.q.select(); },
  '?': showKeys,
  n: () => go('/orders/new'),
};

/** A screen's own keys, until it is left. */
export function addKeys(keys, signal) {
  Object.assign(shortcuts, keys);
  signal.addEventListener('abort', () => {
    for (const key of Object.keys(keys)) if (shortcuts[key] === keys[key]) delete shortcuts[key];
  });
}

document.addEventListener('keydown', (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (document.body.dataset.view !== 'desk' || $('dialog[open]')) return;
  const typingHere = event.target.matches('input:not([type=checkbox], [type=radio]), textarea, select');
  if (event.key === 'Escape' && event.target === search.q) return search.q.blur();
  if (event.key !== 'Escape' && (typingHere || localStorage.getItem('ordermill.keys') === 'off')) return;
  const run = shortcuts[event.key];
  if (!run) return;
  event.preventDefault();
  run(event);
});

const offline = $('#offline');
function showConnection() {
  offline.hidden = navigator.onLine;
  offline.textContent = navigator.onLine ? '' : 'You are offline. What you see may be old; what you type is kept.';
  if (navigator.onLine) for (const button of document.querySelectorAll('.retry')) button.click();
}
addEventListener('offline', showConnection);
addEventListener('online', showConnection);

/* ---- start --------------------------------------------------------------- */

// "#token=…" is how `./dev token` and an operator's link sign a person in. It must not stay in the address.
function takeToken() {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (!token) return;
  session.start(token, false);
  history.replaceState(null, '', location.pathname + location.search);
}

async function start() {
  takeToken();
  const [, screen] = routes.find(([pattern]) => pattern.test(location.pathname)) ?? [];
  if (screen) import(`/${screen}.js`).catch(() => {}); // beside config.json, not after it
  try {
    const answer = await fetch('/config.json', { credentials: 'omit' });
    Object.assign(config, await answer.json());
  } catch {
    main.replaceChildren(errorView(new Problem({ title: 'config.json could not be read', detail: 'The page does not know where its API is.' }), () => location.reload()));
    return;
  }
  config.api_base = config.api_base.replace(/\/$/, '');
  $('#site-name').textContent = config.site_name;
  showConnection();
  await route();
}

// The first press means that the rest will be needed too: it is fetched then, so that
// a connection that goes away later is said by a message and not by a missing module.
const parts = ['archive', 'archive_entry', 'bulk', 'camera', 'conflict', 'deletion', 'dialog', 'edit_order', 'export', 'filters', 'form', 'keys',
  'mail_link', 'new_order', 'order', 'order_form', 'orders', 'panel', 'photo', 'reports', 'sign_in', 'status', 'subscribers', 'toast'];
function fetchParts() {
  if (!navigator.onLine) return;
  for (const kind of ['pointerdown', 'keydown']) removeEventListener(kind, fetchParts);
  document.head.append(...parts.map((name) => h('link', { rel: 'modulepreload', href: `/${name}.js` })));
}
for (const kind of ['pointerdown', 'keydown']) addEventListener(kind, fetchParts);

addEventListener('hashchange', () => {
  if (!location.hash.startsWith('#token=')) return;
  takeToken();
  reopen();
});
start();
