// new_order.js: the form for a new order. What is typed stays in this tab until the order is created.
import { $, addKeys, api, go, h, orderChanged, Problem, setTitle } from '/app.js';
import { busy, draft, showErrors } from '/form.js';
import { createOrderForm, emptyOrder } from '/order_form.js';

export function show(root, { signal }) {
  setTitle('New order');
  const kept = draft.read('new');
  // One key for one order: sending again after a lost answer cannot create it twice.
  let key = kept?.key ?? crypto.randomUUID();
  let sent = kept?.sent ?? null;
  const form = createOrderForm(kept?.order ?? emptyOrder(), { submit: 'Create order', signal, photo: kept?.photo, changed: keep,
    cancel: h('a', { class: 'button', href: '/' }, 'Back to the orders') });

  function keep() {
    draft.write('new', { key, sent, order: form.value(), photo: form.photo.kept() });
  }

  function startAgain() {
    draft.drop('new');
    root.replaceChildren();
    show(root, { signal });
  }

  root.append(h('div', { class: 'narrow' }, h('div', { class: 'head' }, h('h1', {}, 'New order'),
    kept && h('button', { type: 'button', id: 'start-again', onclick: startAgain }, 'Start again')),
  kept && h('p', { class: 'hint' }, 'This is what you had typed before.'), form.element));
  form.element.elements.description.focus();
  addKeys({ Escape: () => go('/') }, signal);

  form.element.addEventListener('submit', (event) => {
    event.preventDefault();
    busy($('#save', form.element), 'Creating…', create);
  });

  async function create() {
    form.clearErrors();
    await form.photo.settle();
    const errors = form.check();
    if (errors.length) return showErrors(form.element, { errors });
    const body = request();
    const text = JSON.stringify(body);
    // The same key with another body is refused, rightly: a changed order is another one.
    if (sent && sent !== text) key = crypto.randomUUID();
    sent = text;
    keep();
    try {
      const { data: order } = await api('POST', '/api/orders', { body, headers: { 'Idempotency-Key': key } });
      draft.drop('new');
      orderChanged(order.id, order);
      const { toast } = await import('/toast.js');
      toast('Order created.');
      go(`/orders/${order.id}`, { replace: true });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      showErrors(form.element, problem);
    }
  }

  function request() {
    const { description, customer, lines, price, currency, notes, metadata } = form.value();
    const body = { description, currency };
    if (lines.length) body.lines = lines.map(withoutEmpty);
    else body.price = price;
    if (customer.name || customer.email) body.customer = withoutEmpty(customer);
    if (notes.trim()) body.notes = notes;
    if (Object.keys(metadata).length) body.metadata = metadata;
    if (form.photo.value()) body.image = form.photo.value();
    if (form.photo.accepted()) body.accept_mismatch = true;
    return body;
  }
}

const withoutEmpty = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== ''));
