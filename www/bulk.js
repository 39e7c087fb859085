// bulk.js: what can be done with several selected orders at once.
import { api, h, icon, nextStatuses, orderChanged, plural, Problem, shortId } from '/app.js';
import { follow, remove } from '/deletion.js';
import { ask } from '/dialog.js';
import { saveFile } from '/export.js';
import { toast } from '/toast.js';

const columns = ['id', 'status', 'description', 'customer_name', 'customer_email', 'price', 'currency', 'created_at', 'updated_at'];

export function bulkActions(orders, clear) {
  // Only the steps that are legal for every selected order.
  const steps = orders.map((order) => nextStatuses[order.status]).reduce((one, other) => one.filter((status) => other.includes(status)));
  return [
    h('strong', {}, `${orders.length} selected`),
    h('label', {}, h('span', { class: 'unseen' }, 'Change status'), h('select', { id: 'bulk-status', disabled: !steps.length,
      onchange: (event) => event.target.value && changeStatus(orders, event.target.value, clear) },
    h('option', { value: '' }, steps.length ? 'Change status…' : 'No common next status'), steps.map((status) => h('option', { value: status }, status)))),
    h('button', { type: 'button', id: 'bulk-export', onclick: () => saveFile(new Blob([csv(orders)], { type: 'text/csv' }), 'orders.csv') }, icon('download'), 'Export'),
    h('button', { type: 'button', id: 'bulk-delete', class: 'danger-quiet', onclick: () => removeAll(orders, clear) }, icon('trash'), 'Delete'),
    h('button', { type: 'button', id: 'bulk-clear', 'aria-label': 'Clear selection', onclick: clear }, 'Clear'),
  ];
}

function csv(orders) {
  // A spreadsheet runs a cell that starts like a formula; the API's own CSV guards against it the same way.
  const cell = (value) => `"${String(value ?? '').replace(/^[=+\-@\t\r]/, "'$&").replaceAll('"', '""')}"`;
  const rows = orders.map((order) => ({ ...order, customer_name: order.customer?.name, customer_email: order.customer?.email }));
  return [columns.join(','), ...rows.map((row) => columns.map((name) => cell(row[name])).join(','))].join('\r\n');
}

/** Runs work on each order, reading its ETag first; one that changed since it was shown is left alone. */
async function each(orders, doing, work) {
  const message = toast('', { sticky: true });
  const failed = [];
  let done = 0;
  for (const order of orders) {
    message.show(`${doing}: ${done + failed.length} of ${orders.length}…`);
    try {
      const { data, etag } = await api('GET', `/api/orders/${order.id}`);
      if (data.version !== order.version) {
        orderChanged(order.id, data);
        throw new Problem({ detail: 'Somebody else changed it meanwhile.' });
      }
      await work(order, etag);
      done++;
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      failed.push([order, problem]);
    }
  }
  if (failed.length) {
    message.show(h('strong', {}, `${doing}: ${done} of ${orders.length} done.`),
      h('ul', {}, failed.slice(0, 5).map(([order, problem]) => h('li', {}, h('code', {}, shortId(order.id)), ` ${problem.message}`))));
  } else {
    message.show(`${doing}: ${plural(done, 'order')} done.`);
    message.end();
  }
  return message;
}

async function changeStatus(orders, status, clear) {
  clear();
  await each(orders, `Status ${status}`, async (order, etag) => {
    const { data } = await api('PATCH', `/api/orders/${order.id}`, { body: { status }, headers: { 'If-Match': etag } });
    orderChanged(order.id, data);
  });
}

async function removeAll(orders, clear) {
  const sure = await ask({ title: `Delete ${plural(orders.length, 'order')}?`, yes: `Delete ${plural(orders.length, 'order')}`, no: 'Keep them', kind: 'danger',
    content: h('p', {}, 'They leave the list and are archived with their photos, and every subscriber is mailed about each.') });
  if (!sure) return;
  clear();
  const gone = [];
  const message = await each(orders, 'Delete', async (order, etag) => {
    await remove(order.id, etag);
    gone.push(order.id);
    orderChanged(order.id, null);
  });
  if (gone.length === orders.length) message.close(); // the toast that follows them says it
  if (gone.length) follow(gone);
}
