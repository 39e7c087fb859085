// sign_in.js: asks for an API token. The page behind it stays in the URL and opens afterwards.
import { $, api, config, h, Problem, reopen, session, setTitle } from '/app.js';
import { busy, clearErrors, field, formProblem, showErrors } from '/form.js';

export function show(root, message) {
  setTitle('Sign in');
  const form = h('form', { class: 'card', id: 'sign-in', novalidate: true, onsubmit: (event) => {
    event.preventDefault();
    busy($('button', form), 'Signing in…', signIn);
  } },
  h('h1', {}, config.site_name),
  message ? h('p', { role: 'status' }, message) : '', formProblem(),
  field({ name: 'token', label: 'API token', type: 'password', autocomplete: 'current-password', spellcheck: 'false' }),
  h('label', { class: 'tick' }, h('input', { type: 'checkbox', name: 'stay' }), 'Stay signed in on this device'),
  h('div', { class: 'form-end' }, h('button', { class: 'primary' }, 'Sign in')),
  h('p', { class: 'quiet' }, 'Whoever runs the desk makes one with ', h('code', {}, 'ordermill token add'), '. In a development copy, ', h('code', {}, './dev token'), ' prints one.'));
  root.replaceChildren(form);
  form.elements.token.focus();

  async function signIn() {
    clearErrors(form);
    const token = form.elements.token.value.trim();
    const refuse = (detail) => showErrors(form, { errors: [{ pointer: '/token', detail }] });
    if (!/^[\x21-\x7e]+$/.test(token)) return refuse(token ? 'A token has no spaces and only plain letters, digits and signs.' : 'Paste the token.');
    try {
      await api('GET', '/api/orders?limit=1', { headers: { Authorization: `Bearer ${token}` }, signingIn: true });
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status === 401) return refuse('This token is not known or has ended.');
      // 403: the token is good, for something else than reading orders.
      if (problem.status !== 403) return showErrors(form, problem);
    }
    session.start(token, form.elements.stay.checked);
    reopen();
  }
}
