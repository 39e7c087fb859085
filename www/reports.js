// reports.js: asks for a report of the deleted orders of a period, follows a long one, hands it over.
import { $, addKeys, api, copy, copyButton, errorView, exact, go, h, icon, localZone, periods, periodText, plural, Problem, safeUrl, setTitle } from '/app.js';
import { busy, clearErrors, field, formProblem, showErrors } from '/form.js';

const recentKey = 'ordermill.reports';
const recent = () => JSON.parse(localStorage.getItem(recentKey) ?? '[]');
// The API lists no reports; this browser remembers the last ones it asked for.
const remember = (report) => localStorage.setItem(recentKey, JSON.stringify([report, ...recent().filter(({ id }) => id !== report.id)].slice(0, 8)));

export function show(root, { id, signal }) {
  setTitle('Reports');
  root.append(h('div', { class: 'narrow' }, h('div', { class: 'head' }, h('h1', {}, 'Reports')),
    id ? oneReport(id, signal) : [reportForm(), recentReports()]));
}

function reportForm() {
  const [first, last] = periods()['This month'];
  const from = field({ name: 'from', label: 'From', type: 'date', value: first });
  const to = field({ name: 'to', label: 'To', type: 'date', value: last });
  const setPeriod = (days) => {
    [$('input', from).value, $('input', to).value] = days;
    press();
  };
  const presets = Object.entries(periods()).map(([name, days]) => h('button', { type: 'button', 'data-period': days.join(), onclick: () => setPeriod(days) }, name));
  const press = () => presets.forEach((button) => button.setAttribute('aria-pressed', String(button.dataset.period === `${$('input', from).value},${$('input', to).value}`)));
  const zones = Intl.supportedValuesOf?.('timeZone') ?? [];

  const form = h('form', { class: 'order-form', novalidate: true, oninput: press, onsubmit: (event) => {
    event.preventDefault();
    busy($('#make-report', form), 'Making the report…', make);
  } },
  formProblem(),
  h('p', {}, 'A PDF of the orders deleted in a period, drawn from the archive. Both days count.'),
  h('div', { class: 'presets', role: 'group', 'aria-label': 'Period' }, presets),
  h('div', { class: 'columns' }, from, to),
  field({ name: 'tz', label: 'Time zone of these days', list: 'zones', value: localZone }),
  h('datalist', { id: 'zones' }, zones.map((value) => h('option', { value }))),
  field({ name: 'title', label: 'Title', optional: true, maxlength: 200, dir: 'auto' }),
  h('div', { class: 'form-end' }, h('button', { class: 'primary', id: 'make-report' }, 'Make report')));
  press();

  async function make() {
    clearErrors(form);
    const body = Object.fromEntries(['from', 'to', 'tz', 'title'].map((name) => [name, form.elements[name].value.trim()]).filter(([, value]) => value));
    try {
      const { data, location } = await api('POST', '/api/reports', { body });
      const id = data?.id ?? location.split('/').at(-1);
      remember({ id, title: body.title || periodText(body.from, body.to), made_at: new Date().toISOString() });
      await go(`/reports/${id}`);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      showErrors(form, problem);
    }
  }

  return form;
}

function recentReports() {
  const reports = recent();
  return reports.length > 0 && h('section', {}, h('h2', {}, 'Asked for in this browser'),
    h('ul', { class: 'rows' }, reports.map(({ id, title, made_at }) => h('li', {}, h('a', { href: `/reports/${id}` }, h('bdi', {}, title)), h('span', { class: 'quiet' }, exact(made_at))))));
}

function oneReport(id, signal) {
  const place = h('div', { class: 'report', 'aria-live': 'polite' }, h('span', { class: 'bone long' }));
  const another = h('p', {}, h('a', { href: '/reports' }, 'Make another report'));
  addKeys({ Escape: () => go('/reports') }, signal);

  async function read() {
    try {
      const { data } = await api('GET', `/api/reports/${encodeURIComponent(id)}`, { signal });
      place.replaceChildren(...{ running, done, failed }[data.state ?? 'done'](data));
      if (data.state === 'running') setTimeout(() => signal.aborted || read(), 1000);
    } catch (problem) {
      if (problem instanceof Problem) place.replaceChildren(errorView(problem, read));
      else if (problem.name !== 'AbortError') throw problem;
    }
  }

  const running = ({ done, total, detail }) => [h('h2', {}, 'The report is being made'),
    h('progress', { max: total || 1, value: total ? done : null, 'aria-label': 'Progress' }),
    h('p', {}, total ? `${done} of ${plural(total, 'order')}` : 'Starting…', detail ? `. ${detail}` : ''),
    h('p', { class: 'quiet' }, 'You may leave this page and come back to it.')];

  const failed = ({ detail }) => [h('div', { class: 'state error' }, icon('warning'), h('h2', {}, 'The report was not made'), h('p', {}, detail ?? ''),
    h('p', {}, h('a', { class: 'button primary', href: '/reports' }, 'Ask again')))];

  function done({ url, expires_at, sha256, orders, pages }) {
    const ended = Date.parse(expires_at) < Date.now();
    const href = safeUrl(url);
    return [h('h2', {}, ended ? 'The link has ended' : 'The report is ready'),
      h('p', {}, orders ? `${plural(orders, 'order')} on ${plural(pages, 'page')}.` : 'No order was deleted in this period; the report says so.'),
      !ended && href && h('div', { class: 'actions' },
        h('a', { class: 'button primary', id: 'report-open', href, target: '_blank', rel: 'noopener' }, 'Open the PDF'),
        h('a', { class: 'button', id: 'report-download', href, download: `report-${id}.pdf` }, icon('download'), 'Download'),
        h('button', { type: 'button', id: 'report-copy', onclick: () => copy(href, 'Link') }, icon('copy'), 'Copy link')),
      ended ? h('p', {}, 'Make the report again for a new link.') : h('p', {}, `The link works until ${exact(expires_at)}. Whoever has it can read the report.`),
      h('details', { class: 'proof' }, h('summary', {}, 'Proof'), h('dl', { class: 'facts' }, h('dt', {}, 'SHA-256'), h('dd', {}, h('code', { class: 'wrap' }, sha256), copyButton(sha256, 'SHA-256'))))].filter(Boolean);
  }

  read();
  return [place, another];
}
