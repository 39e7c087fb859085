// deletion.js: deletes orders and tells what becomes of them, live, from the deletion log.
import { api, bdi, h, orderChanged, plural, Problem, shortId } from '/app.js';
import { ask } from '/dialog.js';
import { problemToast, toast } from '/toast.js';

const whatHappens = () => h('p', {}, 'It leaves the list and is archived with its photo, and every subscriber is mailed. Whoever runs the desk can restore it from the archive.');

/** Asks, deletes, follows. Gives 'deleted', 'kept', or 'changed' when it was kept and is not what was shown. */
export async function deleteOrder(order, etag) {
  const sure = await ask({ title: 'Delete this order?', yes: 'Delete order', kind: 'danger',
    content: [h('p', {}, h('strong', {}, bdi(order.description)), ' ', h('code', {}, shortId(order.id))), whatHappens()] });
  if (!sure) return 'kept';
  try {
    await remove(order.id, etag);
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 410) {
      toast('Somebody else deleted this order before you.');
      return 'deleted';
    }
    if (problem.status === 412) return deleteChanged(order);
    problemToast(problem, 'The order was not deleted.');
    return 'kept';
  }
  follow([order.id]);
  return 'deleted';
}

export const remove = (id, etag) => api('DELETE', `/api/orders/${id}`, { headers: { 'If-Match': etag } });

/** Somebody changed it meanwhile: say what, then ask again with that in view. */
async function deleteChanged(before) {
  const { changedFields } = await import('/conflict.js');
  const { data: now, etag } = await api('GET', `/api/orders/${before.id}`);
  orderChanged(now.id, now);
  const sure = await ask({ title: 'This order changed meanwhile', yes: 'Delete it all the same', kind: 'danger',
    content: [h('p', {}, 'Somebody else changed it while you looked at it. It was not deleted.'), changedFields(before, now)] });
  if (!sure) return 'changed';
  return remove(now.id, etag).then(() => {
    follow([now.id]);
    return 'deleted';
  }, (problem) => {
    problemToast(problem, 'The order was not deleted.');
    return 'changed';
  });
}

/** One toast for one deletion or many, until each is archived and its mails are out. */
export async function follow(ids) {
  const message = toast('', { sticky: true });
  const states = new Map(ids.map((id) => [id, null]));
  const until = Date.now() + 120000;
  for (let wait = 600; ; wait = Math.min(wait * 1.4, 5000)) {
    message.show(progress(states));
    const open = ids.filter((id) => !isSettled(states.get(id)));
    if (!open.length) return message.end(15000);
    if (Date.now() > until) {
      message.show(progress(states), h('p', { class: 'quiet' }, 'The rest goes on by itself; the status page shows it.'));
      return message.end(15000);
    }
    await new Promise((resolve) => setTimeout(resolve, wait));
    await Promise.all(open.slice(0, 10).map(async (id) => {
      // An answer that fails says nothing about the deletion, which is recorded; the next look may succeed.
      const answer = await api('GET', `/api/archive/${id}`).catch(() => null);
      if (answer) states.set(id, answer.data.deletion);
    }));
  }
}

const isArchived = (deletion) => deletion && deletion.state !== 'pending';
const isSettled = (deletion) => isArchived(deletion) && (['mailed', 'done', 'restored'].includes(deletion.state) || deletion.mails.sent + deletion.mails.failed >= deletion.mails.total && deletion.mails.total > 0);

function progress(states) {
  const ids = [...states.keys()];
  const known = [...states.values()];
  const archived = known.filter(isArchived).length;
  const sum = (member) => known.reduce((total, deletion) => total + (deletion?.mails[member] ?? 0), 0);
  const step = (done, text) => h('li', { class: done ? 'past' : null }, text);
  const several = ids.length > 1;
  const mailed = sum('total') ? `Mailed ${sum('sent')} of ${sum('total')}` : known.every(isSettled) ? 'Nobody to mail' : 'Mailing';
  return [
    h('strong', {}, several ? `${plural(ids.length, 'order')} deleted` : 'Order deleted'),
    h('ol', { class: 'steps' },
      step(true, 'Deleted'), step(archived === ids.length, several ? `Archived ${archived} of ${ids.length}` : 'Archived'),
      step(known.every(isSettled), sum('failed') ? `${mailed}, ${sum('failed')} failed` : mailed)),
    several
      ? h('p', {}, h('a', { href: '/archive' }, 'Archive'))
      : h('p', {}, h('a', { href: `/archive/${ids[0]}` }, 'Archive entry and how to restore')),
  ];
}
