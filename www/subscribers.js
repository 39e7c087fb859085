// subscribers.js: subscribing an address to the mails about deletions.
import { $, api, h, Problem, setTitle } from '/app.js';
import { busy, clearErrors, field, formProblem, showErrors } from '/form.js';

export function show(root) {
  setTitle('Subscribers');
  const said = h('div', { role: 'status' });
  const form = h('form', { class: 'order-form', novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    busy($('#subscribe', form), 'Sending…', subscribe);
  } }, formProblem(), field({ name: 'email', label: 'E-mail address', type: 'email', autocomplete: 'email' }),
  h('div', { class: 'form-end' }, h('button', { class: 'primary', id: 'subscribe' }, 'Subscribe')));

  root.append(h('div', { class: 'narrow' }, h('div', { class: 'head' }, h('h1', {}, 'Subscribers')),
    h('p', {}, 'A subscriber is mailed about every deletion: what the order said and where it is archived.'),
    form, said,
    h('section', {}, h('h2', {}, 'How it works'), h('ul', { class: 'words' },
      h('li', {}, 'We mail the address a link. Nobody is subscribed before the button behind it was pressed.'),
      h('li', {}, 'Every mail carries a link to unsubscribe; one press is enough.'),
      h('li', {}, 'Who is subscribed is shown to nobody on this page.')))));

  async function subscribe() {
    clearErrors(form);
    said.replaceChildren();
    const email = form.elements.email.value.trim();
    if (!email) return showErrors(form, { errors: [{ pointer: '/email', detail: 'Write an e-mail address.' }] });
    try {
      await api('POST', '/api/subscriptions', { body: { email } });
      said.replaceChildren(h('div', { class: 'notice' }, h('p', {}, h('strong', {}, 'Look into the mailbox of '), h('bdi', {}, email), '.'),
        h('p', {}, 'If the address is not subscribed yet, a mail with a link to confirm is on its way.')));
      form.reset();
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      showErrors(form, problem);
    }
  }
}
